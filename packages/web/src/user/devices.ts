// Second factors of this user: what is there, and what can be set up.
import { html, nothing, type TemplateResult } from 'lit';
import { rowButton } from '../elements/button.ts';
import { ask } from '../elements/dialog.ts';
import { type IconName, icon } from '../elements/icon.ts';
import { Section } from '../elements/section.ts';
import { exact, relative } from '../elements/when.ts';

interface DeviceRow {
  readonly pk: string;
  readonly name: string;
  readonly type: string;
  readonly meta_model_name: string;
  readonly verbose_name: string;
  readonly created?: string;
  readonly last_used: string | null;
}

interface SettingRow {
  readonly object_uid: string;
  readonly component: string;
  readonly title: string;
  readonly configure_url?: string | null;
}

interface Devices {
  readonly devices: readonly DeviceRow[];
  readonly settings: readonly SettingRow[];
}

const kinds: readonly {
  readonly match: RegExp;
  readonly path: string;
  readonly icon: IconName;
  readonly title: string;
}[] = [
  { match: /totp/i, path: 'totp', icon: 'phone', title: 'Authenticator app' },
  { match: /static/i, path: 'static', icon: 'list', title: 'Recovery codes' },
  { match: /webauthn/i, path: 'webauthn', icon: 'key', title: 'Security key' },
  { match: /email/i, path: 'email', icon: 'mail', title: 'Codes by e-mail' },
  { match: /sms/i, path: 'sms', icon: 'phone', title: 'Codes by SMS' },
  { match: /duo/i, path: 'duo', icon: 'shield', title: 'Duo' },
];
const kindOf = (name: string) => kinds.find(({ match }) => match.test(name));

export class DevicesSection extends Section<Devices> {
  protected readonly heading = 'Password and second factors';
  protected override async load(): Promise<Devices> {
    const [devices, settings] = await Promise.all([
      this.api.get<readonly DeviceRow[]>('/authenticators/all/'),
      this.api.get<readonly SettingRow[]>('/stages/all/user_settings/').catch(() => []),
    ]);
    return { devices, settings };
  }

  protected override show({ devices, settings }: Devices): TemplateResult {
    const password = settings.find(({ component }) => component.includes('password'));
    const factors = settings.filter(({ component, configure_url: url }) => component.includes('authenticator') && url);
    return html`${this.headline()}
      ${
        password?.configure_url
          ? html`<p><a class="pf-v6-c-button pf-m-secondary" href=${back(password.configure_url)}>Change password</a></p>`
          : nothing
      }
      <h2 class="gh-group">Your second factors</h2>
      ${
        devices.length === 0
          ? html`<p>You have none. With one, a stolen password alone opens nothing.</p>`
          : html`<ul class="gh-rows">
              ${devices.map((row) => this.#row(row))}
            </ul>`
      }
      ${
        factors.length === 0
          ? nothing
          : html`<h2 class="gh-group">Set up another</h2>
              <ul class="gh-links gh-links--start">
                ${factors.map(
                  ({ title, component, configure_url: url }) => html`<li>
                    <a class="pf-v6-c-button pf-m-secondary" href=${back(url ?? '')}>${kindOf(component)?.title ?? title}</a>
                  </li>`,
                )}
              </ul>`
      }`;
  }

  #row(row: DeviceRow): TemplateResult {
    const kind = kindOf(`${row.meta_model_name} ${row.type}`);
    const remove = async () => {
      const sure = await ask({
        title: `Remove ${row.name}?`,
        body: 'Its codes open nothing any more.',
        action: 'Remove',
        dangerous: true,
      });
      if (sure !== undefined && kind !== undefined)
        await this.act('The second factor was removed.', () =>
          this.api.send('DELETE', `/authenticators/${kind.path}/${row.pk}/`),
        );
    };
    return html`<li class="gh-row-card">
      <span class="gh-row-card__icon">${icon(kind?.icon ?? 'shield')}</span>
      <span class="gh-row-card__text">
        <strong>${row.name}</strong>
        <span>${kind?.title ?? row.verbose_name} · used <time title=${exact(row.last_used)}>${relative(row.last_used)}</time></span>
      </span>
      ${rowButton('Remove', row.name, () => void remove())}
    </li>`;
  }
}

/** The set-up comes back to this tab. */
function back(url: string): string {
  const target = new URL(url, location.href);
  target.searchParams.set('next', `${location.pathname}#devices`);
  return `${target.pathname}${target.search}`;
}
