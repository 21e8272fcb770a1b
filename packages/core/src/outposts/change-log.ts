// The log of changes, read by cursor (core.md §23.2). A cursor is the number of the oldest transaction that was not over
// when it was taken: everything from there on is read again, so that nothing that was committed late is missed, and what
// has been seen already does no harm.
import { sql } from 'kysely';
import type { Database } from '../database/connection.ts';

export type ChangeKind = 'user' | 'group' | 'provider' | 'certificate' | 'binding' | 'session';

export interface LoggedChange {
  readonly seq: string;
  readonly kind: ChangeKind;
  readonly key: string;
}

export interface ChangesSince {
  readonly cursor: string;
  /** `undefined`: the log no longer reaches back so far. */
  readonly changes: readonly LoggedChange[] | undefined;
}

/** More than can be of use in pieces. */
const mostChanges = 1_000;
const keptDays = 7;

/** @param since a cursor; `undefined` only takes one */
export async function changesSince({ kysely }: Database, since: string | undefined): Promise<ChangesSince> {
  const { rows } = await sql<{ cursor: string; reaches: boolean }>`
    select pg_snapshot_xmin(pg_current_snapshot())::text as cursor,
      coalesce(${since ?? '0'}::xid8 >= (select xid from directory_changes_floor), false) as reaches`.execute(kysely);
  const cursor = rows[0]?.cursor ?? '0';
  if (since === undefined) return { cursor, changes: [] };
  if (rows[0]?.reaches !== true) return { cursor, changes: undefined };
  const found = await sql<LoggedChange>`
    select seq::text as seq, kind, key from directory_changes where xid >= ${since}::xid8
    order by directory_changes.seq limit ${mostChanges + 1}`.execute(kysely);
  return { cursor, changes: found.rows.length > mostChanges ? undefined : found.rows };
}

/** Forgets changes that are a week old. */
export async function sweepChanges({ kysely }: Database): Promise<void> {
  await sql`
    with gone as (
      delete from directory_changes where at < now() - make_interval(days => ${keptDays}) returning xid
    )
    update directory_changes_floor set xid = greatest(xid, (select max(xid::text::numeric)::text::xid8 from gone))
    where exists (select 1 from gone)`.execute(kysely);
}
