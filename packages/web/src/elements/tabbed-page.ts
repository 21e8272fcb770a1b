// A page of tabs for whoever is signed in: one tab at a time, named by the fragment of the address. Users: the page of a
// user, the page of administrators.
import { html, LitElement, type TemplateResult } from 'lit';
import { type Api, createApi } from '../call/api.ts';
import { type PageSettings, readPageSettings } from '../page-settings.ts';
import { againButton, spinner } from './button.ts';
import { notice } from './notice.ts';
import type { Me, Tab } from './page-frame.ts';
import { messageOf } from './section.ts';

/** Lists of the parts of something, by the tab that leads to them. */
const parents: Readonly<Record<string, string>> = { 'flow-stages': 'flows', bindings: 'applications' };

export abstract class TabbedPage extends LitElement {
  static override properties = { me: { state: true }, trouble: { state: true }, fragment: { state: true } };
  declare api: Api;
  declare settings: PageSettings;
  /** Who is signed in; `undefined` until the core has said so. */
  declare me: Me | undefined;
  /** Why the core has not said who is signed in. */
  declare trouble: string | undefined;
  /** Of the address, without its sign. */
  declare fragment: string;
  protected abstract readonly tabs: readonly Tab[];

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const choose = () => {
      this.fragment = location.hash.slice(1);
    };
    window.addEventListener('hashchange', choose);
    choose();
    void this.#load();
  }

  async #load(): Promise<void> {
    this.trouble = undefined;
    try {
      const { user } = await this.api.get<{ user: Me }>('/core/users/me/');
      this.me = user;
    } catch (error) {
      this.trouble = messageOf(error);
    }
  }

  /** What stands in the place of a tab until the core has said who is signed in. */
  protected waiting(): TemplateResult {
    const heading = html`<h1 class="pf-v6-c-title pf-m-2xl">${this.settings.brand.title}</h1>`;
    if (this.trouble === undefined)
      return html`${heading}
        <div class="gh-waiting">${spinner('Loading', 'xl')}</div>`;
    return html`${heading} ${notice(
      'danger',
      this.trouble,
      againButton(() => void this.#load()),
    )}`;
  }

  /** The chosen tab, the first without a choice; names the document after it. */
  protected openTab(): string {
    const [first] = this.tabs;
    const parent = parents[this.fragment.split('/')[0] ?? ''];
    const open = this.tabs.find(({ name }) => name === (parent ?? this.fragment)) ?? first;
    document.title = `${open?.title ?? ''} – ${this.settings.brand.title}`;
    return open?.name ?? '';
  }
}

/** Makes `page` the whole document. */
export function showPage(page: TabbedPage): void {
  page.settings = readPageSettings();
  page.api = createApi(page.settings.base, () => location.reload()); // the core sends whoever is not signed in to the login
  document.body.replaceChildren(page);
}
