// `authentik_core.group` (core.md §3.2): a graph; an edge that would make a group its own ancestor is refused.

import { sql } from 'kysely';
import { z } from 'zod';
import { column, flag, jsonColumn, line, relation } from '../../models/field.ts';
import { anyKey, containsJson, exactly, isTrue, isTruthText } from '../../models/filters.ts';
import { invalidField } from '../../models/invalid.ts';
import { defineModel, type Row, type Values } from '../../models/model.ts';
import { groupShape, roleShape, userShape } from '../../models/shapes.ts';
import type { Unit } from '../../models/unit.ts';
import { wireGroups } from '../groups.ts';
import { may, mayEverywhere } from '../permissions.ts';
import type { GroupRecord } from '../users.ts';

export const groupModel = defineModel({
  id: 'authentik_core.group',
  noun: 'Group',
  nouns: 'Groups',
  table: 'groups',
  key: 'uuid',
  keyType: 'uuid',
  path: '/core/groups/',
  fields: {
    name: column('name', line),
    is_superuser: column('is_superuser', flag, { initial: false }),
    parents: relation({ table: 'group_parents', own: 'child', other: 'parent' }, { table: 'groups', key: 'uuid' }),
    users: relation({ table: 'memberships', own: 'group_uuid', other: 'user_id' }, { table: 'users', key: 'id' }),
    attributes: jsonColumn('attributes'),
    roles: relation({ table: 'role_groups', own: 'group_uuid', other: 'role' }, { table: 'roles', key: 'uuid' }),
  },
  permissions: ['add_user_to_group', 'remove_user_from_group', 'enable_group_superuser', 'disable_group_superuser'],
  search: ['name', 'is_superuser'],
  order: ['name'],
  filters: {
    name: exactly('name'),
    is_superuser: isTrue('is_superuser'),
    attributes: containsJson('attributes'),
    members_by_username: (values) =>
      sql<boolean>`uuid in (select m.group_uuid from memberships m join users u on u.id = m.user_id
        where u.username in (${sql.join([...values])}))`,
    members_by_pk: (values) =>
      sql<boolean>`uuid in (select group_uuid from memberships where user_id = ${anyKey(values, 'integer')})`,
  },
  derived: {
    num_pk: z.int(),
    parents_obj: z.array(groupShape).nullable(),
    users_obj: z.array(userShape).nullable(),
    roles_obj: z.array(roleShape),
    inherited_roles_obj: z.array(roleShape).nullable(),
    children: z.array(z.uuid()),
    children_obj: z.array(groupShape).nullable(),
  },
  represent: (deps, rows, query) =>
    wireGroups(deps, rows.map(groupRecord), {
      users: query.get('include_users') !== 'false',
      children: isTruthText(query.get('include_children') ?? ''),
      parents: isTruthText(query.get('include_parents') ?? ''),
      inheritedRoles: isTruthText(query.get('include_inherited_roles') ?? ''),
    }),
  async prepare(unit, values, existing) {
    checkSuperuserRight(unit, values, existing);
    const parents = values['parents'];
    if (existing !== undefined && Array.isArray(parents)) await refuseCycles(unit, String(existing['uuid']), parents);
    return values;
  },
});

/** Rows of `groups` come from the database, whose schema this type mirrors. */
function groupRecord(row: Row): GroupRecord {
  return row as GroupRecord;
}

/** Making a group one of superusers needs a right of its own, and so does ending it (core.md §3.2). */
function checkSuperuserRight({ author: { principal } }: Unit, values: Values, existing: Row | undefined): void {
  const wanted = values['is_superuser'];
  if (principal === undefined || wanted === undefined || wanted === (existing?.['is_superuser'] ?? false)) return;
  const right = `authentik_core.${wanted === true ? 'enable' : 'disable'}_group_superuser`;
  const allowed =
    existing === undefined ? mayEverywhere(principal, right) : may(principal, right, String(existing['uuid']));
  if (!allowed) throw invalidField('is_superuser', `User does not have permission to ${right.split('.')[1]}.`);
}

async function refuseCycles({ db }: Unit, group: string, parents: readonly unknown[]): Promise<void> {
  if (parents.length === 0) return;
  const found = await db
    .selectFrom('group_ancestry')
    .select('descendant')
    .where('ancestor', '=', group)
    .where('descendant', 'in', parents.map(String))
    .executeTakeFirst();
  if (found !== undefined) throw invalidField('parents', 'A group cannot be above itself.');
}
