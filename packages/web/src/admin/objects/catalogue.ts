// The lists of the administrators' page that need no page of their own.
import { html, nothing, type TemplateResult } from 'lit';
import { rowButton } from '../../elements/button.ts';
import { copyButton } from '../../elements/copy-button.ts';
import { tell } from '../../elements/dialog.ts';
import type { Column } from '../../elements/list-section.ts';
import { exact, relative } from '../../elements/when.ts';
import type { Entry } from './entry.ts';
import { generateKeyPair } from './key-pair.ts';
import { type Row, titleOf } from './models.ts';
import type { ObjectSection } from './object-section.ts';
import { choiceText } from './words.ts';

const name: Column<Row> = { title: 'Name', cell: (row) => html`<strong>${titleOf(row)}</strong>` };
const kind: Column<Row> = { title: 'Kind', cell: (row) => row['verbose_name'] };
const words = (title: string, field: string): Column<Row> => ({
  title,
  cell: (row) => choiceText(String(row[field] ?? '–')),
});
const count = (title: string, field: string): Column<Row> => ({
  title,
  cell: ({ [field]: list }) => (Array.isArray(list) ? list.length : list),
});
const when = (title: string, field: string): Column<Row> => ({
  title,
  cell: ({ [field]: at }) => {
    const moment = typeof at === 'string' ? at : null;
    return html`<time title=${exact(moment)}>${relative(moment)}</time>`;
  },
});
const yes = (title: string, field: string): Column<Row> => ({
  title,
  cell: (row) => (row[field] === true ? 'yes' : 'no'),
});
const nameIn = (row: Row, field: string) => titleOf(Object(row[field] ?? { name: '–' }));

/** To the bindings that say who may use something. */
export function bindingsLink(target: unknown, title: string): TemplateResult {
  return partsLink('Access', `bindings/${target}`, title);
}

/** To the list of what an object is made of. */
export function partsLink(text: string, fragment: string, title: string): TemplateResult {
  return html`<a class="pf-v6-c-button pf-m-secondary pf-m-small" href=${`#${fragment}`}
    ><span class="pf-v6-c-button__text">${text}<span class="pf-v6-screen-reader"> ${title}</span></span></a
  >`;
}

/** A button that posts to a row of the list. */
const posts =
  (text: string, { to, done }: { readonly to: string; readonly done: string }) =>
  (section: ObjectSection, row: Row) =>
    rowButton(text, titleOf(row), () => {
      void section.does(done, () => section.api.send('POST', `${section.entry.path}${row['pk']}/${to}/`));
    });

async function showToken({ api }: ObjectSection, row: Row): Promise<void> {
  const identifier = String(row['identifier']);
  const { key } = await api.get<{ key: string }>(`/core/tokens/${encodeURIComponent(identifier)}/view_key/`);
  await tell(identifier, html`<p class="gh-secret"><code>${key}</code>${copyButton(key)}</p>`);
}

export const catalogue: readonly Entry[] = [
  {
    name: 'groups',
    title: 'Groups',
    singular: 'Group',
    path: '/core/groups/',
    query: { include_users: false },
    columns: [name, count('Members', 'users'), count('Parents', 'parents'), yes('Superusers', 'is_superuser')],
  },
  { name: 'roles', title: 'Roles', singular: 'Role', path: '/rbac/roles/', columns: [name] },
  {
    name: 'tokens',
    title: 'Tokens',
    singular: 'Token',
    path: '/core/tokens/',
    columns: [
      name,
      words('For', 'intent'),
      { title: 'Of', cell: (row) => nameIn(row, 'user_obj') },
      { title: 'Expires', cell: (row) => (row['expiring'] === true ? when('', 'expires').cell(row) : 'never') },
    ],
    rowActions: (section, row) => html`${rowButton('Show', titleOf(row), () => void showToken(section, row))}`,
  },
  {
    name: 'providers',
    title: 'Providers',
    singular: 'Provider',
    path: '/providers/all/',
    columns: [
      name,
      kind,
      {
        title: 'Application',
        cell: (row) => row['assigned_application_name'] ?? row['assigned_backchannel_application_name'] ?? 'none',
      },
    ],
  },
  {
    name: 'stages',
    title: 'Stages',
    singular: 'Stage',
    path: '/stages/all/',
    columns: [name, kind, count('Flows', 'flow_set')],
  },
  {
    name: 'flow-stages',
    title: 'Stages of a flow',
    singular: 'Binding',
    path: '/flows/bindings/',
    query: { ordering: 'order' },
    nameOf: (row) => nameIn(row, 'stage_obj'),
    columns: [
      { title: 'Order', cell: ({ order }) => order },
      { title: 'Stage', cell: (row) => html`<strong>${nameIn(row, 'stage_obj')}</strong>` },
      { title: 'Kind', cell: ({ stage_obj: stage }) => Object(stage).verbose_name },
      words('When an answer is wrong', 'invalid_response_action'),
    ],
    rowActions: (_, row) => bindingsLink(row['policybindingmodel_ptr_id'], nameIn(row, 'stage_obj')),
  },
  {
    name: 'bindings',
    title: 'Access',
    singular: 'Binding',
    path: '/policies/bindings/',
    query: { ordering: 'order' },
    nameOf: boundTo,
    columns: [
      { title: 'Order', cell: ({ order }) => order },
      { title: 'Policy, group or user', cell: (row) => html`<strong>${boundTo(row)}</strong>` },
      yes('Enabled', 'enabled'),
      yes('Negated', 'negate'),
    ],
  },
  {
    name: 'prompts',
    title: 'Prompts',
    singular: 'Prompt',
    path: '/stages/prompt/prompts/',
    columns: [name, words('Field', 'field_key'), words('Type', 'type'), words('Label', 'label')],
  },
  {
    name: 'policies',
    title: 'Policies',
    singular: 'Policy',
    path: '/policies/all/',
    columns: [name, kind, count('Bound to', 'bound_to')],
  },
  {
    name: 'mappings',
    title: 'Property mappings',
    singular: 'Mapping',
    path: '/propertymappings/all/',
    columns: [name, kind],
  },
  {
    name: 'reputation',
    title: 'Reputation',
    singular: 'Score',
    path: '/policies/reputation/scores/',
    fixed: true,
    nameOf: ({ identifier, ip }) => `${identifier} at ${ip}`,
    columns: [
      words('Account', 'identifier'),
      words('Address', 'ip'),
      words('Score', 'score'),
      when('Updated', 'updated'),
    ],
  },
  {
    name: 'certificates',
    title: 'Certificates',
    singular: 'Certificate',
    path: '/crypto/certificatekeypairs/',
    columns: [name, words('Subject', 'cert_subject'), words('Key', 'key_type'), when('Expires', 'cert_expiry')],
    actions: (section) => html`<button
      type="button"
      class="pf-v6-c-button pf-m-secondary"
      @click=${() => void section.askWhenReady(Promise.resolve(generateKeyPair(section.api)), 'The certificate was generated.')}
    >
      Generate
    </button>`,
    rowActions: (
      _,
      row,
    ) => html`<a class="pf-v6-c-button pf-m-secondary pf-m-small" href=${row['certificate_download_url']} download
      ><span class="pf-v6-c-button__text">Download<span class="pf-v6-screen-reader"> ${titleOf(row)}</span></span></a
    >`,
  },
  {
    name: 'brands',
    title: 'Brands',
    singular: 'Brand',
    path: '/core/brands/',
    columns: [
      {
        title: 'Host',
        cell: (row) => html`<strong>${row['domain']}</strong>${row['default'] === true ? ' (every other host)' : ''}`,
      },
      words('Title', 'branding_title'),
    ],
  },
  {
    name: 'blueprints',
    title: 'Blueprints',
    singular: 'Blueprint',
    path: '/managed/blueprints/',
    columns: [name, words('Path', 'path'), words('Status', 'status'), when('Applied', 'last_applied')],
    rowActions: posts('Apply', { to: 'apply', done: 'The blueprint is being applied.' }),
  },
  {
    name: 'rules',
    title: 'Notification rules',
    singular: 'Rule',
    path: '/events/rules/',
    columns: [
      name,
      words('Severity', 'severity'),
      { title: 'Group', cell: (row) => nameIn(row, 'destination_group_obj') },
      count('Transports', 'transports'),
    ],
    rowActions: (_, row) => bindingsLink(row['pk'], titleOf(row)),
  },
  {
    name: 'transports',
    title: 'Notification transports',
    singular: 'Transport',
    path: '/events/transports/',
    columns: [name, words('Mode', 'mode_verbose')],
    rowActions: posts('Try', { to: 'test', done: 'A notification was sent to you.' }),
  },
  {
    name: 'tasks',
    title: 'Tasks',
    singular: 'Task',
    path: '/tasks/tasks/',
    query: { ordering: '-mtime' },
    fixed: true,
    keeps: 'untouched',
    columns: [
      {
        title: 'What',
        cell: (row) => html`<strong>${row['description']}</strong><br /><span class="gh-quiet">${row['uid']}</span>`,
      },
      words('Status', 'aggregated_status'),
      when('Changed', 'mtime'),
      { title: 'Log', cell: taskLog },
    ],
    rowActions: (section, row) =>
      row['state'] === 'rejected'
        ? posts('Retry', { to: 'retry', done: 'The task runs again.' })(section, row)
        : html`${nothing}`,
  },
  {
    name: 'schedules',
    title: 'Schedules',
    singular: 'Schedule',
    path: '/tasks/schedules/',
    fixed: true,
    keeps: 'editable',
    nameOf: ({ description }) => String(description),
    columns: [
      { title: 'What', cell: (row) => html`<strong>${row['description']}</strong>` },
      words('Crontab', 'crontab'),
      when('Next', 'next_run'),
      yes('Paused', 'paused'),
    ],
    rowActions: posts('Run', { to: 'send', done: 'The schedule runs now.' }),
  },
];

function boundTo(row: Row): string {
  for (const field of ['policy', 'group', 'user'])
    if (row[field] !== null) return `${field} ${nameIn(row, `${field}_obj`)}`;
  return 'nothing';
}

function taskLog({ logs }: Row) {
  const lines: readonly { timestamp: string; log_level: string; event: string }[] = Array.isArray(logs) ? logs : [];
  return html`<details class="gh-details">
    <summary>${lines.length} lines</summary>
    <pre tabindex="0">${lines.map(({ timestamp, log_level: level, event }) => `${timestamp} ${level} ${event}\n`).join('')}</pre>
  </details>`;
}
