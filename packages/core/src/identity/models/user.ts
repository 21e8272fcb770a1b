// `authentik_core.user` (core.md §3.1).
import { sql } from 'kysely';
import { z } from 'zod';
import { choice, column, flag, jsonColumn, relation } from '../../models/field.ts';
import { containsJson, exactly, isTrue, isTruthText, readMoment } from '../../models/filters.ts';
import { invalidField } from '../../models/invalid.ts';
import type { Model, Row } from '../../models/model.ts';
import { type UserRecord, wireUsers } from '../users.ts';

const kinds = ['internal', 'external', 'service_account', 'internal_service_account'] as const;

export const userModel: Model = {
  id: 'authentik_core.user',
  noun: 'User',
  nouns: 'Users',
  table: 'users',
  key: 'id',
  keyType: 'integer',
  path: '/core/users/',
  fields: {
    username: column('username', z.string().min(1).max(150)),
    name: column('name', z.string()),
    email: column('email', z.union([z.literal(''), z.email().max(254)]), { initial: '' }),
    is_active: column('is_active', flag, { initial: true }),
    path: column(
      'path',
      z.string().regex(/^[^/]+(?:\/[^/]+)*$/, { error: 'No empty segments in user path allowed.' }),
      {
        initial: 'users',
      },
    ),
    type: column('type', choice(...kinds), { initial: 'internal' }),
    attributes: jsonColumn('attributes'),
    groups: relation({ table: 'memberships', own: 'user_id', other: 'group_uuid' }, { table: 'groups', key: 'uuid' }),
    password: column('password', z.string().nullable(), { hidden: true, blueprintOnly: true }),
  },
  search: ['username', 'name', 'email'],
  order: ['username'],
  filters: {
    username: exactly('username'),
    name: exactly('name'),
    email: exactly('email'),
    path: exactly('path'),
    path_startswith: ([value = '']) => sql<boolean>`starts_with(path, ${value})`,
    uuid: ([value = '']) => sql<boolean>`uuid::text = ${value.toLowerCase()}`,
    type: (values) => sql<boolean>`type in (${sql.join([...values])})`,
    pk: (values) => sql<boolean>`id::text in (${sql.join([...values])})`,
    is_active: isTrue('is_active'),
    is_superuser: ([value = '']) => {
      const member = sql<boolean>`id in (select m.user_id from memberships m join group_ancestry a
        on a.descendant = m.group_uuid join groups g on g.uuid = a.ancestor where g.is_superuser)`;
      return isTruthText(value) ? member : sql<boolean>`not ${member}`;
    },
    groups_by_name: (values) =>
      sql<boolean>`id in (select m.user_id from memberships m join groups g on g.uuid = m.group_uuid
        where g.name in (${sql.join([...values])}))`,
    groups_by_pk: (values) =>
      sql<boolean>`id in (select user_id from memberships where group_uuid::text in (${sql.join([...values])}))`,
    last_updated__gt: ([value = '']) => sql<boolean>`last_updated > ${readMoment('last_updated__gt', value)}`,
    last_updated__lt: ([value = '']) => sql<boolean>`last_updated < ${readMoment('last_updated__lt', value)}`,
    attributes: containsJson('attributes'),
  },
  represent: (deps, rows, query) =>
    wireUsers(deps, rows.map(userRecord), { groups: query.get('include_groups') !== 'false' }),
  async prepare({ deps }, values, existing) {
    if (existing?.['type'] === 'internal_service_account')
      throw invalidField('type', "Can't modify internal service account users");
    if (existing !== undefined && values['type'] === 'internal_service_account')
      throw invalidField('type', "Can't change user type to internal_service_account.");
    if (!('password' in values)) return values;
    const password = values['password'];
    const encoded = typeof password === 'string' && password !== '' ? await deps.passwords.make(password) : '!';
    return { ...values, password: encoded };
  },
  async saved(unit, row, input) {
    if (input['is_active'] === false) unit.afterwards.push(() => unit.deps.sessions.endUser(Number(row['id'])));
  },
  async deleting({ deps, afterwards, db }, row) {
    const open = await db.selectFrom('sessions').select('id').where('user_id', '=', Number(row['id'])).execute();
    afterwards.push(() => deps.channels.sessionsEnded(open.map(({ id }) => id)));
  },
};

/** Rows of `users` come from the database, whose schema this type mirrors. */
export function userRecord(row: Row): UserRecord {
  return row as UserRecord;
}
