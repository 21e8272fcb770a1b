// The database: one pool, composed queries by kysely, migrations under an advisory lock, and notifications between core
// processes. The one file that imports pg.
import type { Logger } from '@gatehouse/daemon/log';
import { Kysely, type Migration, type MigrationProvider, Migrator, PostgresDialect } from 'kysely';
import pg from 'pg';
import { coreError } from '../errors.ts';
import * as firstFloor from './migrations/0001-first-floor.ts';
import * as oauth from './migrations/0002-oauth.ts';
import * as flows from './migrations/0003-flows.ts';
import * as administration from './migrations/0004-administration.ts';
import * as directoryChanges from './migrations/0005-directory-changes.ts';
import * as devices from './migrations/0006-devices.ts';
import * as oauthParticipants from './migrations/0007-oauth-participants.ts';
import type { Tables } from './tables.ts';

const migrations: Readonly<Record<string, Migration>> = {
  '0001-first-floor': firstFloor,
  '0002-oauth': oauth,
  '0003-flows': flows,
  '0004-administration': administration,
  '0005-directory-changes': directoryChanges,
  '0006-devices': devices,
  '0007-oauth-participants': oauthParticipants,
};
const connectTimeoutMs = 5_000;
const statementTimeoutMs = 30_000;
const relaxedSize = 5;

export type ConnectionSettings =
  | { readonly connectionString: string }
  | {
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly database: string;
      readonly password?: string;
    };

export interface Database {
  readonly kysely: Kysely<Tables>;
  /**
   * The same tables without waiting for the disk: for rows whose last moments may be lost with the power, such as where a
   * visitor is in a flow. What is written is seen by everybody at once.
   */
  readonly relaxed: Kysely<Tables>;
  /** Sends a text of up to 8000 bytes to every core process on this database. */
  notify(channel: Channel, payload: string): Promise<void>;
  /** Calls `onPayload` for each notification, also of this process; reconnects by itself. */
  listen(channel: Channel, onPayload: (payload: string) => void): Promise<void>;
  isReachable(): Promise<boolean>;
  close(): Promise<void>;
}
export type Channel = 'directory_changed' | 'outpost_message' | 'settings_changed' | 'task_queued';

export interface DatabaseOptions {
  readonly settings: ConnectionSettings;
  readonly log: Logger;
  readonly poolSize?: number;
}

/** Connects and brings the schema up to date. @throws GatewayError `ERR_CORE_DATABASE` */
export async function openDatabase({ settings, log, poolSize = 20 }: DatabaseOptions): Promise<Database> {
  const poolSettings = {
    ...settings,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    application_name: 'gatehouse',
  };
  const pool = createPool({ ...poolSettings, max: poolSize }, log);
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
  const relaxedPool = createPool({ ...poolSettings, max: relaxedSize, options: '-c synchronous_commit=off' }, log);
  const relaxed = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: relaxedPool }) });
  const listener = createListener(settings, log);
  return {
    kysely,
    relaxed,
    async notify(channel, payload) {
      await pool.query('select pg_notify($1, $2)', [channel, payload]);
    },
    listen: (channel, onPayload) => listener.listen(channel, onPayload),
    isReachable: () =>
      pool.query('select 1').then(
        () => true,
        () => false,
      ),
    async close() {
      await listener.close();
      await relaxed.destroy();
      await kysely.destroy();
    },
  };
}

function createPool(settings: pg.PoolConfig, log: Logger): pg.Pool {
  const pool = new pg.Pool(settings);
  pool.on('error', (error) => log.warn('database connection lost', { error: error.message }));
  // The pool listens to idle connections only. One that is lost while it is lent out fails its query, which reports it;
  // without a listener it would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

async function migrate(kysely: Kysely<Tables>): Promise<void> {
  const provider: MigrationProvider = { getMigrations: async () => ({ ...migrations }) };
  const { error } = await new Migrator({ db: kysely, provider }).migrateToLatest();
  if (error !== undefined) throw error;
}

/** One connection of its own, since LISTEN belongs to a connection; opened again when it is lost. */
function createListener(settings: ConnectionSettings, log: Logger) {
  const subscriptions: [Channel, (payload: string) => void][] = [];
  let client: pg.Client | undefined;
  let closed = false;
  let retry: NodeJS.Timeout | undefined;
  const connect = async (): Promise<void> => {
    const fresh = new pg.Client({
      ...settings,
      connectionTimeoutMillis: connectTimeoutMs,
      application_name: 'gatehouse listen',
    });
    fresh.on('notification', ({ channel, payload }) => {
      for (const [name, onPayload] of subscriptions) if (name === channel) onPayload(payload ?? '');
    });
    fresh.on('error', (error) => {
      log.warn('database notifications lost', { error: error.message });
      client = undefined;
      schedule();
    });
    await fresh.connect();
    for (const [name] of subscriptions) await fresh.query(`listen ${name}`);
    client = fresh;
  };
  const schedule = () => {
    if (!closed) retry = setTimeout(() => connect().catch(schedule), 500);
  };
  return {
    async listen(channel: Channel, onPayload: (payload: string) => void) {
      subscriptions.push([channel, onPayload]);
      if (client === undefined) await connect();
      else await client.query(`listen ${channel}`);
    },
    async close() {
      closed = true;
      clearTimeout(retry);
      await client?.end();
    },
  };
}
