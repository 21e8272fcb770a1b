// Applications for administrators: what they are called and look like, and who provides them.
import { html, nothing } from 'lit';
import { tile } from '../elements/avatar.ts';
import { rowButton } from '../elements/button.ts';
import { ask } from '../elements/dialog.ts';
import { inputField } from '../elements/field.ts';
import { type Column, ListSection } from '../elements/list-section.ts';
import type { ApplicationRow } from '../user/applications.ts';

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

  async #edit(row: AdminApplicationRow): Promise<void> {
    const values = await ask({
      title: `Edit ${row.name}`,
      action: 'Save',
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
    });
    if (values === undefined) return;
    await this.act(`${row.name} was saved.`, () => this.api.send('PATCH', `${this.path}${row.slug}/`, values));
  }
}
