// Applications for administrators: what they are called and look like, and who provides them.
import { html, nothing } from 'lit';
import { tile } from '../elements/avatar.ts';
import { copyButton } from '../elements/copy-button.ts';
import { tell, type Values } from '../elements/dialog.ts';
import { type Column, ListSection } from '../elements/list-section.ts';
import type { ApplicationRow } from '../user/applications.ts';
import { showDeployment } from './deployment.ts';
import { type MadeApplication, makeApplication } from './new-application.ts';
import { bindingsLink } from './objects/catalogue.ts';
import type { Row } from './objects/models.ts';
import { deleteButton, editButton } from './objects/row-buttons.ts';

interface AdminApplicationRow extends ApplicationRow, Row {
  readonly meta_icon: string;
  readonly meta_launch_url: string;
  readonly provider_obj: { readonly name: string; readonly verbose_name?: string } | null;
}

export class AdminApplicationsSection extends ListSection<AdminApplicationRow> {
  protected readonly heading = 'Applications';
  protected readonly path = '/core/applications/';
  protected override query = { superuser_full_list: true };
  protected readonly columns: readonly Column<AdminApplicationRow>[] = [
    {
      title: 'Name',
      cell: (row) => html`<span class="gh-named">
        ${tile(row.name, row.meta_icon_url, row.meta_icon_themed_urls)}
        <span><strong>${row.name}</strong><span class="gh-quiet">${row.slug}</span></span>
      </span>`,
    },
    { title: 'Group', cell: ({ group }) => group || '–' },
    {
      title: 'Provider',
      cell: ({ provider_obj: provider }) =>
        provider === null
          ? 'none'
          : html`${provider.name}<br /><span class="gh-quiet">${provider.verbose_name ?? nothing}</span>`,
    },
    { title: 'Address', cell: ({ launch_url: url }) => (url === null ? '–' : html`<a href=${url}>${url}</a>`) },
    {
      title: '',
      cell: (row) => html`<span class="gh-row-actions">
        ${bindingsLink(row['pk'], row.name)}
        ${editButton(this, { path: this.path, row, title: row.name })}
        ${deleteButton(this, { path: this.path, row, title: row.name })}
      </span>`,
    },
  ];

  protected override actions() {
    return html`<button type="button" class="pf-v6-c-button pf-m-primary" @click=${() => void this.#create()}>
      New application
    </button>`;
  }

  async #create(): Promise<void> {
    let made: MadeApplication | undefined;
    const work = async (values: Values) => {
      made = await makeApplication(this.api, values);
    };
    const body = html`<gh-new-application></gh-new-application>`;
    const question = { title: 'New application', action: 'Create', body, work };
    await this.askAndDo(question, ({ name }) => `${name} was created.`);
    if (made?.client !== undefined) await showClient(made.client);
    if (made?.outpost !== undefined) await showDeployment(this.api, made.outpost);
  }
}

function showClient({ id, secret, discovery }: NonNullable<MadeApplication['client']>): Promise<void> {
  const line = (label: string, value: string) => html`<dt>${label}</dt>
    <dd><code>${value}</code> ${copyButton(value)}</dd>`;
  return tell(
    'What the application needs',
    html`<dl class="gh-facts">
      ${line('Client identifier', id)} ${line('Client secret', secret)} ${line('Discovery', discovery)}
    </dl>`,
  );
}
