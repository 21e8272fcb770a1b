// Applications for administrators: what they are called and look like, and who provides them.
import { html, nothing } from 'lit';
import { tile } from '../elements/avatar.ts';
import { rowButton } from '../elements/button.ts';
import { copyButton } from '../elements/copy-button.ts';
import { tell, type Values } from '../elements/dialog.ts';
import { inputField } from '../elements/field.ts';
import { type Column, ListSection } from '../elements/list-section.ts';
import type { ApplicationRow } from '../user/applications.ts';
import { type MadeApplication, makeApplication } from './new-application.ts';

interface AdminApplicationRow extends ApplicationRow {
  readonly meta_icon: string;
  readonly meta_launch_url: string;
  readonly provider_obj: { readonly name: string; readonly verbose_name?: string } | null;
}

export class AdminApplicationsSection extends ListSection<AdminApplicationRow> {
  protected readonly heading = 'Applications';
  protected readonly path = '/core/applications/';
  protected override readonly query = { superuser_full_list: true };
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
    { title: '', cell: (row) => rowButton('Edit', row.name, () => void this.#edit(row)) },
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
  }

  async #edit(row: AdminApplicationRow): Promise<void> {
    const question = {
      title: `Edit ${row.name}`,
      action: 'Save',
      work: (values: Values) => this.api.send('PATCH', `${this.path}${row.slug}/`, values),
      body: html`${inputField({ name: 'name', label: 'Name', value: row.name, required: true })}
      ${inputField({ name: 'group', label: 'Group', value: row.group })}
      ${inputField({ name: 'meta_launch_url', label: 'Address to open', value: row.meta_launch_url, inputMode: 'url' })}
      ${inputField({ name: 'meta_publisher', label: 'Publisher', value: row.meta_publisher })}
      ${inputField({ name: 'meta_description', label: 'Description', value: row.meta_description })}
      <gh-file-picker
        .api=${this.api}
        .name=${'meta_icon'}
        .label=${'Icon'}
        .value=${row.meta_icon}
        .preview=${row.meta_icon_url ?? ''}
      ></gh-file-picker>`,
    };
    await this.askAndDo(question, () => `${row.name} was saved.`);
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
