// Tells outposts that asked for it what has changed (core.md §23.2). Each core process follows the log for its own sockets;
// the database wakes all of them with each commit. Names only: the rows are fetched by whoever needs them.
import type { DeltaArguments } from '@gatehouse/contract/control-channel';
import type { Logger } from '@gatehouse/daemon/log';
import type { Database } from '../database/connection.ts';
import { changesSince, type LoggedChange } from './change-log.ts';

/** The first commit is told of at once; those that follow within this time are told of together. */
const gatherMs = 50;
/** Beyond this an outpost had better look at everything. */
const mostNamed = 500;

export interface DeltaFeed {
  close(): Promise<void>;
}

export async function followChanges(
  database: Database,
  log: Logger,
  push: (delta: DeltaArguments) => void,
): Promise<DeltaFeed> {
  let { cursor } = await changesSince(database, undefined);
  let told = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let closed = false;
  let toldMs = Number.NEGATIVE_INFINITY;

  const tell = async (): Promise<void> => {
    const since = cursor;
    const found = await changesSince(database, since);
    cursor = found.cursor;
    const fresh = found.changes?.filter(({ seq }) => !told.has(seq));
    // What a transaction that is still open holds back is read again next time, and told once.
    told = new Set(found.changes?.map(({ seq }) => seq));
    const delta = deltaOf(since, found.cursor, fresh);
    if (delta.all || delta.access || delta.users.length + delta.groups.length > 0) push(delta);
  };
  const wake = () => {
    const waitMs = Math.max(0, toldMs + gatherMs - performance.now());
    timer ??= setTimeout(() => {
      timer = undefined;
      toldMs = performance.now();
      running = running.then(tell).catch((error: unknown) => {
        log.warn('changes not told', { error: error instanceof Error ? error.message : String(error) });
        if (!closed) wake();
      });
    }, waitMs);
  };
  await database.listen('directory_changed', wake);
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}

function deltaOf(since: string, to: string, changes: readonly LoggedChange[] | undefined): DeltaArguments {
  const keys = (kind: LoggedChange['kind']) => [
    ...new Set(changes?.filter((change) => change.kind === kind).map(({ key }) => key)),
  ];
  const users = keys('user').map(Number);
  const groups = keys('group');
  const all = changes === undefined || users.length + groups.length > mostNamed;
  return {
    sub_type: 'delta',
    since,
    to,
    all,
    users: all ? [] : users,
    groups: all ? [] : groups,
    access: all || changes.some(({ kind }) => kind === 'binding' || kind === 'provider'),
  };
}
