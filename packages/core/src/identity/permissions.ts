// Who may do what: superusers everything, others what was granted, on one object or on all (core.md §10.5): to themselves,
// or to a role of theirs or of any of their groups and what is above these.
import { sql } from 'kysely';
import type { CoreDeps } from '../deps.ts';
import type { UserRecord } from './users.ts';

export interface Principal {
  readonly user: UserRecord;
  readonly isSuperuser: boolean;
  /** Global grants, and grants on objects as `permission:object`. */
  readonly grants: ReadonlySet<string>;
  /** How the request proved who asks; `secret key`: the embedded outpost's account by the installation's own key. */
  readonly via: 'token' | 'session' | 'secret key';
}

export async function loadPrincipal(deps: CoreDeps, user: UserRecord, via: Principal['via']): Promise<Principal> {
  // One question to the database, since every call of the API asks it: `*` stands for a group of superusers.
  const { rows } = await sql<{ permission: string; object: string }>`
    with mine (uuid) as materialized (select groups_of_user(${user.id}))
    select permission, object from grants where user_id = ${user.id}
    union select p.permission, p.object from role_permissions p where p.role in (
      select role from role_users where user_id = ${user.id}
      union select role from role_groups where group_uuid in (select uuid from mine))
    union select '*', '' from groups where is_superuser and uuid in (select uuid from mine)`.execute(
    deps.database.kysely,
  );
  const superuser = rows.some(({ permission }) => permission === '*');
  const grants = new Set(
    rows
      .filter(({ permission }) => permission !== '*')
      .map(({ permission, object }) => (object === '' ? permission : `${permission}:${object}`)),
  );
  return { user, isSuperuser: superuser, grants, via };
}

export function mayEverywhere(principal: Principal, permission: string): boolean {
  return principal.isSuperuser || principal.grants.has(permission);
}

export function may(principal: Principal, permission: string, object: string | number): boolean {
  return mayEverywhere(principal, permission) || principal.grants.has(`${permission}:${object}`);
}
