// Reads of the core what one direct search needs (ldap.md §8.3, §11.2, §11.3). Names are compared exactly by the core: a name
// that is not found so is looked for once more without case.
import type { CoreClient } from '@gatehouse/contract/client';
import { type GroupRow, groupRow, type UserRow, userRow } from '@gatehouse/contract/rest';
import { isGatewayError } from '@gatehouse/daemon/errors';
import type { CustomTypes } from '../mapping/custom-attributes.ts';
import { Directory } from './directory.ts';
import type { Listing, Needs } from './needs.ts';

const userView = { include_groups: 'true', include_roles: 'false' };
const groupView = {
  include_users: 'true',
  include_children: 'true',
  include_parents: 'true',
  include_inherited_roles: 'false',
};

export interface LiveDirectory {
  /** A directory of its own that holds everything that was asked for, and maybe more. */
  read(needs: Needs, signal: AbortSignal): Promise<Directory>;
  /** What a user may see of itself. */
  own(userPk: number, signal: AbortSignal): Promise<Directory>;
  /** The names of all groups that a user is in, also through groups in them. */
  groupNames(userPk: number, signal: AbortSignal): Promise<readonly string[]>;
}

/** Groups above or below others that are asked for one by one. */
const mostRelatives = 1_000;

export function createLiveDirectory(core: CoreClient, types: CustomTypes, pageSize: number): LiveDirectory {
  const users = (query: Listing, signal: AbortSignal): Promise<UserRow[]> =>
    core.pages('/core/users/', userRow, { query: { ...userView, ...query }, signal, pageSize });
  const groups = (query: Listing, signal: AbortSignal): Promise<GroupRow[]> =>
    core.pages('/core/groups/', groupRow, { query: { ...groupView, ...query }, signal, pageSize });
  /** The rows with all that can be reached from them. */
  const withRelatives = async (
    rows: readonly GroupRow[],
    next: (row: GroupRow) => readonly string[],
    signal: AbortSignal,
  ): Promise<readonly GroupRow[]> => {
    const found = new Map(rows.map((row) => [row.pk, row]));
    for (const row of found.values())
      for (const pk of next(row).filter((one) => !found.has(one))) {
        if (found.size >= mostRelatives) throw new RangeError(`more than ${mostRelatives} groups in or above groups`);
        found.set(pk, await core.get(`/core/groups/${pk}/`, groupRow, { query: groupView, signal }));
      }
    return [...found.values()];
  };
  const trees = async (names: readonly string[], signal: AbortSignal): Promise<readonly GroupRow[]> => {
    const roots = await collect(
      names.map((name) => ({ name })),
      (listing) => find(groups, listing, ['name'], signal),
    );
    return withRelatives(roots, ({ children }) => children ?? [], signal);
  };
  return {
    async read(needs, signal) {
      const [userRows, groupRows, treeRows] = await Promise.all([
        collect(needs.users, (listing) => find(users, listing, ['username', 'name', 'email'], signal)),
        collect(needs.groups, (listing) => find(groups, listing, ['name'], signal)),
        trees(needs.trees ?? [], signal),
      ]);
      const all = new Map([...groupRows, ...treeRows].map((row) => [row.pk, row]));
      return directoryOf(types, byName(userRows, 'username'), byName([...all.values()], 'name'));
    },
    async groupNames(userPk, signal) {
      const direct = await groups({ members_by_pk: String(userPk) }, signal);
      return (await withRelatives(direct, ({ parents }) => parents, signal)).map(({ name }) => name);
    },
    async own(userPk, signal) {
      const user = await core.get(`/core/users/${userPk}/`, userRow, { signal });
      return directoryOf(types, [user], await groups({ members_by_pk: String(userPk) }, signal));
    },
  };
}

export function directoryOf(types: CustomTypes, users: readonly UserRow[], groups: readonly GroupRow[]): Directory {
  const directory = new Directory(types);
  for (const user of users) {
    directory.putUser(user);
    directory.joinGroups(user);
  }
  for (const group of groups) directory.putGroup(group);
  return directory;
}

/** Rows of all listings, each row once. */
async function collect<Row extends { readonly pk: number | string }>(
  listings: readonly Listing[],
  fetch: (listing: Listing) => Promise<readonly Row[]>,
): Promise<Row[]> {
  const found = new Map<number | string, Row>();
  for (const listing of listings) for (const row of await fetch(listing)) found.set(row.pk, row);
  return [...found.values()];
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

function byName<Key extends string, Row extends Readonly<Record<Key, string>>>(rows: readonly Row[], key: Key): Row[] {
  return rows.toSorted((one, other) => (one[key] < other[key] ? -1 : one[key] > other[key] ? 1 : 0));
}
