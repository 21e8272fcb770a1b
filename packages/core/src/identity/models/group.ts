// `authentik_core.group` (core.md §3.2): a graph; an edge that would make a group its own ancestor is refused.
import { sql } from 'kysely';
import { column, flag, jsonColumn, line, relation } from '../../models/field.ts';
import { containsJson, exactly, isTrue, isTruthText } from '../../models/filters.ts';
import { invalidField } from '../../models/invalid.ts';
import type { Model, Row } from '../../models/model.ts';
import type { Unit } from '../../models/unit.ts';
import { wireGroups } from '../groups.ts';
import type { GroupRecord } from '../users.ts';

export const groupModel: Model = {
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
  },
  search: ['name'],
  order: ['name'],
  filters: {
    name: exactly('name'),
    is_superuser: isTrue('is_superuser'),
    attributes: containsJson('attributes'),
    members_by_username: (values) =>
      sql<boolean>`uuid in (select m.group_uuid from memberships m join users u on u.id = m.user_id
        where u.username in (${sql.join([...values])}))`,
    members_by_pk: (values) =>
      sql<boolean>`uuid in (select group_uuid from memberships where user_id::text in (${sql.join([...values])}))`,
  },
  represent: (deps, rows, query) =>
    wireGroups(deps, rows.map(groupRecord), {
      users: query.get('include_users') !== 'false',
      children: isTruthText(query.get('include_children') ?? ''),
      parents: isTruthText(query.get('include_parents') ?? ''),
    }),
  async prepare(unit, values, existing) {
    const parents = values['parents'];
    if (existing !== undefined && Array.isArray(parents)) await refuseCycles(unit, String(existing['uuid']), parents);
    return values;
  },
};

/** Rows of `groups` come from the database, whose schema this type mirrors. */
function groupRecord(row: Row): GroupRecord {
  return row as GroupRecord;
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
