// Fills the directory from the core and keeps it up to date (ldap.md §10, §19.3): row by row, page by page, so that a large
// directory is never held twice and nobody waits. Nothing is removed until a listing was complete.
import type { CoreClient } from '@gatehouse/contract/client';
import { groupRow, userRow } from '@gatehouse/contract/rest';
import type { Directory } from './directory.ts';

/** Every user and group is here, so names need not come with each membership. */
const leanUserView = { include_groups: 'false', include_roles: 'false' };
const leanGroupView = { include_users: 'false', include_children: 'true', include_parents: 'false' };
const smallestPage = 100;
/** Rows may move between pages while they are read; a listing that misses some is read again. */
const attempts = 2;

export interface DirectorySync {
  /** Reads everything. @throws GatewayError with the directory as good as before */
  full(signal: AbortSignal): Promise<void>;
}

export function createDirectorySync(core: CoreClient, directory: Directory, pageSize: number): DirectorySync {
  const size = Math.max(smallestPage, pageSize);
  return {
    async full(signal) {
      const users = await complete<number>((seen) =>
        core.eachPage('/core/users/', userRow, { query: leanUserView, signal, pageSize: size }, (rows) => {
          for (const row of rows) {
            directory.putUser(row);
            seen.add(row.pk);
          }
        }),
      );
      const groups = await complete<string>((seen) =>
        core.eachPage('/core/groups/', groupRow, { query: leanGroupView, signal, pageSize: size }, (rows) => {
          for (const row of rows) {
            directory.putGroup(row);
            seen.add(row.pk);
          }
        }),
      );
      if (users !== undefined) for (const pk of directory.userPks) if (!users.has(pk)) directory.removeUser(pk);
      if (groups !== undefined) for (const pk of directory.groupPks) if (!groups.has(pk)) directory.removeGroup(pk);
    },
  };
}

/** What was seen, or `undefined` when no attempt saw as many rows as the core says there are. */
async function complete<Pk>(read: (seen: Set<Pk>) => Promise<number>): Promise<ReadonlySet<Pk> | undefined> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const seen = new Set<Pk>();
    if ((await read(seen)) <= seen.size) return seen;
  }
  return undefined;
}
