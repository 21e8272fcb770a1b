// `authentik_events.event`, and the rules and transports of notifications (core.md §9.1).

import { isIP } from 'node:net';
import { sql } from 'kysely';
import { z } from 'zod';
import { wireGroups } from '../identity/groups.ts';
import { choice, column, flag, jsonColumn, line, reference, relation, setting, text } from '../models/field.ts';
import { exactly, partOf } from '../models/filters.ts';
import { InvalidInput } from '../models/invalid.ts';
import { defineModel, type Filter, type Values } from '../models/model.ts';
import { groupShape } from '../models/shapes.ts';
import { isEventAction } from './actions.ts';
import { queueNotifications } from './notifications/queue.ts';

const action = z.string().refine(isEventAction, { error: ({ input }) => `"${String(input)}" is not a valid choice.` });
const address = z
  .string()
  .refine((value) => isIP(value) !== 0, { error: 'Enter a valid IPv4 or IPv6 address.' })
  .nullable();

/** Written as the indexes of the table are, which hold for constant steps only. */
const inside = (column: string, ...path: readonly string[]): Filter => {
  const [last = '', ...steps] = path.toReversed();
  const outer = steps.toReversed().map((step) => sql`-> ${sql.lit(step)}`);
  return (values) =>
    sql<boolean>`${sql.ref(column)} ${sql.join(outer, sql` `)} ->> ${sql.lit(last)} in (${sql.join([...values])})`;
};
/** Events whose words a search looks at, the newest: an index over all words would cost every login more than they are worth. */
const mostSearched = 100_000;

/** Part of an action's name. The few names there are come from the index, one step for each. */
const actionWith: Filter = ([value = '']) => sql<boolean>`action in (
  with recursive names (action) as (
    select min(action) from events
    union all
    select (select min(later.action) from events later where later.action > names.action)
    from names where names.action is not null)
  select action from names where action ilike ${partOf(value)})`;

const modelKey: Filter = (values, query) =>
  inside(
    'context',
    'model',
    'pk',
  )(
    values.map((value) => value.replaceAll('-', '')),
    query,
  );

export const eventModel = defineModel({
  id: 'authentik_events.event',
  noun: 'Event',
  nouns: 'Events',
  table: 'events',
  key: 'uuid',
  keyType: 'uuid',
  path: '/events/events/',
  fields: {
    user: jsonColumn('user'),
    action: column('action', action),
    app: column('app', line),
    context: jsonColumn('context'),
    client_ip: column('client_ip', address, { initial: null }),
    created: column('created', z.date(), { readOnly: true, draw: () => new Date() }),
    expires: column('expires', z.coerce.date().nullable(), { initial: null }),
    brand: jsonColumn('brand'),
  },
  search: ['action', 'app', 'context', 'client_ip', 'user'],
  searchLimit: { most: mostSearched, by: 'created' },
  order: ['-created'],
  listed: sql<boolean>`(not expiring or expires is null or expires > now())`,
  filters: {
    action: actionWith,
    actions: exactly('action'),
    app: exactly('app'),
    client_ip: exactly('client_ip'),
    username: inside('user', 'username'),
    brand_name: inside('brand', 'name'),
    context_model_pk: modelKey,
    context_model_name: inside('context', 'model', 'model_name'),
    context_model_app: inside('context', 'model', 'app'),
    context_authorized_app: inside('context', 'authorized_application', 'pk'),
    context_device: inside('context', 'device', 'pk'),
  },
  async prepare({ deps: { clock, settings } }, values, existing) {
    if (existing !== undefined || values['expires'] != null) return values;
    return { ...values, expires: new Date(clock.now() + settings.eventRetentionMs()) };
  },
  async saved({ deps, db }, row, _values, created) {
    if (!created) return;
    const context: unknown = row['context'];
    await queueNotifications(deps, db, {
      uuid: String(row['uuid']),
      action: String(row['action']),
      context: typeof context === 'object' && context !== null ? { ...context } : {},
    });
  },
});

const webhookModes = ['webhook', 'webhook_slack'];
const modeNames: Readonly<Record<string, string>> = {
  local: 'authentik inbuilt notifications',
  webhook: 'Generic Webhook',
  webhook_slack: 'Slack Webhook (Slack/Discord)',
  email: 'Email',
};

const mappingReference = (name: string) => reference({ name, in: 'setting', table: 'property_mappings', key: 'uuid' });

export const transportModel = defineModel({
  id: 'authentik_events.notificationtransport',
  noun: 'Notification Transport',
  nouns: 'Notification Transports',
  table: 'notification_transports',
  key: 'uuid',
  keyType: 'uuid',
  path: '/events/transports/',
  fields: {
    name: column('name', line),
    mode: setting(choice('local', 'webhook', 'webhook_slack', 'email'), { initial: 'local' }),
    webhook_url: setting(text, { initial: '' }),
    webhook_ca: reference({ name: 'webhook_ca', in: 'setting', table: 'certificates', key: 'uuid' }),
    webhook_mapping_body: mappingReference('webhook_mapping_body'),
    webhook_mapping_headers: mappingReference('webhook_mapping_headers'),
    email_subject_prefix: setting(text, { initial: 'authentik Notification: ' }),
    email_template: setting(text, { initial: 'email/event_notification.html' }),
    send_once: setting(flag, { initial: false }),
  },
  search: ['name'],
  order: ['name'],
  filters: { name: exactly('name') },
  async prepare(_unit, values, existing) {
    const before = existing?.['settings'];
    const after: Values = { ...(typeof before === 'object' ? before : {}), ...values };
    if (webhookModes.includes(String(after['mode'])) && (after['webhook_url'] ?? '') === '')
      throw new InvalidInput({ webhook_url: ['Webhook URL may not be empty.'] });
    return values;
  },
  derived: { mode_verbose: z.string() },
  async derive(_deps, rows) {
    return rows.map((row) => {
      const { settings } = row;
      const mode: unknown = typeof settings === 'object' && settings !== null ? Reflect.get(settings, 'mode') : 'local';
      return { mode_verbose: modeNames[String(mode)] ?? String(mode) };
    });
  },
});

export const ruleModel = defineModel({
  id: 'authentik_events.notificationrule',
  noun: 'Notification Rule',
  nouns: 'Notification Rules',
  table: 'notification_rules',
  key: 'pbm_uuid',
  keyType: 'uuid',
  bindingKey: 'pbm_uuid',
  path: '/events/rules/',
  formerNames: { group: 'destination_group' },
  fields: {
    name: column('name', line),
    transports: relation(
      { table: 'notification_rule_transports', own: 'rule', other: 'transport' },
      { table: 'notification_transports', key: 'uuid' },
    ),
    severity: setting(choice('notice', 'warning', 'alert'), { initial: 'notice' }),
    destination_group: reference({ name: 'destination_group', in: 'column', table: 'groups', key: 'uuid' }),
    destination_event_user: setting(flag, { initial: false }),
  },
  search: ['name'],
  order: ['name'],
  filters: { name: exactly('name') },
  derived: { destination_group_obj: groupShape.nullable() },
  async derive(deps, rows) {
    const ids = rows.flatMap((row) => (typeof row['destination_group'] === 'string' ? [row['destination_group']] : []));
    const groups =
      ids.length === 0
        ? []
        : await deps.database.kysely.selectFrom('groups').selectAll().where('uuid', 'in', ids).execute();
    const shown = await wireGroups(deps, groups, {
      users: false,
      children: false,
      parents: false,
      inheritedRoles: false,
    });
    return rows.map((row) => ({
      destination_group_obj: shown.find(({ pk }) => pk === row['destination_group']) ?? null,
    }));
  },
});
