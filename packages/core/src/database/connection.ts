// The database: one pool, composed queries by kysely, prepared statements for what every request asks, migrations under an
// advisory lock, and notifications between core processes. The one file that imports pg.
import type { Logger } from '@gatehouse/daemon/log';
import type { Reading } from '@gatehouse/daemon/metrics';
import { Kysely, type Migration, type MigrationProvider, Migrator, PostgresDialect } from 'kysely';
import pg from 'pg';
import { coreError } from '../errors.ts';
import { type Channel, createListener, type Listener } from './listener.ts';
import * as firstFloor from './migrations/0001-first-floor.ts';
import * as oauth from './migrations/0002-oauth.ts';
import * as flows from './migrations/0003-flows.ts';
import * as administration from './migrations/0004-administration.ts';
import * as directoryChanges from './migrations/0005-directory-changes.ts';
import * as devices from './migrations/0006-devices.ts';
import * as oauthParticipants from './migrations/0007-oauth-participants.ts';
import * as configurationChanges from './migrations/0008-configuration-changes.ts';
import * as notificationsEntitlements from './migrations/0009-notifications-entitlements.ts';
import * as notificationRulesTold from './migrations/0010-notification-rules-told.ts';
import * as leanGrants from './migrations/0011-lean-grants.ts';
import * as outpostAccounts from './migrations/0012-outpost-accounts.ts';
import * as deviceGrants from './migrations/0013-device-grants.ts';
import * as largeInstallations from './migrations/0014-large-installations.ts';
import * as sessionsAtAddresses from './migrations/0015-sessions-at-addresses.ts';
import * as rotatedRefreshTokens from './migrations/0016-rotated-refresh-tokens.ts';
import { inOneWrite, type Send } from './one-write.ts';
import { PreparedQueries, PreparedQuery, type Value } from './prepared.ts';
import type { Tables } from './tables.ts';

const migrations: Readonly<Record<string, Migration>> = {
  '0001-first-floor': firstFloor,
  '0002-oauth': oauth,
  '0003-flows': flows,
  '0004-administration': administration,
  '0005-directory-changes': directoryChanges,
  '0006-devices': devices,
  '0007-oauth-participants': oauthParticipants,
  '0008-configuration-changes': configurationChanges,
  '0009-notifications-entitlements': notificationsEntitlements,
  '0010-notification-rules-told': notificationRulesTold,
  '0011-lean-grants': leanGrants,
  '0012-outpost-accounts': outpostAccounts,
  '0013-device-grants': deviceGrants,
  '0014-large-installations': largeInstallations,
  '0015-sessions-at-addresses': sessionsAtAddresses,
  '0016-rotated-refresh-tokens': rotatedRefreshTokens,
};
const connectTimeoutMs = 5_000;
const statementTimeoutMs = 30_000;
const relaxedSize = 5;
/** A connection that hears notifications and answers nothing for so long is lost. */
const silenceLimitMs = 2_000;

export type ConnectionSettings =
  | { readonly connectionString: string }
  | {
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly database: string;
      readonly password?: string;
    };

/** A statement that each connection reads and plans once. Rows are as `Row` says, which nobody checks. */
export interface Statement<Row> {
  readonly name: string;
  readonly text: string;
  /** Does not wait for the disk, as `relaxed` does not. */
  readonly isRelaxed?: boolean;
  /** Takes next to no time: those that are asked in one moment share a write and a transaction (one-write.ts). */
  readonly isBrief?: boolean;
  readonly row?: Row;
}

export interface Database extends Pick<Listener, 'listen' | 'onGap' | 'caughtUp'> {
  readonly kysely: Kysely<Tables>;
  /**
   * The same tables without waiting for the disk: for rows whose last moments may be lost with the power, such as where a
   * visitor is in a flow. What is written is seen by everybody at once.
   */
  readonly relaxed: Kysely<Tables>;
  /** Sends a text of up to 8000 bytes to every core process on this database. */
  notify(channel: Channel, payload: string): Promise<void>;
  /** Rows of a prepared statement; its values are `$1` and so on. */
  rows<Row>(statement: Statement<Row>, values: readonly Value[]): Promise<readonly Row[]>;
  isReachable(): Promise<boolean>;
  /** How many connections there are, by `state`: `open`, `idle`, and requests that are `waiting` for one. */
  connections(): readonly Reading[];
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly settings: ConnectionSettings;
  readonly log: Logger;
  readonly poolSize?: number;
  /** Told of each statement; for tests that count them. */
  readonly onStatement?: (text: string) => void;
}

/** Connects and brings the schema up to date. @throws GatewayError `ERR_CORE_DATABASE` */
export async function openDatabase({ settings, log, poolSize = 20, onStatement }: DatabaseOptions): Promise<Database> {
  const poolSettings = {
    ...settings,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    application_name: 'gatehouse',
  };
  const pool = createPool({ ...poolSettings, max: poolSize }, log, onStatement);
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  await migrate(kysely).catch(async (cause: unknown) => {
    await kysely.destroy();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw coreError(
      'ERR_CORE_DATABASE',
      `The database cannot be used: ${reason}.`,
      'Check AUTHENTIK_POSTGRESQL__* and that the server runs.',
      cause,
    );
  });
  const relaxedPool = createPool(
    { ...poolSettings, max: relaxedSize, options: '-c synchronous_commit=off' },
    log,
    onStatement,
  );
  const relaxed = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: relaxedPool }) });
  const wayTo = (to: pg.Pool) => {
    const send: Send = async (query) => to.query(query);
    return { alone: async (make: () => PreparedQuery) => to.query(make()), together: inOneWrite(send) };
  };
  const ways = { strict: wayTo(pool), relaxed: wayTo(relaxedPool) };
  const listening = { ...settings, connectionTimeoutMillis: connectTimeoutMs, query_timeout: silenceLimitMs };
  const listener = createListener(() => new pg.Client({ ...listening, application_name: 'gatehouse listen' }), log);
  return {
    kysely,
    relaxed,
    async notify(channel, payload) {
      await pool.query('select pg_notify($1, $2)', [channel, payload]);
    },
    async rows<Row>(statement: Statement<Row>, values: readonly Value[]) {
      const { isRelaxed = false, isBrief = false } = statement;
      const way = isRelaxed ? ways.relaxed : ways.strict;
      const make = () => new PreparedQuery(statement, values, pg.types.getTypeParser);
      try {
        const { rows } = await (isBrief ? way.together(make) : way.alone(make));
        return rows as unknown[] as Row[]; // the statement says so
      } catch (error) {
        if (!isStalePlan(error)) throw error;
        const from = isRelaxed ? relaxedPool : pool;
        return (await from.query<Row & pg.QueryResultRow>(statement.text, [...values])).rows;
      }
    },
    listen: listener.listen,
    onGap: listener.onGap,
    caughtUp: listener.caughtUp,
    isReachable: () =>
      pool.query('select 1').then(
        () => true,
        () => false,
      ),
    connections: () => readingsOf([pool, relaxedPool]),
    async close() {
      await listener.close();
      await relaxed.destroy();
      await kysely.destroy();
    },
  };
}

function readingsOf(pools: readonly pg.Pool[]): readonly Reading[] {
  const sum = (of: (pool: pg.Pool) => number) => pools.reduce((all, pool) => all + of(pool), 0);
  return [
    { labels: { state: 'open' }, value: sum(({ totalCount }) => totalCount) },
    { labels: { state: 'idle' }, value: sum(({ idleCount }) => idleCount) },
    { labels: { state: 'waiting' }, value: sum(({ waitingCount }) => waitingCount) },
  ];
}

function createPool(settings: pg.PoolConfig, log: Logger, onStatement?: (text: string) => void): pg.Pool {
  const pool = new pg.Pool(settings);
  pool.on('error', (error) => log.warn('database connection lost', { error: error.message }));
  // The pool listens to idle connections only. One that is lost while it is lent out fails its query, which reports it;
  // without a listener it would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  if (onStatement !== undefined) pool.on('connect', (client) => observe(client, onStatement));
  return pool;
}

/** A newer version of us has given a table another column: `select *` as it was planned means something else now. */
function isStalePlan(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '0A000';
}

/** Every way to send a statement ends in `query`, whose first argument is the text or holds it. */
function observe(client: pg.PoolClient, onStatement: (text: string) => void): void {
  const send = client.query;
  client.query = new Proxy(send, {
    apply(target, self, given: unknown[]) {
      const [first] = given;
      if (typeof first === 'string') onStatement(first);
      else if (first instanceof PreparedQueries) for (const { text } of first.queries) onStatement(text);
      else if (typeof first === 'object' && first !== null && 'text' in first) onStatement(String(first.text));
      return Reflect.apply(target, self, given);
    },
  });
}

async function migrate(kysely: Kysely<Tables>): Promise<void> {
  const provider: MigrationProvider = { getMigrations: async () => ({ ...migrations }) };
  const { error } = await new Migrator({ db: kysely, provider }).migrateToLatest();
  if (error !== undefined) throw error;
}
