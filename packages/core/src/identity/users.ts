// Users: reading with everything the API shows, and the changes that others must hear of.
import { createHash } from 'node:crypto';
import type { Wire } from '@gatehouse/contract/rest';
import type { User } from '@goauthentik/api';
import type { Selectable } from 'kysely';
import type { Statement } from '../database/connection.ts';
import { together } from '../database/gathered.ts';
import type { Tables } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';
import { rolesOfUsers } from './roles.ts';
import { groupsOfAll, surroundingsOf } from './surroundings.ts';

export type UserRecord = Selectable<Tables['users']>;
export type WireUser = Wire<User>;

/** Hidden user that stands in where nobody is logged in (core.md §1.3). */
export const anonymousUsername = 'AnonymousUser';

/** sha256 of `<pk>-<installation id>`: the stable subject of a user (core.md §3.1). */
export function userUid(pk: number, installationId: string): string {
  return createHash('sha256').update(`${pk}-${installationId}`).digest('hex');
}

/** `email`, `username` or `attributes.upn`, case-insensitive, first match by pk (flow-executor §11.1). */
export async function findByIdentifier(
  { database }: CoreDeps,
  fields: readonly string[],
  typed: string,
): Promise<UserRecord | undefined> {
  const asked = Object.keys(identifiers).filter((field) => fields.includes(field));
  if (asked.length === 0) return undefined;
  const matches = asked.map((field) => `${identifiers[field]} = $1`).join(' or ');
  const text = `select * from users where username <> '${anonymousUsername}' and (${matches}) order by id limit 1`;
  return (await database.rows<UserRecord>({ name: `user by ${asked.join(', ')}`, text }, [typed.toLowerCase()]))[0];
}

/** What an identification may go by, each with an index. */
const identifiers: Readonly<Record<string, string>> = {
  username: 'lower(username)',
  email: 'lower(email)',
  upn: "lower(attributes->>'upn')",
};

const byKey: Statement<UserRecord> = { name: 'users by key', text: 'select * from users where id = any($1)' };
const byName: Statement<UserRecord> = { name: 'users by name', text: 'select * from users where username = any($1)' };

/** The record may be shared with others who ask in the same moment: nobody writes to it. */
export const findUser = together(async ({ database }: CoreDeps, pks: readonly number[]) => {
  const found = new Map((await database.rows(byKey, [pks])).map((user) => [user.id, user]));
  return pks.map((pk) => found.get(pk));
});

/** With this exact name; shared like that of {@link findUser}. */
export const findByName = together(async ({ database }: CoreDeps, names: readonly string[]) => {
  const found = new Map((await database.rows(byName, [names])).map((user) => [user.username, user]));
  return names.map((name) => found.get(name));
});

/** Member, directly or through parents, of a superuser group. */
export const isSuperuser = together(async ({ database }: CoreDeps, pks: readonly number[]) => {
  const found = new Set((await database.rows(superusers, [pks])).map(({ id }) => id));
  return pks.map((pk) => found.has(pk));
});

const superusers: Statement<{ id: number }> = {
  name: 'users: which are superusers',
  text: `select id from unnest($1::integer[]) as asked (id) where exists (
    select 1 from groups where is_superuser and uuid in (select groups_of_user(asked.id)))`,
};

/** Whether the user is in the group or in any below it. */
export function isMember(deps: CoreDeps, pk: number, group: string): Promise<boolean> {
  return isIn(deps, { pk, group });
}

/** The same of the group with this name. */
export function isMemberByName(deps: CoreDeps, pk: number, name: string): Promise<boolean> {
  return isIn(deps, { pk, name });
}

type Membership = { readonly pk: number } & ({ readonly group: string } | { readonly name: string });

/** One statement for all that is asked in one moment, such as for every application of a list. */
const isIn = together(async ({ database }: CoreDeps, asked: readonly Membership[]) => {
  const pks = [...new Set(asked.map(({ pk }) => pk))];
  const keys = asked.flatMap((one) => ('group' in one ? [one.group] : []));
  const names = asked.flatMap((one) => ('name' in one ? [one.name] : []));
  const rows = await database.rows(memberships, [pks, keys, names]);
  const found = new Set(rows.flatMap(({ id, uuid, name }) => [`${id} ${uuid}`, `${id} named ${name}`]));
  return asked.map((one) => found.has('group' in one ? `${one.pk} ${one.group}` : `${one.pk} named ${one.name}`));
});

const memberships: Statement<{ id: number; uuid: string; name: string }> = {
  name: 'users: in which of these groups',
  text: `select asked.id, g.uuid, g.name from unnest($1::integer[]) as asked (id)
    cross join lateral groups_of_user(asked.id) as mine (uuid) join groups g on g.uuid = mine.uuid
    where g.uuid::text = any($2::text[]) or g.name = any($3::text[])`,
};

/** Groups of the users, direct ones only, in order of name. Two queries for any number of users. */
export async function groupsOf(
  { database }: CoreDeps,
  pks: readonly number[],
): Promise<ReadonlyMap<number, GroupRecord[]>> {
  const found = new Map<number, GroupRecord[]>();
  if (pks.length === 0) return found;
  const rows = await database.kysely
    .selectFrom('memberships')
    .innerJoin('groups', 'groups.uuid', 'memberships.group_uuid')
    .selectAll('groups')
    .select('memberships.user_id')
    .where('memberships.user_id', 'in', [...pks])
    .orderBy('groups.name')
    .execute();
  for (const { user_id, ...group } of rows) found.set(user_id, [...(found.get(user_id) ?? []), group]);
  return found;
}
export type GroupRecord = Selectable<Tables['groups']>;

/** First five digits of the uuid as a decimal 128-bit number (core.md §3.2). */
export function groupNumber(uuid: string): number {
  return Number(
    BigInt(`0x${uuid.replaceAll('-', '')}`)
      .toString()
      .slice(0, 5),
  );
}

export function wireUserGroup(group: GroupRecord) {
  return {
    pk: group.uuid,
    num_pk: groupNumber(group.uuid),
    name: group.name,
    is_superuser: group.is_superuser,
    attributes: group.attributes,
  };
}

/** Users as the API shows them, in the order given. */
export async function wireUsers(
  deps: CoreDeps,
  users: readonly UserRecord[],
  options: { readonly groups: boolean; readonly roles: boolean },
): Promise<WireUser[]> {
  const pks = users.map(({ id }) => id);
  const [around, roles, groups] = await Promise.all([
    surroundingsOf(deps, pks),
    rolesOfUsers(deps, pks),
    options.groups ? groupsOfAll(deps, pks) : new Map<string, GroupRecord>(),
  ]);
  const shown = new Map([...groups].map(([uuid, group]) => [uuid, wireUserGroup(group)]));
  return users.map((user) => {
    const { groups: own = [], isSuperuser: superuser = false } = around.get(user.id) ?? {};
    const held = roles.get(user.id) ?? [];
    return {
      pk: user.id,
      username: user.username,
      name: user.name,
      is_active: user.is_active,
      last_login: user.last_login?.toISOString() ?? null,
      date_joined: user.date_joined.toISOString(),
      is_superuser: superuser,
      groups: [...own],
      groups_obj: options.groups ? own.flatMap((uuid) => shown.get(uuid) ?? []) : null,
      roles: held.map(({ pk }) => pk),
      roles_obj: options.roles ? [...held] : null,
      email: user.email,
      avatar: avatarOf(user),
      attributes: user.attributes,
      uid: userUid(user.id, deps.installationId),
      path: user.path,
      type: user.type as NonNullable<WireUser['type']>, // the database holds one of the kinds only
      uuid: user.uuid,
      password_change_date: user.password_change_date.toISOString(),
      last_updated: user.last_updated.toISOString(),
    } satisfies Partial<WireUser> as WireUser;
  });
}

/** Initials as an SVG data URI (core.md §12.7). */
export function avatarOf(user: { readonly name: string; readonly username: string }): string {
  const words = (user.name.trim() === '' ? user.username : user.name).trim().split(/\s+/);
  const initials = [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => (word ?? '').slice(0, 1).toUpperCase())
    .join('');
  const letters = initials.replace(/[&<>"']/g, '');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="#5c6773"/><text x="32" y="32" fill="#fff" font-family="sans-serif" font-size="26" text-anchor="middle" dominant-baseline="central">${letters}</text></svg>`;
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}
