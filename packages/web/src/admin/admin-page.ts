// The page of administrators, `/if/admin/`: one tab at a time, named by the fragment of the address.
import { html } from 'lit';
import { keyed } from 'lit/directives/keyed.js';
import { notice } from '../elements/notice.ts';
import { pageFrame, type Tab } from '../elements/page-frame.ts';
import { TabbedPage } from '../elements/tabbed-page.ts';
import { catalogue } from './objects/catalogue.ts';

const tabs: readonly Tab[] = [
  { name: 'users', title: 'Users', icon: 'users', group: 'Directory' },
  { name: 'groups', title: 'Groups', icon: 'users', group: 'Directory' },
  { name: 'roles', title: 'Roles', icon: 'shield', group: 'Directory' },
  { name: 'tokens', title: 'Tokens', icon: 'key', group: 'Directory' },
  { name: 'applications', title: 'Applications', icon: 'apps', group: 'Applications' },
  { name: 'providers', title: 'Providers', icon: 'right', group: 'Applications' },
  { name: 'outposts', title: 'Outposts', icon: 'server', group: 'Applications' },
  { name: 'mappings', title: 'Property mappings', icon: 'list', group: 'Applications' },
  { name: 'flows', title: 'Flows', icon: 'right', group: 'Flows and policies' },
  { name: 'stages', title: 'Stages', icon: 'list', group: 'Flows and policies' },
  { name: 'prompts', title: 'Prompts', icon: 'copy', group: 'Flows and policies' },
  { name: 'policies', title: 'Policies', icon: 'check', group: 'Flows and policies' },
  { name: 'reputation', title: 'Reputation', icon: 'warning', group: 'Flows and policies' },
  { name: 'events', title: 'Events', icon: 'clock', group: 'System' },
  { name: 'rules', title: 'Notification rules', icon: 'bell', group: 'System' },
  { name: 'transports', title: 'Notification transports', icon: 'mail', group: 'System' },
  { name: 'certificates', title: 'Certificates', icon: 'shield', group: 'System' },
  { name: 'brands', title: 'Brands', icon: 'image', group: 'System' },
  { name: 'files', title: 'Files', icon: 'upload', group: 'System' },
  { name: 'blueprints', title: 'Blueprints', icon: 'copy', group: 'System' },
  { name: 'tasks', title: 'Tasks', icon: 'check', group: 'System' },
  { name: 'schedules', title: 'Schedules', icon: 'clock', group: 'System' },
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
      body: this.me === undefined ? this.waiting() : this.#section(current),
    });
  }

  /** What each of them may see is for the API to say. */
  #mayEnter(): boolean {
    const { me } = this;
    return me !== undefined && (me.is_superuser || me.system_permissions.length > 0);
  }

  #section(current: string) {
    const { api } = this;
    if (!this.#mayEnter())
      return html`<h1 class="pf-v6-c-title pf-m-2xl">Administration</h1>
        ${notice('danger', 'This page is for administrators.')}`;
    const [list = current, of] = this.fragment.split('/'); // `flow-stages/<key>`: the parts of one object
    const entry = catalogue.find(({ name }) => name === list) ?? catalogue.find(({ name }) => name === current);
    if (entry !== undefined)
      return keyed(this.fragment, html`<gh-admin-objects .api=${api} .entry=${entry} .of=${of}></gh-admin-objects>`);
    switch (current) {
      case 'applications':
        return html`<gh-admin-applications .api=${api}></gh-admin-applications>`;
      case 'outposts':
        return html`<gh-admin-outposts .api=${api}></gh-admin-outposts>`;
      case 'events':
        return html`<gh-admin-events .api=${api}></gh-admin-events>`;
      case 'files':
        return html`<gh-admin-files .api=${api}></gh-admin-files>`;
      case 'flows':
        return html`<gh-admin-flows .api=${api}></gh-admin-flows>`;
      default:
        return html`<gh-admin-users .api=${api}></gh-admin-users>`;
    }
  }
}
