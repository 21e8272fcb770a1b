// A unit of work: one transaction, and what changed in it. Nobody hears of changes before the commit, and of none after a
// rollback.
import type { Kysely, Transaction } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';
import type { Principal } from '../identity/permissions.ts';
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
  /** What an update changed, by name of the field; values of secrets are not in it. */
  readonly difference: Difference;
}

export type Difference = Readonly<Record<string, { readonly previous_value: unknown; readonly new_value: unknown }>>;

export interface Unit {
  readonly deps: CoreDeps;
  readonly db: Transaction<Tables>;
  readonly author: Author;
  readonly changes: Change[];
  /** Run after the commit, in order. */
  readonly afterwards: (() => Promise<void>)[];
}

export interface Author {
  readonly userPk: number | undefined;
  readonly username: string;
  readonly email?: string;
  readonly clientIp: string | undefined;
  /** Set for calls of the REST API: some fields need rights of their own. */
  readonly principal?: Principal;
  /** The session that asks. */
  readonly sessionId?: string;
  /** The request that made the change. */
  readonly request?: RequestFacts;
  /** What made the change without anybody asking: a blueprint, a schedule. */
  readonly cause?: string;
}

/** What events keep of a request (core.md §20.1). */
export interface RequestFacts {
  readonly path: string;
  readonly method: string;
  readonly args: Readonly<Record<string, string>>;
  readonly user_agent: string;
  readonly request_id: string;
  readonly host: string;
}

/** The core itself: start-up, blueprints, tasks. */
export const coreItself: Author = { userPk: undefined, username: 'authentik:system', clientIp: undefined };

/** Runs `work` in a transaction, then tells of its changes. */
export async function inUnit<T>(deps: CoreDeps, author: Author, work: (unit: Unit) => Promise<T>): Promise<T> {
  const changes: Change[] = [];
  const afterwards: (() => Promise<void>)[] = [];
  const result = await deps.database.kysely
    .transaction()
    .execute((db) => work({ deps, db, author, changes, afterwards }));
  if (changes.length > 0) deps.epochs.changed();
  for (const step of afterwards) await step();
  if (changes.length > 0) await deps.announce(changes, author);
  return result;
}
