// Where one can go from here: in a row, in groups beside the page where there is much, and on a phone behind a menu button.
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { icon } from './icon.ts';
import type { Tab } from './page-frame.ts';

export class PageNav extends LitElement {
  static override properties = { tabs: { attribute: false }, current: { attribute: false }, open: { state: true } };
  declare tabs: readonly Tab[];
  declare current: string;
  /** Of the menu; on wide pages everything is shown anyway. */
  declare open: boolean;
  readonly #close = () => {
    this.open = false;
  };

  constructor() {
    super();
    this.tabs = [];
    this.current = '';
    this.open = false;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener('hashchange', this.#close);
    this.addEventListener('keydown', ({ key }) => {
      if (key !== 'Escape' || !this.open) return;
      this.#close();
      this.querySelector('button')?.focus();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('hashchange', this.#close);
  }

  override render(): TemplateResult {
    const { tabs, current, open } = this;
    const here = tabs.find(({ name }) => name === current);
    const toggle = () => {
      this.open = !open;
    };
    return html`<nav class="gh-tabs" aria-label="Sections" data-open=${open}>
      <button type="button" class="gh-tabs__menu" aria-expanded=${open} aria-controls="sections" @click=${toggle}>
        ${icon('list')}<span class="pf-v6-screen-reader">Menu, now at</span> ${here?.title ?? 'Menu'}
      </button>
      <div id="sections" class="gh-tabs__groups">
        ${[...new Set(tabs.map(({ group }) => group))].map((group) => this.#group(group))}
      </div>
    </nav>`;
  }

  #group(group: string | undefined): TemplateResult {
    const links = this.tabs.filter((tab) => tab.group === group);
    return html`${group === undefined ? nothing : html`<h2>${group}</h2>`}
      <ul>
        ${links.map(
          ({ name, title, icon: picture }) => html`<li>
            <a href=${`#${name}`} aria-current=${name === this.current ? 'page' : 'false'}>${icon(picture)}${title}</a>
          </li>`,
        )}
      </ul>`;
  }
}
