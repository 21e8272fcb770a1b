// The page of administrators, `/if/admin/`: one tab at a time, named by the fragment of the address.
import { html, nothing } from 'lit';
import { notice } from '../elements/notice.ts';
import { pageFrame, type Tab } from '../elements/page-frame.ts';
import { TabbedPage } from '../elements/tabbed-page.ts';

const tabs: readonly Tab[] = [
  { name: 'users', title: 'Users', icon: 'users' },
  { name: 'applications', title: 'Applications', icon: 'apps' },
  { name: 'outposts', title: 'Outposts', icon: 'server' },
  { name: 'events', title: 'Events', icon: 'clock' },
  { name: 'files', title: 'Files', icon: 'image' },
  { name: 'brands', title: 'Brands', icon: 'user' },
  { name: 'flows', title: 'Flows', icon: 'right' },
];

export class AdminPage extends TabbedPage {
  protected readonly tabs = tabs;

  override render() {
    const { brand, base } = this.settings;
    const current = this.openTab();
    return pageFrame({
      api: this.api,
      base,
      brand,
      me: this.me,
      tabs: this.#mayEnter() ? tabs : [],
      current,
      other: { text: 'My applications', href: `${base}if/user/` },
      body: this.me === undefined ? nothing : this.#section(current),
    });
  }

  /** What each of them may see is for the API to say. */
  #mayEnter(): boolean {
    const { me } = this;
    return me !== undefined && (me.is_superuser || me.system_permissions.length > 0);
  }

  #section(current: string) {
    const { api } = this;
    if (!this.#mayEnter()) return notice('danger', 'This page is for administrators.');
    switch (current) {
      case 'applications':
        return html`<gh-admin-applications .api=${api}></gh-admin-applications>`;
      case 'outposts':
        return html`<gh-admin-outposts .api=${api}></gh-admin-outposts>`;
      case 'events':
        return html`<gh-admin-events .api=${api}></gh-admin-events>`;
      case 'files':
        return html`<gh-admin-files .api=${api}></gh-admin-files>`;
      case 'brands':
        return html`<gh-admin-brands .api=${api}></gh-admin-brands>`;
      case 'flows':
        return html`<gh-admin-flows .api=${api}></gh-admin-flows>`;
      default:
        return html`<gh-admin-users .api=${api}></gh-admin-users>`;
    }
  }
}
