// Flows for administrators: their title, their layout, and the picture behind them.
import { html } from 'lit';
import { rowButton } from '../elements/button.ts';
import type { Values } from '../elements/dialog.ts';
import { field, inputField } from '../elements/field.ts';
import { type Column, ListSection } from '../elements/list-section.ts';

interface FlowRow {
  readonly pk: string;
  readonly slug: string;
  readonly name: string;
  readonly title: string;
  readonly designation: string;
  readonly layout: string;
  readonly background: string;
  readonly background_url: string;
  readonly stages: readonly string[];
}

const layouts: Readonly<Record<string, string>> = {
  stacked: 'Card in the middle',
  content_left: 'Card on the left',
  content_right: 'Card on the right',
  sidebar_left: 'Side bar on the left',
  sidebar_right: 'Side bar on the right',
  sidebar_left_frame_background: 'Side bar on the left, framed background',
  sidebar_right_frame_background: 'Side bar on the right, framed background',
};

export class FlowsSection extends ListSection<FlowRow> {
  protected readonly heading = 'Flows';
  protected readonly path = '/flows/instances/';
  protected readonly columns: readonly Column<FlowRow>[] = [
    {
      title: 'Name',
      cell: (row) => html`<strong>${row.name}</strong><br /><span class="gh-quiet">${row.slug}</span>`,
    },
    { title: 'For', cell: ({ designation }) => designation.replaceAll('_', ' ') },
    { title: 'Stages', cell: ({ stages }) => stages.length },
    { title: 'Layout', cell: ({ layout }) => layouts[layout] ?? layout },
    {
      title: '',
      cell: (row) => html`<span class="gh-row-actions">
        ${runLink('Run', row)} ${runLink('Inspect', row, '?inspector')}
        ${rowButton('Edit', row.name, () => void this.#edit(row))}
      </span>`,
    },
  ];

  async #edit(row: FlowRow): Promise<void> {
    const question = {
      title: `Edit ${row.name}`,
      action: 'Save',
      work: (values: Values) => this.api.send('PATCH', `${this.path}${row.slug}/`, values),
      body: html`${inputField({ name: 'title', label: 'Title on the page', value: row.title, required: true })}
      ${field({ name: 'layout', label: 'Layout' }, ({ id }) => {
        return html`<span class="pf-v6-c-form-control gh-select"
          ><select id=${id} name="layout">
            ${Object.entries(layouts).map(
              ([value, label]) => html`<option value=${value} ?selected=${value === row.layout}>${label}</option>`,
            )}
          </select></span
        >`;
      })}
      <gh-file-picker
        .api=${this.api}
        .name=${'background'}
        .label=${'Background'}
        .value=${row.background}
        .preview=${row.background_url}
      ></gh-file-picker>`,
    };
    await this.askAndDo(question, () => `${row.name} was saved.`);
  }
}

/** Leads into the flow as whoever is signed in. */
function runLink(text: string, { name, slug }: FlowRow, query = '') {
  return html`<a class="pf-v6-c-button pf-m-secondary pf-m-small" href=${`../flow/${slug}/${query}`}
    ><span class="pf-v6-c-button__text">${text}<span class="pf-v6-screen-reader"> ${name}</span></span></a
  >`;
}
