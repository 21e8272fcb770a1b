// Events for administrators: who did what, and what came of it.
import { html } from 'lit';
import { type Column, ListSection } from '../elements/list-section.ts';
import { exact, relative } from '../elements/when.ts';

interface EventRow {
  readonly pk: string;
  readonly action: string;
  readonly app: string;
  readonly user: { readonly username?: string };
  readonly context: Readonly<Record<string, unknown>>;
  readonly client_ip: string | null;
  readonly created: string;
}

export class EventsSection extends ListSection<EventRow> {
  protected readonly heading = 'Events';
  protected readonly path = '/events/events/';
  protected override query = { ordering: '-created' };
  protected readonly columns: readonly Column<EventRow>[] = [
    { title: 'When', cell: ({ created }) => html`<time title=${exact(created)}>${relative(created)}</time>` },
    { title: 'What', cell: ({ action }) => html`<strong>${action.replaceAll('_', ' ')}</strong>` },
    { title: 'Who', cell: ({ user }) => user.username || 'nobody' },
    { title: 'From', cell: ({ client_ip: address }) => address ?? '–' },
    {
      title: 'Details',
      cell: ({ app, context }) => html`<details class="gh-details">
        <summary>${app}</summary>
        <pre tabindex="0">${JSON.stringify(context, null, 2)}</pre>
      </details>`,
    },
  ];
}
