// `authentik_core.user` (core.md §3.1).

import { sql } from 'kysely';
import { z } from 'zod';
import { recordEvent } from '../../events/record.ts';
import { choice, column, flag, jsonColumn, relation } from '../../models/field.ts';
import { anyKey, containsJson, exactly, isKey, isNull, isTrue, isTruthText, moment } from '../../models/filters.ts';
import { invalidField } from '../../models/invalid.ts';
import { defineModel, type Row } from '../../models/model.ts';
import { groupShape, roleShape } from '../../models/shapes.ts';
import type { Unit } from '../../models/unit.ts';
import { globalRights } from '../../rbac/models.ts';
import { enqueue } from '../../tasks/queue.ts';
import { anonymousUsername, type UserRecord, wireUsers } from '../users.ts';

const kinds = ['internal', 'external', 'service_account', 'internal_service_account'] as const;

export const userModel = defineModel({
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
    roles: relation({ table: 'role_users', own: 'user_id', other: 'role' }, { table: 'roles', key: 'uuid' }),
    permissions: globalRights,
    password_change_date: column('password_change_date', z.date(), { readOnly: true, hidden: true }),
    password: column('password', z.string().nullable(), { hidden: true, blueprintOnly: true }),
  },
  search: ['username', 'name', 'email'],
  order: ['username'],
  listed: sql<boolean>`username <> ${anonymousUsername}`,
  sortable: ['last_login', 'date_joined', 'last_updated', 'uuid'],
  filters: {
    username: exactly('username'),
    name: exactly('name'),
    email: exactly('email'),
    path: exactly('path'),
    path_startswith: ([value = '']) => sql<boolean>`starts_with(path, ${value})`,
    uuid: isKey('uuid', 'uuid'),
    type: (values) => sql<boolean>`type in (${sql.join([...values])})`,
    pk: isKey('id', 'integer'),
    is_active: isTrue('is_active'),
    is_superuser: ([value = '']) => {
      const member = sql<boolean>`id in (select m.user_id from memberships m
        join groups g on g.uuid = m.group_uuid where g.is_superuser)`;
      return isTruthText(value) ? member : sql<boolean>`not ${member}`;
    },
    groups_by_name: (values) =>
      sql<boolean>`id in (select m.user_id from memberships m join groups g on g.uuid = m.group_uuid
        where g.name in (${sql.join([...values])}))`,
    groups_by_pk: (values) =>
      sql<boolean>`id in (select user_id from memberships where group_uuid = ${anyKey(values, 'uuid')})`,
    ...moment('last_updated'),
    attributes: containsJson('attributes'),
    ...moment('date_joined'),
    ...moment('last_login'),
    last_login__isnull: isNull('last_login'),
    roles_by_name: (values) =>
      sql<boolean>`id in (select user_id from role_users join roles on roles.uuid = role
        where roles.name in (${sql.join([...values])}))`,
    roles_by_pk: (values) =>
      sql<boolean>`id in (select user_id from role_users where role = ${anyKey(values, 'uuid')})`,
  },
  permissions: ['reset_user_password', 'impersonate', 'preview_user', 'view_user_applications'],
  derived: {
    last_login: z.iso.datetime().nullable(),
    date_joined: z.iso.datetime(),
    is_superuser: z.boolean(),
    groups_obj: z.array(groupShape).nullable(),
    roles_obj: z.array(roleShape).nullable(),
    avatar: z.string(),
    uid: z.string(),
    uuid: z.uuid(),
    password_change_date: z.iso.datetime(),
    last_updated: z.iso.datetime(),
  },
  represent: (deps, rows, query) =>
    wireUsers(deps, rows.map(userRecord), {
      groups: query.get('include_groups') !== 'false',
      roles: query.get('include_roles') !== 'false',
    }),
  async prepare({ deps, author }, values, existing) {
    if (existing?.['type'] === 'internal_service_account' && author.principal !== undefined)
      throw invalidField('type', "Can't modify internal service account users");
    if (author.principal !== undefined && values['type'] === 'internal_service_account')
      throw invalidField('type', "Can't change user type to internal_service_account.");
    if (!('password' in values)) return values;
    const { password, ...others } = values;
    // A blueprint that is applied again sets no new password and ends no session.
    if (author.cause !== undefined && typeof password === 'string' && existing !== undefined)
      if (await deps.passwords.check(password, String(existing['password']))) return others;
    const encoded = typeof password === 'string' && password !== '' ? await deps.passwords.make(password) : '!';
    return { ...values, password: encoded, password_change_date: new Date(deps.clock.now()) };
  },
  async saved(unit, row, values, created) {
    const pk = Number(row['id']);
    if (typeof values['password'] === 'string' && values['password'] !== '!')
      unit.afterwards.push(() => passwordChanged(unit, row, created));
    if (values['is_active'] === false) {
      await unit.db.deleteFrom('oauth_grants').where('user_id', '=', pk).execute();
      unit.afterwards.push(() => unit.deps.sessions.endUser(pk));
    }
    const { permissions } = values;
    if (!Array.isArray(permissions) || permissions.length === 0) return;
    await unit.db
      .insertInto('grants')
      .values(permissions.map((permission) => ({ user_id: pk, permission: String(permission) })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  },
  async deleting({ deps, afterwards, db }, row) {
    if (deps.settings.current().gdpr_compliance)
      await enqueue(db, { actor: 'authentik.events.tasks.gdpr_cleanup', args: { user_pk: row['id'] } });
    const open = await db.selectFrom('sessions').select('id').where('user_id', '=', Number(row['id'])).execute();
    const ids = open.map(({ id }) => id);
    await deps.sessions.ending(db, ids);
    afterwards.push(() => deps.channels.sessionsEnded(ids));
  },
});

/** A changed password ends every session that the old one opened, except the one that changed it (core.md §23.3). */
async function passwordChanged({ deps, author }: Unit, row: Row, created: boolean): Promise<void> {
  const { id, username, email } = userRecord(row);
  if (!created) await deps.sessions.endUser(id, author.sessionId);
  await recordEvent(deps, {
    action: 'password_set',
    app: 'authentik.core',
    user: { id, username, email },
    clientIp: author.clientIp,
    from: author.request,
    context: {},
  });
}

/** Rows of `users` come from the database, whose schema this type mirrors. */
export function userRecord(row: Row): UserRecord {
  return row as UserRecord;
}
