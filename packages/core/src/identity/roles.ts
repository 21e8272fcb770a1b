// Roles of users and groups as the API shows them, in one query for any number of them.
import { type RawBuilder, sql } from 'kysely';
import type { CoreDeps } from '../deps.ts';

export interface WireRole {
  readonly pk: string;
  readonly name: string;
}

export function rolesOfUsers(deps: CoreDeps, pks: readonly number[]): Promise<ReadonlyMap<number, WireRole[]>> {
  if (pks.length === 0) return Promise.resolve(new Map());
  return holders<number>(
    deps,
    sql`select t.user_id as holder, t.role from role_users t where t.user_id in (${sql.join([...pks])})`,
  );
}

export function rolesOfGroups(deps: CoreDeps, groups: readonly string[]): Promise<ReadonlyMap<string, WireRole[]>> {
  if (groups.length === 0) return Promise.resolve(new Map());
  return holders<string>(
    deps,
    sql`select t.group_uuid as holder, t.role from role_groups t where t.group_uuid in (${sql.join([...groups])})`,
  );
}

/** Roles of the groups above each group. */
export function rolesInherited(deps: CoreDeps, groups: readonly string[]): Promise<ReadonlyMap<string, WireRole[]>> {
  if (groups.length === 0) return Promise.resolve(new Map());
  return holders<string>(
    deps,
    sql`select distinct a.descendant as holder, t.role from role_groups t join group_ancestry a
      on a.ancestor = t.group_uuid and a.ancestor <> a.descendant where a.descendant in (${sql.join([...groups])})`,
  );
}

async function holders<Key>({ database }: CoreDeps, pairs: RawBuilder<unknown>): Promise<ReadonlyMap<Key, WireRole[]>> {
  const { rows } = await sql<{ holder: Key; uuid: string; name: string }>`
    select p.holder, roles.uuid, roles.name from (${pairs}) p join roles on roles.uuid = p.role
    order by roles.name`.execute(database.kysely);
  const found = new Map<Key, WireRole[]>();
  for (const { holder, uuid, name } of rows) found.set(holder, [...(found.get(holder) ?? []), { pk: uuid, name }]);
  return found;
}
