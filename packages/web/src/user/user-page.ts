// The page of a user, `/if/user/`: one tab at a time, named by the fragment of the address.
import { html } from 'lit';
import { type Me, pageFrame, type Tab } from '../elements/page-frame.ts';
import { TabbedPage } from '../elements/tabbed-page.ts';

const tabs: readonly Tab[] = [
  { name: 'applications', title: 'Applications', icon: 'apps' },
  { name: 'devices', title: 'Password and second factors', icon: 'shield' },
  { name: 'sessions', title: 'Sessions', icon: 'clock' },
  { name: 'consents', title: 'Permissions', icon: 'check' },
  { name: 'notifications', title: 'Notifications', icon: 'bell' },
  { name: 'tokens', title: 'Tokens', icon: 'key' },
];

export class UserPage extends TabbedPage {
  protected readonly tabs = tabs;

  override render() {
    const { brand, base } = this.settings;
    const current = this.openTab();
    return pageFrame({
      api: this.api,
      base,
      brand,
      me: this.me,
      tabs,
      current,
      ...(this.me?.is_superuser === true ? { other: { text: 'Administration', href: `${base}if/admin/` } } : {}),
      body: this.me === undefined ? this.waiting() : this.#section(current, this.me),
    });
  }

  #section(current: string, { pk }: Me) {
    const { api } = this;
    switch (current) {
      case 'sessions':
        return html`<gh-sessions .api=${api} .userPk=${pk}></gh-sessions>`;
      case 'consents':
        return html`<gh-consents .api=${api} .userPk=${pk}></gh-consents>`;
      case 'notifications':
        return html`<gh-notifications .api=${api} .userPk=${pk}></gh-notifications>`;
      case 'devices':
        return html`<gh-devices .api=${api}></gh-devices>`;
      case 'tokens':
        return html`<gh-tokens .api=${api} .userPk=${pk}></gh-tokens>`;
      default:
        return html`<gh-applications .api=${api}></gh-applications>`;
    }
  }
}
