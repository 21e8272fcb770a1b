// Flows for administrators: what each is for, its stages, who may pass it, and a walk through it.
import { html } from 'lit';
import { type Column, ListSection } from '../elements/list-section.ts';
import { bindingsLink, partsLink } from './objects/catalogue.ts';
import type { Row } from './objects/models.ts';
import { makeQuestion } from './objects/questions.ts';
import { deleteButton, editButton } from './objects/row-buttons.ts';

interface FlowRow extends Row {
  readonly policybindingmodel_ptr_id: string;
  readonly pk: string;
  readonly slug: string;
  readonly name: string;
  readonly designation: string;
  readonly stages: readonly string[];
}

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
    {
      title: '',
      cell: (row) => html`<span class="gh-row-actions">
        ${runLink('Run', row)} ${runLink('Inspect', row, '?inspector')}
        ${partsLink('Stages', `flow-stages/${row.pk}`, row.name)} ${bindingsLink(row.policybindingmodel_ptr_id, row.name)}
        ${editButton(this, { path: this.path, row, title: row.name })}
        ${deleteButton(this, { path: this.path, row, title: row.name })}
      </span>`,
    },
  ];

  protected override actions() {
    const create = () =>
      void this.askWhenReady(makeQuestion(this.api, { path: this.path }), 'The flow was created. Now bind its stages.');
    return html`<button type="button" class="pf-v6-c-button pf-m-primary" @click=${create}>New flow</button>`;
  }
}

/** Leads into the flow as whoever is signed in. */
function runLink(text: string, { name, slug }: FlowRow, query = '') {
  return html`<a class="pf-v6-c-button pf-m-secondary pf-m-small" href=${`../flow/${slug}/${query}`}
    ><span class="pf-v6-c-button__text">${text}<span class="pf-v6-screen-reader"> ${name}</span></span></a
  >`;
}
