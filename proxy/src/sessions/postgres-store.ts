// Sessions in PostgreSQL, shared by all replicas (proxy.md §17.5): one table with indexes for both kinds of logout, and
// LISTEN/NOTIFY so that what one replica ends is forgotten by the others at once. The one file that imports pg.
import { type Clock, supervise } from '@gatehouse/daemon/async';
import type { Secret } from '@gatehouse/daemon/config';
import type { Logger } from '@gatehouse/daemon/log';
import { default as pg } from 'pg';
import { proxyError } from '../errors.ts';
import type { SessionKey } from './record.ts';
import type { RemovalListener, SessionStore, StoredSession, StoreLimits } from './store.ts';

export interface PostgresStoreOptions {
  readonly url: Secret;
  readonly clock: Clock;
  readonly limits: StoreLimits;
  readonly log: Logger;
}

const table = 'gatehouse_proxy_sessions';
const schema = `
  CREATE TABLE IF NOT EXISTS ${table} (
    key text PRIMARY KEY, sealed bytea NOT NULL, sub text NOT NULL, sid text,
    created_ms bigint NOT NULL, expires_ms bigint NOT NULL);
  ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS locked_until_ms bigint NOT NULL DEFAULT 0;
  CREATE INDEX IF NOT EXISTS ${table}_sub ON ${table} (sub, created_ms);
  CREATE INDEX IF NOT EXISTS ${table}_sid ON ${table} (sid) WHERE sid IS NOT NULL;
  CREATE INDEX IF NOT EXISTS ${table}_expires ON ${table} (expires_ms);`;
/** A notification holds 8,000 bytes. */
const keysPerNotice = 100;
const queryMs = 5_000;
const cleanEveryMs = 300_000;

/** Makes its table where it is missing. @throws GatewayError `ERR_PROXY_SESSION_STORE` */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<SessionStore> {
  const store = new PostgresStore(options);
  await store.open();
  return store;
}

class PostgresStore implements SessionStore {
  readonly kind = 'postgresql';
  readonly #options: PostgresStoreOptions;
  readonly #pool: pg.Pool;
  readonly #listeners: RemovalListener[] = [];
  readonly #ending = new AbortController();
  #background: Promise<unknown> = Promise.resolve();
  #isWatching = false;

  constructor(options: PostgresStoreOptions) {
    this.#options = options;
    const connectionString = options.url.reveal();
    this.#pool = new pg.Pool({ connectionString, max: 8, connectionTimeoutMillis: queryMs, query_timeout: queryMs });
    this.#pool.on('error', (error) => options.log.debug('idle database connection lost', { error: error.message }));
    // One that is lent out fails its query, which reports it; without a listener its loss would end the process.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  async open(): Promise<void> {
    await this.#query(schema, []);
    const { log, clock } = this.#options;
    const { signal } = this.#ending;
    const first = new Promise<void>((resolve) => {
      const watch = supervise(log, 'session notices', (ending) => this.#watch(ending, resolve), { signal, clock });
      const clean = supervise(log, 'session cleaning', (ending) => this.#clean(ending), { signal, clock });
      this.#background = Promise.all([watch, clean]);
    });
    await Promise.race([first, clock.sleep(queryMs, signal).catch(() => undefined)]); // closed meanwhile: nothing to wait for
  }

  async get(key: SessionKey): Promise<StoredSession | undefined> {
    const now = this.#options.clock.now();
    const { rows } = await this.#query(
      `SELECT sealed, sub, sid, created_ms, expires_ms FROM ${table} WHERE key = $1 AND expires_ms > $2`,
      [key, now],
    );
    return rows[0] === undefined ? undefined : sessionOf(rows[0]);
  }

  async set(key: SessionKey, session: StoredSession): Promise<void> {
    const { rows } = await this.#query(
      `INSERT INTO ${table} (key, sealed, sub, sid, created_ms, expires_ms) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (key) DO UPDATE SET sealed = EXCLUDED.sealed, sub = EXCLUDED.sub, sid = EXCLUDED.sid, expires_ms = EXCLUDED.expires_ms
       RETURNING xmax <> 0 AS is_update`,
      [key, Buffer.from(session.sealed), session.sub, session.sid ?? null, session.createdAtMs, session.expiresAtMs],
    );
    // Replicas that remember what was here before read it again.
    if (rows[0]?.['is_update'] === true) await this.#query('SELECT pg_notify($1, $2)', [table, key]);
    await this.#remove(
      `DELETE FROM ${table} WHERE key IN (SELECT key FROM ${table} WHERE sub = $1 ORDER BY created_ms DESC, key OFFSET $2) RETURNING key`,
      [session.sub, this.#options.limits.perUserCap],
    );
  }

  async delete(key: SessionKey): Promise<void> {
    await this.#remove(`DELETE FROM ${table} WHERE key = $1 RETURNING key`, [key]);
  }

  deleteBySid(sid: string): Promise<readonly SessionKey[]> {
    return this.#remove(`DELETE FROM ${table} WHERE sid = $1 RETURNING key`, [sid]);
  }

  deleteBySub(sub: string): Promise<readonly SessionKey[]> {
    return this.#remove(`DELETE FROM ${table} WHERE sub = $1 RETURNING key`, [sub]);
  }

  async count(): Promise<number> {
    const now = this.#options.clock.now();
    const { rows } = await this.#query(`SELECT count(*)::int AS count FROM ${table} WHERE expires_ms > $1`, [now]);
    return Number(rows[0]?.['count'] ?? 0);
  }

  async lock(key: SessionKey, ttlMs: number): Promise<boolean> {
    const now = this.#options.clock.now();
    const { rows } = await this.#query(
      `UPDATE ${table} SET locked_until_ms = $2 WHERE key = $1 AND locked_until_ms <= $3 RETURNING key`,
      [key, now + ttlMs, now],
    );
    return rows.length > 0;
  }

  async unlock(key: SessionKey): Promise<void> {
    await this.#query(`UPDATE ${table} SET locked_until_ms = 0 WHERE key = $1`, [key]);
  }

  onRemoved(listener: RemovalListener): void {
    this.#listeners.push(listener);
  }

  isWatching(): boolean {
    return this.#isWatching;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#background;
    await this.#pool.end();
  }

  async #remove(text: string, values: readonly unknown[]): Promise<readonly SessionKey[]> {
    const { rows } = await this.#query(text, values);
    const keys = rows.map((row) => String(row['key']) as SessionKey); // the column holds what `set` was given
    for (let at = 0; at < keys.length; at += keysPerNotice) {
      await this.#query('SELECT pg_notify($1, $2)', [table, keys.slice(at, at + keysPerNotice).join(',')]);
    }
    return keys;
  }

  async #query(text: string, values: readonly unknown[]): Promise<{ readonly rows: readonly Row[] }> {
    try {
      // Without values the text goes as one simple query, which may hold several statements.
      return values.length === 0 ? await this.#pool.query(text) : await this.#pool.query(text, [...values]);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw proxyError('ERR_PROXY_SESSION_STORE', `PostgreSQL did not do its part for sessions: ${reason}.`, cause);
    }
  }

  /** Holds one connection for notices until it breaks or we end. */
  async #watch(signal: AbortSignal, onFirst: () => void): Promise<void> {
    const client = new pg.Client({ connectionString: this.#options.url.reveal(), keepAlive: true });
    let stop = () => {};
    const broken = new Promise<never>((_, reject) => {
      client.on('error', reject);
      client.on('end', () => reject(new Error('the connection ended')));
      stop = () => reject(signal.reason);
    });
    signal.addEventListener('abort', stop, { once: true });
    broken.catch(() => undefined); // also awaited below; this one is for a break during connect
    client.on('notification', ({ payload = '' }) => this.#tell(payload.split(',') as SessionKey[])); // keys of `#remove`
    try {
      await client.connect();
      await client.query(`LISTEN ${table}`);
      // What was ended while nobody listened is unknown.
      this.#tell('all');
      this.#isWatching = true;
      onFirst();
      await broken;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#isWatching = false;
      this.#tell('all');
      await client.end().catch(() => undefined); // it is broken already
    }
  }

  async #clean(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(cleanEveryMs, signal);
      await this.#query(`DELETE FROM ${table} WHERE expires_ms <= $1`, [this.#options.clock.now()]);
    }
  }

  #tell(keys: readonly SessionKey[] | 'all'): void {
    for (const listener of this.#listeners) listener(keys);
  }
}

type Row = Readonly<Record<string, unknown>>;

function sessionOf(row: Row): StoredSession {
  const { sealed } = row;
  return {
    sealed: Buffer.isBuffer(sealed) ? sealed : Buffer.alloc(0),
    sub: String(row['sub']),
    sid: typeof row['sid'] === 'string' ? row['sid'] : undefined,
    createdAtMs: Number(row['created_ms']),
    expiresAtMs: Number(row['expires_ms']),
  };
}
