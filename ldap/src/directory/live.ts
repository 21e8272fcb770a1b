// Reads users and groups from the core, for direct searches and for snapshots (ldap.md §11.2, §11.3). Names are compared
// exactly by the core: a name that is not found so is looked for once more without case.
import type { CoreClient } from '@gatehouse/contract/client';
import { type GroupRow, groupRow, type UserRow, userRow } from '@gatehouse/contract/rest';
import { isGatewayError } from '@gatehouse/daemon/errors';
import type { LiveDirectory } from '../access/reader.ts';
import type { Population } from './build-view.ts';
import type { Listing } from './needs.ts';

const userView = { include_groups: 'true', include_roles: 'false' };
const groupView = {
  include_users: 'true',
  include_children: 'true',
  include_parents: 'true',
  include_inherited_roles: 'false',
};
/** A snapshot holds every user and group, so names need not come with each membership. */
const leanUserView = { include_groups: 'false', include_roles: 'false' };
const leanGroupView = { include_users: 'false', include_children: 'true', include_parents: 'false' };

export interface CoreDirectory extends LiveDirectory {
  everything(signal: AbortSignal): Promise<Population>;
}

export function createCoreDirectory(core: CoreClient, pageSize: number): CoreDirectory {
  const users = (query: Listing, signal: AbortSignal): Promise<UserRow[]> =>
    core.pages('/core/users/', userRow, { query: { ...userView, ...query }, signal, pageSize });
  const groups = (query: Listing, signal: AbortSignal): Promise<GroupRow[]> =>
    core.pages('/core/groups/', groupRow, { query: { ...groupView, ...query }, signal, pageSize });
  return {
    async population(needs, signal) {
      const [userRows, groupRows] = await Promise.all([
        collect(needs.users, (listing) => find(users, listing, ['username', 'name', 'email'], signal)),
        collect(needs.groups, (listing) => find(groups, listing, ['name'], signal)),
      ]);
      return { users: byName(userRows, 'username'), groups: byName(groupRows, 'name') };
    },
    async own(userPk, signal) {
      const user = await core.get(`/core/users/${userPk}/`, userRow, { signal });
      return { users: [user], groups: await groups({ members_by_pk: String(userPk) }, signal) };
    },
    async everything(signal) {
      const size = Math.max(100, pageSize);
      const userRows = await core.pages('/core/users/', userRow, { query: leanUserView, signal, pageSize: size });
      const groupRows = await core.pages('/core/groups/', groupRow, { query: leanGroupView, signal, pageSize: size });
      return { users: unique(userRows), groups: unique(groupRows) };
    },
  };
}

/** Rows of all listings, each row once. */
async function collect<Row extends { readonly pk: number | string }>(
  listings: readonly Listing[],
  fetch: (listing: Listing) => Promise<readonly Row[]>,
): Promise<Row[]> {
  const found: Row[] = [];
  for (const listing of listings) found.push(...(await fetch(listing)));
  return unique(found);
}

async function find<Row>(
  fetch: (query: Listing, signal: AbortSignal) => Promise<Row[]>,
  listing: Listing,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Row[]> {
  try {
    const exact = await fetch(listing, signal);
    const [name, ...others] = Object.keys(listing);
    if (exact.length > 0 || name === undefined || others.length > 0 || !names.includes(name)) return exact;
    return await fetch({ search: listing[name] ?? '' }, signal);
  } catch (error) {
    // The core refuses filters that name unknown groups or users: then nothing matches.
    if (isGatewayError(error) && error.code === 'ERR_CONTRACT_REFUSED') return [];
    throw error;
  }
}

function unique<Row extends { readonly pk: number | string }>(rows: readonly Row[]): Row[] {
  return [...new Map(rows.map((row) => [row.pk, row])).values()];
}

function byName<Key extends string, Row extends Readonly<Record<Key, string>>>(rows: readonly Row[], key: Key): Row[] {
  return rows.toSorted((one, other) => (one[key] < other[key] ? -1 : one[key] > other[key] ? 1 : 0));
}
