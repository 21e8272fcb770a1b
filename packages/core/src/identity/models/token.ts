// `authentik_core.token` (core.md §3.4, §12.5).

import { sql } from 'kysely';
import { z } from 'zod';
import { choice, column, flag, line, reference, slug, text } from '../../models/field.ts';
import { exactly, isTrue, moment } from '../../models/filters.ts';
import { invalidField } from '../../models/invalid.ts';
import { defineModel } from '../../models/model.ts';
import { userShape } from '../../models/shapes.ts';
import { randomId } from '../random.ts';
import { wireUsers } from '../users.ts';
import { drawWifiSecret, wifiIntent } from '../wifi-secrets.ts';

const keyLength = 60;

export const tokenModel = defineModel({
  id: 'authentik_core.token',
  noun: 'Token',
  nouns: 'Tokens',
  table: 'tokens',
  key: 'uuid',
  keyType: 'uuid',
  path: '/core/tokens/',
  lookup: 'identifier',
  owner: 'user_id',
  fields: {
    identifier: column('identifier', slug),
    key: column('key', line, { draw: () => randomId(keyLength), hidden: true, blueprintOnly: true }),
    intent: column('intent', choice('verification', 'api', 'recovery', 'app_password', wifiIntent), {
      initial: 'verification',
    }),
    user: {
      ...reference({ name: 'user', in: 'column', column: 'user_id', table: 'users', key: 'id', required: true }),
      fixed: true,
    },
    description: column('description', text, { initial: '' }),
    expires: column('expires', z.coerce.date().nullable(), { initial: null }),
    expiring: column('expiring', flag, { initial: true }),
    managed: column('managed', z.string().nullable(), { initial: null }),
  },
  search: ['identifier', 'intent', 'description'],
  order: ['identifier'],
  filters: {
    identifier: exactly('identifier'),
    intent: exactly('intent'),
    description: exactly('description'),
    managed: exactly('managed'),
    user__username: (values) =>
      sql<boolean>`user_id in (select id from users where username in (${sql.join([...values])}))`,
    expiring: isTrue('expiring'),
    ...moment('expires'),
  },
  permissions: ['view_token_key', 'set_token_key'],
  async prepare({ deps: { clock, settings } }, values, existing) {
    if (existing !== undefined && values['user'] !== undefined && values['user'] !== existing['user_id'])
      throw invalidField('user', 'The user of a token cannot be changed.');
    const intent = values['intent'] ?? existing?.['intent'];
    // A Wi-Fi secret is made as one and stays one: nothing chosen, and no key that opens anything else.
    if (existing !== undefined && intent !== existing['intent'] && [intent, existing['intent']].includes(wifiIntent))
      throw invalidField('intent', 'A Wi-Fi secret cannot become something else, nor the reverse.');
    if (existing === undefined && intent === wifiIntent) return { ...values, key: drawWifiSecret() };
    const expiring = values['expiring'] ?? existing?.['expiring'];
    const expires = values['expires'] ?? existing?.['expires'];
    return expiring === true && (expires === null || expires === undefined)
      ? { ...values, expires: new Date(clock.now() + settings.tokenDurationMs()) }
      : values;
  },
  derived: { user_obj: userShape },
  async derive(deps, rows) {
    const pks = rows.map((row) => Number(row['user_id']));
    const users =
      pks.length === 0
        ? []
        : await deps.database.kysely.selectFrom('users').selectAll().where('id', 'in', pks).execute();
    const shown = new Map(
      (await wireUsers(deps, users, { groups: false, roles: false })).map((user) => [user.pk, user]),
    );
    return rows.map((row) => ({ user_obj: shown.get(Number(row['user_id'])) }));
  },
});
