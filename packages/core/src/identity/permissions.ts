// Who may do what: superusers everything, others what was granted, on one object or on all (core.md §10.5).
import type { CoreDeps } from '../deps.ts';
import { isSuperuser, type UserRecord } from './users.ts';

export interface Principal {
  readonly user: UserRecord;
  readonly isSuperuser: boolean;
  /** Global grants, and grants on objects as `permission:object`. */
  readonly grants: ReadonlySet<string>;
  readonly via: 'token' | 'session';
}

export async function loadPrincipal(deps: CoreDeps, user: UserRecord, via: Principal['via']): Promise<Principal> {
  const rows = await deps.database.kysely
    .selectFrom('grants')
    .select(['permission', 'object'])
    .where('user_id', '=', user.id)
    .execute();
  const grants = new Set(
    rows.map(({ permission, object }) => (object === '' ? permission : `${permission}:${object}`)),
  );
  return { user, isSuperuser: await isSuperuser(deps, user.id), grants, via };
}

export function mayEverywhere(principal: Principal, permission: string): boolean {
  return principal.isSuperuser || principal.grants.has(permission);
}

export function may(principal: Principal, permission: string, object: string | number): boolean {
  return mayEverywhere(principal, permission) || principal.grants.has(`${permission}:${object}`);
}
