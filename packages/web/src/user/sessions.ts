// Where this user is signed in, and ending it there.
import { html, type TemplateResult } from 'lit';
import { rowButton } from '../elements/button.ts';
import { ask } from '../elements/dialog.ts';
import { icon } from '../elements/icon.ts';
import { Section } from '../elements/section.ts';
import { exact, relative } from '../elements/when.ts';

interface Agent {
  readonly os?: { readonly family?: string };
  readonly user_agent?: { readonly family?: string };
  readonly string?: string;
}

interface SessionRow {
  readonly uuid: string;
  readonly current: boolean;
  readonly user: number;
  readonly user_agent?: Agent;
  readonly last_ip: string;
  readonly last_user_agent: string;
  readonly last_used: string;
  readonly expires: string | null;
}

export class SessionsSection extends Section<readonly SessionRow[]> {
  protected readonly heading = 'Where you are signed in';
  declare userPk: number;

  protected override async load() {
    const rows = await this.api.all<SessionRow>('/core/authenticated_sessions/', { ordering: '-last_used' });
    return rows
      .filter(({ user }) => user === this.userPk)
      .sort((one, other) => Number(other.current) - Number(one.current));
  }

  protected override show(rows: readonly SessionRow[]): TemplateResult {
    return html`${this.headline()}
      <p class="gh-quiet">A session that you do not know can be ended here. It ends in every application at once.</p>
      <ul class="gh-rows">
        ${rows.map((row) => this.#row(row))}
      </ul>`;
  }

  #row(row: SessionRow): TemplateResult {
    const end = async () => {
      const sure = await ask({
        title: `End the session of ${agentOf(row)}?`,
        body: 'Whoever uses it has to sign in again.',
        action: 'End session',
        dangerous: true,
      });
      if (sure !== undefined)
        await this.act('The session has ended.', () =>
          this.api.send('DELETE', `/core/authenticated_sessions/${row.uuid}/`),
        );
    };
    return html`<li class="gh-row-card">
      <span class="gh-row-card__icon">${icon(/mobile|android|iphone/i.test(row.last_user_agent) ? 'phone' : 'server')}</span>
      <span class="gh-row-card__text">
        <strong>${agentOf(row)} ${row.current ? html`<span class="gh-badge">this one</span>` : ''}</strong>
        <span>${row.last_ip} · used <time datetime=${row.last_used} title=${exact(row.last_used)}>${relative(row.last_used)}</time></span>
      </span>
      ${row.current ? '' : rowButton('End', `session of ${agentOf(row)}`, () => void end())}
    </li>`;
  }
}

function agentOf({ user_agent: agent, last_user_agent: text }: SessionRow): string {
  const browser = agent?.user_agent?.family;
  const system = agent?.os?.family;
  if (browser !== undefined && browser !== 'Other') return system === undefined ? browser : `${browser} on ${system}`;
  return text === '' ? 'Unknown program' : (text.split(/[ /]/)[0] ?? text);
}
