// What a list of users shows beside their own rows: their groups, and who is a superuser. Two queries for any number of
// users, at the same time; each group comes over once, however many of the users are in it.
import type { Statement } from '../database/connection.ts';
import type { CoreDeps } from '../deps.ts';
import type { GroupRecord } from './users.ts';

export interface Surroundings {
  /** Direct groups, in order of name. */
  readonly groups: readonly string[];
  readonly isSuperuser: boolean;
}

interface SurroundingsRow {
  readonly id: number;
  readonly groups: readonly string[];
  readonly is_superuser: boolean;
}

/** One pass over the memberships: asking for each user by himself takes five times as long. */
const surroundings: Statement<SurroundingsRow> = {
  name: 'users: surroundings',
  text: `select m.user_id as id, json_agg(g.uuid order by g.name) as groups, bool_or(s.uuid is not null) as is_superuser
    from memberships m join groups g on g.uuid = m.group_uuid left join superuser_groups s on s.uuid = m.group_uuid
    where m.user_id = any($1::integer[]) group by m.user_id`,
};
const groupsOfAny: Statement<GroupRecord> = {
  name: 'users: their groups',
  text: 'select * from groups where uuid in (select group_uuid from memberships where user_id = any($1::integer[]))',
};

/** Of each of the users who is in any group. */
export async function surroundingsOf(
  { database }: CoreDeps,
  pks: readonly number[],
): Promise<ReadonlyMap<number, Surroundings>> {
  if (pks.length === 0) return new Map();
  const rows = await database.rows(surroundings, [pks]);
  return new Map(rows.map(({ id, groups, is_superuser }) => [id, { groups, isSuperuser: is_superuser }]));
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
