// `authentik_events.notification` (core.md §9.1): what a user is told; seen, and removed, by that user.
import { z } from 'zod';
import { column, flag, integer, text } from '../../models/field.ts';
import { exactly, isTrue } from '../../models/filters.ts';
import { defineModel } from '../../models/model.ts';
import { represent } from '../../models/represent.ts';
import { eventModel } from '../models.ts';

const readOnly = { readOnly: true };

export const notificationModel = defineModel({
  id: 'authentik_events.notification',
  noun: 'Notification',
  nouns: 'Notifications',
  table: 'notifications',
  key: 'uuid',
  keyType: 'uuid',
  path: '/events/notifications/',
  verbs: ['list', 'retrieve', 'update', 'delete'],
  internal: true,
  owner: 'user_id',
  fields: {
    severity: column('severity', text, readOnly),
    body: column('body', text, readOnly),
    hyperlink: column('hyperlink', text.nullable(), readOnly),
    hyperlink_label: column('hyperlink_label', text.nullable(), readOnly),
    created: column('created', z.date(), readOnly),
    event: column('event', text.nullable(), readOnly),
    user: column('user', integer, { column: 'user_id', readOnly: true, hidden: true }),
    seen: column('seen', flag, { initial: false }),
  },
  search: ['body'],
  order: ['-created'],
  filters: {
    severity: exactly('severity'),
    body: exactly('body'),
    event: exactly('event'),
    seen: isTrue('seen'),
    user: exactly('user_id'),
  },
  derived: { event: z.looseObject({ pk: z.uuid(), action: z.string() }).nullable() },
  async derive(deps, rows, query) {
    const keys = rows.flatMap((row) => (typeof row['event'] === 'string' ? [row['event']] : []));
    if (keys.length === 0) return rows.map(() => ({}));
    const found = await deps.database.kysely.selectFrom('events').selectAll().where('uuid', 'in', keys).execute();
    const shown = new Map((await represent(deps, eventModel, found, query)).map((event) => [event['pk'], event]));
    return rows.map((row) => ({ event: shown.get(row['event']) ?? null }));
  },
});
