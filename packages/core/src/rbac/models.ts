// `authentik_rbac.role` (core.md §3.3): holds rights, globally and on objects, for the users and groups it is attached to.
import { sql } from 'kysely';
import { z } from 'zod';
import { column, elsewhere, line } from '../models/field.ts';
import { exactly, isNull, isTruthText } from '../models/filters.ts';
import { defineModel } from '../models/model.ts';
import type { Unit } from '../models/unit.ts';

/** Rights on everything, by full or by short name. */
export const globalRights = elsewhere(z.array(z.string()));

export const roleModel = defineModel({
  id: 'authentik_rbac.role',
  noun: 'Role',
  nouns: 'Roles',
  table: 'roles',
  key: 'uuid',
  keyType: 'uuid',
  path: '/rbac/roles/',
  permissions: ['assign_role_permissions', 'unassign_role_permissions'],
  fields: {
    name: column('name', line),
    managed: column('managed', z.string().nullable(), { initial: null, hidden: true, blueprintOnly: true }),
    permissions: globalRights,
  },
  search: ['name'],
  order: ['name'],
  filters: {
    name: exactly('name'),
    managed: exactly('managed'),
    managed__isnull: isNull('managed'),
    users: (values, query) => {
      const direct = sql`select role from role_users where user_id::text in (${sql.join([...values])})`;
      if (!isTruthText(query.get('inherited') ?? '')) return sql<boolean>`uuid in (${direct})`;
      return sql<boolean>`uuid in (${direct} union select r.role from role_groups r
        join group_ancestry a on a.ancestor = r.group_uuid join memberships m on m.group_uuid = a.descendant
        where m.user_id::text in (${sql.join([...values])}))`;
    },
    groups: (values, query) =>
      isTruthText(query.get('inherited') ?? '')
        ? sql<boolean>`uuid in (select r.role from role_groups r join group_ancestry a on a.ancestor = r.group_uuid
            where a.descendant::text in (${sql.join([...values])}))`
        : sql<boolean>`uuid in (select role from role_groups where group_uuid::text in (${sql.join([...values])}))`,
  },
  async saved(unit, row, values) {
    const { permissions } = values;
    if (Array.isArray(permissions)) await grantToRole(unit, String(row['uuid']), permissions.map(String));
  },
});

/** Adds rights; none is ever taken away by it. `object`: '' for all objects. */
export async function grantToRole(unit: Pick<Unit, 'db'>, role: string, names: readonly string[], object = '') {
  if (names.length === 0) return;
  await unit.db
    .insertInto('role_permissions')
    .values(names.map((permission) => ({ role, permission, object })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
