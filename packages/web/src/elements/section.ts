// A part of a page that shows something of the API: loads it, says when it cannot, and when the core has no such thing or this
// user may not see it.
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { type Api, ApiProblem } from '../call/api.ts';
import { againButton, spinner } from './button.ts';
import { ask, type Question, type Values } from './dialog.ts';
import { notice } from './notice.ts';

type State<T> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready'; readonly data: T }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly message: string };

export abstract class Section<T> extends LitElement {
  static override properties = { state: { state: true }, message: { state: true } };
  declare api: Api;
  declare state: State<T> | undefined;
  /** What the last action came to. */
  declare message: { readonly kind: 'success' | 'danger'; readonly text: string } | undefined;

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.reload();
  }

  /** Stands from the first moment on, so that the page has its heading while it waits, too. */
  protected abstract readonly heading: string;
  protected abstract load(): Promise<T>;
  protected abstract show(data: T): TemplateResult;

  async reload(): Promise<void> {
    try {
      this.state = { kind: 'ready', data: await this.load() };
    } catch (error) {
      const hidden = error instanceof ApiProblem && (error.status === 404 || error.status === 403);
      this.state = hidden ? { kind: 'absent' } : { kind: 'failed', message: messageOf(error) };
    }
  }

  /** Does something, loads again, and tells how it went. */
  protected async act(done: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
    } catch (error) {
      this.message = { kind: 'danger', text: messageOf(error) };
      return false;
    }
    await this.reload();
    this.message = { kind: 'success', text: done };
    return true;
  }

  /** Asks, does it while the question is open, loads again, and tells. @returns what was given */
  protected async askAndDo(question: Question, done: (values: Values) => string): Promise<Values | undefined> {
    const values = await ask(question);
    if (values === undefined) return undefined;
    await this.reload();
    this.message = { kind: 'success', text: done(values) };
    return values;
  }

  /** As `askAndDo`, for a question that takes a look at the core first. */
  async askWhenReady(preparing: Promise<Question>, done: string): Promise<void> {
    try {
      await this.askAndDo(await preparing, () => done);
    } catch (error) {
      this.message = { kind: 'danger', text: messageOf(error) };
    }
  }

  protected headline(): TemplateResult {
    return html`<h1 class="pf-v6-c-title pf-m-2xl">${this.heading}</h1>`;
  }

  override render(): TemplateResult {
    const state = this.state ?? { kind: 'loading' };
    if (state.kind === 'absent')
      return html`${this.headline()} ${notice('info', 'This is not offered here, or not to you.')}`;
    return html`${this.message === undefined ? nothing : notice(this.message.kind, this.message.text)}
    ${this.#body(state)}`;
  }

  #body(state: Exclude<State<T>, { kind: 'absent' }>): TemplateResult {
    if (state.kind === 'loading')
      return html`${this.headline()}
        <div class="gh-waiting">${spinner('Loading', 'xl')}</div>`;
    if (state.kind === 'ready') return this.show(state.data);
    return html`${this.headline()} ${notice(
      'danger',
      state.message,
      againButton(() => void this.reload()),
    )}`;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
