// A unit of work: one transaction, and what changed in it. Nobody hears of changes before the commit, and of none after a
// rollback.
import type { Kysely, Transaction } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';
import type { ModelId } from './field.ts';
import type { Row } from './model.ts';

export type Connection = Kysely<Tables> | Transaction<Tables>;

export interface Change {
  readonly model: ModelId;
  readonly action: 'created' | 'updated' | 'deleted';
  readonly row: Row;
  readonly key: string | number;
  /** Names of the fields that were given. */
  readonly fields: readonly string[];
}

export interface Unit {
  readonly deps: CoreDeps;
  readonly db: Transaction<Tables>;
  readonly changes: Change[];
  /** Run after the commit, in order. */
  readonly afterwards: (() => Promise<void>)[];
}

export interface Author {
  readonly userPk: number | undefined;
  readonly username: string;
  readonly clientIp: string | undefined;
}

/** The core itself: start-up, blueprints, tasks. */
export const coreItself: Author = { userPk: undefined, username: 'authentik:system', clientIp: undefined };

/** Runs `work` in a transaction, then tells of its changes. */
export async function inUnit<T>(deps: CoreDeps, author: Author, work: (unit: Unit) => Promise<T>): Promise<T> {
  const changes: Change[] = [];
  const afterwards: (() => Promise<void>)[] = [];
  const result = await deps.database.kysely.transaction().execute((db) => work({ deps, db, changes, afterwards }));
  for (const step of afterwards) await step();
  if (changes.length > 0) await deps.announce(changes, author);
  return result;
}
