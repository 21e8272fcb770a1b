// What a list of users shows beside their own rows: groups, roles, and who is a superuser. Two queries for any number of
// users, at the same time; each group comes over once, however many of the users are in it.
import type { Statement } from '../database/connection.ts';
import type { CoreDeps } from '../deps.ts';
import type { WireRole } from './roles.ts';
import type { GroupRecord } from './users.ts';

export interface Surroundings {
  /** Direct groups, in order of name. */
  readonly groups: readonly string[];
  readonly isSuperuser: boolean;
  /** In order of name. */
  readonly roles: readonly WireRole[];
}

interface SurroundingsRow {
  readonly id: number;
  readonly groups: readonly string[];
  readonly is_superuser: boolean;
  readonly roles: readonly WireRole[];
}

const surroundings: Statement<SurroundingsRow> = {
  name: 'users: surroundings',
  text: `with supers as materialized (select uuid from superuser_groups)
    select u.id,
      coalesce((select json_agg(g.uuid order by g.name) from memberships m join groups g on g.uuid = m.group_uuid
        where m.user_id = u.id), '[]') as groups,
      exists (select from memberships m join supers on supers.uuid = m.group_uuid where m.user_id = u.id) as is_superuser,
      coalesce((select json_agg(json_build_object('pk', r.uuid, 'name', r.name) order by r.name)
        from role_users h join roles r on r.uuid = h.role where h.user_id = u.id), '[]') as roles
    from unnest($1::integer[]) u (id)`,
};
const groupsOfAny: Statement<GroupRecord> = {
  name: 'users: their groups',
  text: 'select * from groups where uuid in (select group_uuid from memberships where user_id = any($1::integer[]))',
};

/** Of each of the users. */
export async function surroundingsOf(
  { database }: CoreDeps,
  pks: readonly number[],
): Promise<ReadonlyMap<number, Surroundings>> {
  if (pks.length === 0) return new Map();
  const rows = await database.rows(surroundings, [pks]);
  return new Map(rows.map(({ id, groups, is_superuser, roles }) => [id, { groups, isSuperuser: is_superuser, roles }]));
}

/** Every group that any of the users is in, by its key. */
export async function groupsOfAll(
  { database }: CoreDeps,
  pks: readonly number[],
): Promise<ReadonlyMap<string, GroupRecord>> {
  if (pks.length === 0) return new Map();
  const rows = await database.rows(groupsOfAny, [pks]);
  return new Map(rows.map((group) => [group.uuid, group]));
}
