// The page around a flow: brand, title, background, and one stage at a time. Owns what is asked and answered, where the
// focus goes, and what is said to screen readers.
import type { FlowInfo } from '@gatehouse/contract/flow';
import { html, LitElement, nothing } from 'lit';
import { spinner } from '../elements/button.ts';
import { notice } from '../elements/notice.ts';
import { type PageSettings, themed } from '../page-settings.ts';
import type { Executor, ReceivedChallenge, Reply, Trouble } from './executor.ts';
import type { FlowInspector } from './inspector.ts';
import type { StageElement, Values } from './stage-element.ts';
import { heldRedirectComponent, stageElements, unknownComponent } from './stage-elements.ts';
import { troubleNotice, troublePage } from './trouble.ts';

type AnyStage = StageElement<ReceivedChallenge>;

/** Components that end a flow, whatever was answered before. */
const endings = new Set(['ak-stage-access-denied', 'ak-stage-flow-error', 'xak-flow-error', 'xak-flow-redirect']);
const restartedText = 'This took too long or was opened anew elsewhere. Please start again.';

export class FlowPage extends LitElement {
  static override properties = {
    stage: { state: true },
    trouble: { state: true },
    waitSeconds: { state: true },
    restarted: { state: true },
    inspector: { attribute: false },
  };
  declare executor: Executor;
  declare settings: PageSettings;
  /** Beside the flow; `undefined` where it was not asked for. */
  declare inspector: FlowInspector | undefined;
  declare stage: AnyStage | undefined;
  declare trouble: Trouble | undefined;
  declare waitSeconds: number | undefined;
  declare restarted: boolean;
  #timer: ReturnType<typeof setInterval> | undefined;

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener('gh-answer', (event) => {
      if (event instanceof CustomEvent) void this.#answer(event.detail);
    });
    window.addEventListener('online', () => {
      if (this.stage === undefined) void this.#look();
    });
    // A page that comes back from the browser's memory shows a stage that is long over.
    window.addEventListener('pageshow', ({ persisted }) => {
      if (persisted) location.reload();
    });
    void this.#look();
  }

  async #look(): Promise<void> {
    this.#stopWaiting();
    this.#receive(await this.executor.look(), undefined);
  }

  async #answer(values: Values): Promise<void> {
    const { stage } = this;
    if (stage === undefined) return;
    stage.busy = true;
    const component = stage.challenge.component;
    const reply = await this.executor.answer({ component, ...values });
    stage.busy = false;
    this.#receive(reply, component);
  }

  #receive(reply: Reply, answered: string | undefined): void {
    if (reply.kind === 'trouble') {
      this.#suffer(reply.trouble);
      return;
    }
    this.trouble = undefined;
    const { challenge, advanced } = reply;
    const { component } = challenge;
    // Without a plan the core gives an answer to the first stage, which then complains of what it never asked for.
    this.restarted = answered !== undefined && !advanced && component !== answered && !endings.has(component);
    const clean = this.restarted ? { ...challenge, response_errors: {} } : challenge;
    const again = answered === component && !advanced && this.stage !== undefined;
    if (again && this.stage !== undefined) this.stage.challenge = clean;
    else this.stage = stageFor(clean, this.inspector !== undefined);
    this.#dress(clean.flow_info);
    void this.#focus(again);
    void this.inspector?.refresh();
  }

  #suffer(trouble: Trouble): void {
    this.trouble = trouble;
    if (this.stage !== undefined || trouble.retryAfterSeconds === undefined) return;
    this.waitSeconds = trouble.retryAfterSeconds;
    this.#timer = setInterval(() => {
      this.waitSeconds = (this.waitSeconds ?? 1) - 1;
      if (this.waitSeconds <= 0) void this.#look();
    }, 1000);
  }

  #stopWaiting(): void {
    clearInterval(this.#timer);
    this.waitSeconds = undefined;
  }

  /** Title of the tab and background, which a flow may change on its way. */
  #dress(info: FlowInfo | undefined): void {
    if (info === undefined) return;
    document.title = `${info.title} – ${this.settings.brand.title}`;
    setBackground(themed(info.background, info.background_themed_urls));
  }

  /** To what has to be corrected, else to what comes first, else to the heading. */
  async #focus(again: boolean): Promise<void> {
    await this.updateComplete;
    await this.stage?.updateComplete;
    const wrong = again ? this.querySelector<HTMLElement>('[aria-invalid="true"]') : null;
    const target = wrong ?? this.querySelector<HTMLElement>('[data-first]') ?? this.querySelector<HTMLElement>('h1');
    target?.focus({ preventScroll: true });
    if (target instanceof HTMLInputElement) target.select();
  }

  override render() {
    const info = this.stage?.challenge.flow_info;
    const { brand, flow } = this.settings;
    return html`<div class="gh-flow" data-layout=${info?.layout ?? flow?.layout ?? 'stacked'}>
      <main class="gh-flow__card" aria-busy=${this.stage?.busy === true ? 'true' : 'false'}>
        <header class="gh-flow__head">
          <img class="gh-flow__logo" src=${themed(brand.logo, brand.logoThemed)} alt=${brand.title} />
          <h1 class="pf-v6-c-title pf-m-2xl" tabindex="-1">${info?.title ?? brand.title}</h1>
        </header>
        <div class="gh-flow__body">${this.#body()}</div>
      </main>
      <footer class="gh-flow__foot">
        <ul>
          ${brand.footerLinks.map(
            ({ name, href }) => html`<li>${href === '' ? name : html`<a href=${href}>${name}</a>`}</li>`,
          )}
          <li>Powered by gatehouse</li>
        </ul>
      </footer>
    </div>
    ${
      this.inspector === undefined
        ? nothing
        : html`<aside class="gh-inspector" aria-label="Flow inspector">${this.inspector}</aside>`
    }`;
  }

  #body() {
    if (this.stage === undefined && this.trouble !== undefined)
      return troublePage(this.trouble, this.waitSeconds, () => void this.#look());
    if (this.stage === undefined) return html`<div class="gh-waiting" role="status">${spinner('Loading', 'xl')}</div>`;
    return html`${this.trouble === undefined ? nothing : troubleNotice(this.trouble)}
    ${this.restarted ? notice('warning', restartedText) : nothing} ${this.stage}`;
  }
}

function stageFor(challenge: ReceivedChallenge, inspected: boolean): AnyStage {
  const held = inspected && challenge.component === 'xak-flow-redirect';
  const component = held ? heldRedirectComponent : challenge.component;
  // The map holds stage elements only, each for the challenge of its own name.
  const stage = document.createElement(stageElements.has(component) ? component : unknownComponent) as AnyStage;
  stage.challenge = challenge;
  stage.busy = false;
  return stage;
}

/** Set from a script, which the Content-Security-Policy allows where it forbids style attributes. */
export function setBackground(url: string): void {
  if (url === '') return;
  document.documentElement.style.setProperty('--gh-background', `url("${new URL(url, location.href).href}")`);
}
