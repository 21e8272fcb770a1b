// The page of a user, `/if/user/`: one tab at a time, named by the fragment of the address.
import { html, LitElement, nothing } from 'lit';
import type { Api } from '../call/api.ts';
import { currentTab, type Me, pageFrame, type Tab } from '../elements/page-frame.ts';
import type { PageSettings } from '../page-settings.ts';

const tabs: readonly Tab[] = [
  { name: 'applications', title: 'Applications', icon: 'apps' },
  { name: 'devices', title: 'Password and second factors', icon: 'shield' },
  { name: 'sessions', title: 'Sessions', icon: 'clock' },
  { name: 'tokens', title: 'Tokens', icon: 'key' },
];

export class UserPage extends LitElement {
  static override properties = { me: { state: true }, tab: { state: true } };
  declare api: Api;
  declare settings: PageSettings;
  declare me: Me | undefined;
  declare tab: string | undefined;

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener('hashchange', () => {
      this.tab = currentTab(tabs);
    });
    this.tab = currentTab(tabs);
    void this.#load();
  }

  async #load(): Promise<void> {
    const { user } = await this.api.get<{ user: Me }>('/core/users/me/');
    this.me = user;
  }

  override render() {
    const { brand, base } = this.settings;
    const current = this.tab ?? 'applications';
    const title = tabs.find(({ name }) => name === current)?.title ?? '';
    document.title = `${title} – ${brand.title}`;
    return pageFrame({
      base,
      brand,
      me: this.me,
      tabs,
      current,
      ...(this.me?.is_superuser === true ? { other: { text: 'Administration', href: `${base}if/admin/` } } : {}),
      body: this.me === undefined ? nothing : this.#section(current, this.me),
    });
  }

  #section(current: string, { pk }: Me) {
    const { api } = this;
    switch (current) {
      case 'sessions':
        return html`<gh-sessions .api=${api} .userPk=${pk}></gh-sessions>`;
      case 'devices':
        return html`<gh-devices .api=${api}></gh-devices>`;
      case 'tokens':
        return html`<gh-tokens .api=${api} .userPk=${pk}></gh-tokens>`;
      default:
        return html`<gh-applications .api=${api}></gh-applications>`;
    }
  }
}
