// Who may do what: superusers everything, others what was granted, on one object or on all (core.md §10.5): to themselves,
// or to a role of theirs or of any of their groups and what is above these.
import type { Statement } from '../database/connection.ts';
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

/** The account with this key, whatever its state. One query, since every call asks it. */
export async function principalOfUser(
  deps: CoreDeps,
  pk: number,
  via: Principal['via'],
): Promise<Principal | undefined> {
  const [row] = await deps.database.rows(ofUser, [pk]);
  return row === undefined ? undefined : principalOf(row, via);
}

/** The account of an unexpired API token, whatever its state. One query. */
export async function principalOfKey(deps: CoreDeps, key: string): Promise<Principal | undefined> {
  const [row] = await deps.database.rows(ofToken, [key, new Date(deps.clock.now())]);
  return row === undefined ? undefined : principalOf(row, 'token');
}

/** `null` among the rights: member of a group of superusers. */
export type PrincipalRow = UserRecord & { readonly rights: readonly (string | null)[] };

export function principalOf({ rights, ...user }: PrincipalRow, via: Principal['via']): Principal {
  const grants = new Set(rights.filter((right) => right !== null));
  return { user, isSuperuser: rights.includes(null), grants, via };
}

/** An expression of SQL: rights of the user `u`, each as {@link Principal.grants} holds it. */
export const rightsOfUser = `coalesce((select json_agg(held) from (
  with mine (uuid) as materialized (select groups_of_user(u.id))
  select case when object = '' then permission else permission || ':' || object end from grants where user_id = u.id
  union select case when p.object = '' then p.permission else p.permission || ':' || p.object end
    from role_permissions p where p.role in (
      select role from role_users where user_id = u.id
      union select role from role_groups where group_uuid in (select uuid from mine))
  union select null from groups where is_superuser and uuid in (select uuid from mine)
) as held_rights (held)), '[]')`;

const ofUser: Statement<PrincipalRow> = {
  name: 'principal: of a user',
  text: `select u.*, ${rightsOfUser} as rights from users u where u.id = $1`,
};
const ofToken: Statement<PrincipalRow> = {
  name: 'principal: of a token',
  text: `select u.*, ${rightsOfUser} as rights from tokens t join users u on u.id = t.user_id
    where t.key = $1 and t.intent = 'api' and (not t.expiring or t.expires > $2)`,
};

export function mayEverywhere(principal: Principal, permission: string): boolean {
  return principal.isSuperuser || principal.grants.has(permission);
}

export function may(principal: Principal, permission: string, object: string | number): boolean {
  return mayEverywhere(principal, permission) || principal.grants.has(`${permission}:${object}`);
}
