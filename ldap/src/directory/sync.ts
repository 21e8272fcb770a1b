// Fills the directory from the core and keeps it up to date (ldap.md §10, §19.3): row by row, page by page, so that a large
// directory is never held twice and nobody waits. Nothing is removed until a listing was complete. Our own core tells what
// has changed since a cursor; of any other, users are asked for by the time of their last change, and groups, which carry
// the memberships, are listed.
import type { CoreClient } from '@gatehouse/contract/client';
import { groupRow, pageRow, syncRow, userRow } from '@gatehouse/contract/rest';
import { type Clock, stretches } from '@gatehouse/daemon/async';
import { isGatewayError } from '@gatehouse/daemon/errors';
import { RowSet } from './columns.ts';
import type { Directory } from './directory.ts';

/** Every user and group is here, so names need not come with each membership. */
const leanUserView = { include_groups: 'false', include_roles: 'false' };
const leanGroupView = { include_users: 'false', include_children: 'true', include_parents: 'false' };
const smallestPage = 100;
/** Rows may move between pages while they are read; a listing that misses some is read again. */
const attempts = 2;
/** Everything is read again this often, whatever was told in between. */
const fullEveryMs = 3_600_000;
/** Clocks and long transactions of a core that goes by time. */
const overlapMs = 60_000;

export interface DirectorySync {
  /** Brings the directory up to date. @throws GatewayError with the directory as good as before */
  refresh(signal: AbortSignal): Promise<void>;
}

export interface DirectorySyncOptions {
  readonly core: CoreClient;
  readonly directory: Directory;
  readonly pageSize: number;
  readonly clock: Clock;
}

export function createDirectorySync({ core, directory, pageSize, clock }: DirectorySyncOptions): DirectorySync {
  const size = Math.max(smallestPage, pageSize);
  const state: State = { fullAtMs: undefined, cursor: undefined, newest: 0 };

  const users = (query: Readonly<Record<string, string>>, seen: RowSet, signal: AbortSignal) =>
    core.eachRow('/core/users/', userRow, { query: { ...leanUserView, ...query }, signal, pageSize: size }, (row) => {
      seen.add(directory.putUser(row));
      state.newest = Math.max(state.newest, Date.parse(row.last_updated) || 0);
    });
  const groups = (seen: RowSet, signal: AbortSignal) =>
    core.eachRow('/core/groups/', groupRow, { query: leanGroupView, signal, pageSize: size }, (row) => {
      seen.add(directory.putGroup(row));
    });
  const removeOthers = async (seenUsers: RowSet | undefined, seenGroups: RowSet | undefined): Promise<void> => {
    const users = seenUsers === undefined ? [] : [...directory.usersBesides(seenUsers)];
    await inTurns(users, (pk) => directory.removeUser(pk));
    const groups = seenGroups === undefined ? [] : [...directory.groupsBesides(seenGroups)];
    await inTurns(groups, (pk) => directory.removeGroup(pk));
  };

  const full = async (signal: AbortSignal): Promise<void> => {
    const cursor = await cursorOf(core, signal);
    const seenUsers = await complete((seen) => users({}, seen, signal));
    const seenGroups = await complete((seen) => groups(seen, signal));
    await removeOthers(seenUsers, seenGroups);
    state.cursor = cursor;
    state.fullAtMs = clock.monotonicMs();
  };

  /** @returns false when everything has to be read */
  const byCursor = async (cursor: string, signal: AbortSignal): Promise<boolean> => {
    const changes = await unlessStock(core.get('/outposts/sync/', syncRow, { query: { since: cursor }, signal }));
    if (changes === undefined || changes.reset) return false;
    await inTurns(changes.users.changed, (row) => directory.putUser(row));
    await inTurns(changes.groups.changed, (row) => directory.putGroup(row));
    await inTurns(changes.users.gone, (pk) => directory.removeUser(pk));
    await inTurns(changes.groups.gone, (pk) => directory.removeGroup(pk));
    state.cursor = changes.cursor;
    return true;
  };

  /** @returns false when users have come to be missing, which times cannot tell */
  const byTime = async (signal: AbortSignal): Promise<boolean> => {
    const since = new Date(state.newest - overlapMs).toISOString();
    const query = { last_updated__gt: since, ordering: 'last_updated' };
    await users(query, new RowSet(), signal);
    const { pagination } = await core.get('/core/users/', pageRow, { query: { page_size: 1 }, signal });
    if (pagination.count !== directory.users.count) return false;
    await removeOthers(undefined, await complete((seen) => groups(seen, signal)));
    return true;
  };

  return {
    async refresh(signal) {
      const { fullAtMs, cursor } = state;
      const isDue = fullAtMs === undefined || clock.monotonicMs() - fullAtMs >= fullEveryMs;
      const done = !isDue && (cursor === undefined ? await byTime(signal) : await byCursor(cursor, signal));
      if (!done) await full(signal);
    },
  };
}

const stretchMs = 2;

/** For some time at a stretch; a row is changed whole. */
async function inTurns<Row>(rows: readonly Row[], change: (row: Row) => void): Promise<void> {
  const turn = stretches(stretchMs);
  for (const row of rows) {
    change(row);
    await turn();
  }
}

interface State {
  fullAtMs: number | undefined;
  /** Only our own core gives one. */
  cursor: string | undefined;
  /** The latest `last_updated` that was seen. */
  newest: number;
}

async function cursorOf(core: CoreClient, signal: AbortSignal): Promise<string | undefined> {
  return (await unlessStock(core.get('/outposts/sync/', syncRow, { signal })))?.cursor;
}

async function unlessStock<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isGatewayError(error) && stock.has(error.code)) return undefined;
    throw error;
  }
}

/** How a core answers that has no such endpoint, or does not let the service account at it. */
const stock: ReadonlySet<string> = new Set([
  'ERR_CONTRACT_NOT_FOUND',
  'ERR_CONTRACT_REFUSED',
  'ERR_CONTRACT_FORBIDDEN',
]);

/** What was seen, or `undefined` when no attempt saw as many rows as the core says there are. */
async function complete(read: (seen: RowSet) => Promise<number>): Promise<RowSet | undefined> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const seen = new RowSet();
    if ((await read(seen)) <= seen.size) return seen;
  }
  return undefined;
}
