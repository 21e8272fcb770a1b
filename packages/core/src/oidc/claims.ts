// Claims of a user for the granted scopes, by a native table of the shipped mappings (core.md §16.3, §17.6).
import type { CoreDeps } from '../deps.ts';
import { groupsOf, isSuperuser, type UserRecord, userUid } from '../identity/users.ts';
import type { Client } from './client.ts';

type Claims = Readonly<Record<string, unknown>>;

/** Scopes a client may have; attributes of users go to proxies only. */
export function scopesOf({ isProxy }: Client): readonly string[] {
  return ['openid', 'profile', 'email', 'entitlements', 'offline_access', ...(isProxy ? ['ak_proxy'] : [])];
}

/** Unknown scopes are dropped silently; none requested means all but `offline_access`. */
export function grantedScopes(client: Client, requested: string): string[] {
  const known = scopesOf(client);
  const wanted = requested.split(' ').filter((scope) => scope !== '');
  if (wanted.length === 0) return known.filter((scope) => scope !== 'offline_access');
  return known.filter((scope) => wanted.includes(scope));
}

export function subjectOf({ installationId }: CoreDeps, { sub_mode }: Client, user: UserRecord): string {
  const uid = userUid(user.id, installationId);
  switch (sub_mode) {
    case 'user_id':
      return String(user.id);
    case 'user_uuid':
      return user.uuid;
    case 'user_email':
      return user.email;
    case 'user_username':
      return user.username;
    case 'user_upn': {
      const upn = user.attributes['upn'];
      return typeof upn === 'string' && upn !== '' ? upn : uid;
    }
    default:
      return uid;
  }
}

export async function claimsOf(deps: CoreDeps, user: UserRecord, scopes: readonly string[]): Promise<Claims> {
  const groups = (await groupsOf(deps, [user.id])).get(user.id) ?? [];
  const { name, username, email } = user;
  return {
    ...(scopes.includes('email') ? { email, email_verified: false } : {}),
    ...(scopes.includes('entitlements') ? { entitlements: [], roles: [] } : {}),
    ...(scopes.includes('profile')
      ? {
          name,
          given_name: name,
          preferred_username: username,
          nickname: username,
          groups: groups.map((group) => group.name),
        }
      : {}),
    ...(scopes.includes('ak_proxy')
      ? {
          ak_proxy: {
            user_attributes: await effectiveAttributes(deps, user, groups),
            is_superuser: await isSuperuser(deps, user.id),
          },
        }
      : {}),
  };
}

/** Brand, then groups by name, then the user's own (core.md §12.4). */
async function effectiveAttributes(
  { database }: CoreDeps,
  user: UserRecord,
  groups: readonly { readonly attributes: Claims }[],
): Promise<Claims> {
  const brand = await database.kysely
    .selectFrom('brands')
    .select('attributes')
    .where('default', '=', true)
    .executeTakeFirst();
  return [brand?.attributes ?? {}, ...groups.map(({ attributes }) => attributes), user.attributes].reduce<Claims>(
    merge,
    {},
  );
}

function merge(below: Claims, above: Claims): Claims {
  const merged = new Map(Object.entries(below));
  for (const [name, value] of Object.entries(above)) {
    const old = merged.get(name);
    merged.set(name, isObject(old) && isObject(value) ? merge(old, value) : value);
  }
  return Object.fromEntries(merged);
}

function isObject(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
