// Sessions in Redis or Valkey, shared by all replicas (proxy.md §17.5): one key per session with its end, one index per user
// and per core session, scripts so that every change is whole, and a channel on which removals are told.
import { type Clock, supervise } from '@gatehouse/daemon/async';
import type { Secret } from '@gatehouse/daemon/config';
import type { Logger } from '@gatehouse/daemon/log';
import { z } from 'zod';
import { proxyError } from '../errors.ts';
import type { SessionKey } from './record.ts';
import { connectRedis, type RedisConnection, type Reply } from './redis-connection.ts';
import type { RemovalListener, SessionStore, StoredSession, StoreLimits } from './store.ts';

export interface RedisStoreOptions {
  readonly url: Secret;
  readonly clock: Clock;
  readonly limits: StoreLimits;
  readonly log: Logger;
}

const channel = 'akp1:removed';
const bySid = (sid: string) => `akp1:sid:${sid}`;
const bySub = (sub: string) => `akp1:sub:${sub}`;
const lockOf = (key: SessionKey) => `akp1:lock:${key}`;

/**
 * KEYS: session, user index, core session index. ARGV: value, life in ms, creation, cap. Answers what the cap ended. Replicas
 * that remember what was there before are told, and read it again.
 */
const setScript = `
if redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'GET') then redis.call('PUBLISH', '${channel}', KEYS[1]) end
for _, key in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if redis.call('EXISTS', key) == 0 then redis.call('ZREM', KEYS[2], key) end
end
redis.call('ZADD', KEYS[2], ARGV[3], KEYS[1])
local gone = redis.call('ZRANGE', KEYS[2], 0, -1 - tonumber(ARGV[4]))
for _, key in ipairs(gone) do redis.call('DEL', key); redis.call('ZREM', KEYS[2], key) end
if KEYS[3] then redis.call('ZADD', KEYS[3], ARGV[3], KEYS[1]) end
for index = 2, #KEYS do
  if redis.call('PTTL', KEYS[index]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[index], ARGV[2]) end
end
if #gone > 0 then redis.call('PUBLISH', '${channel}', table.concat(gone, ',')) end
return gone`;
/** KEYS: an index. Answers the sessions that were still there. */
const removeScript = `
local gone = {}
for _, key in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if redis.call('DEL', key) == 1 then gone[#gone + 1] = key end
end
redis.call('DEL', KEYS[1])
if #gone > 0 then redis.call('PUBLISH', '${channel}', table.concat(gone, ',')) end
return gone`;

const valueSchema = z.object({
  sub: z.string(),
  sid: z.string().optional(),
  createdAtMs: z.number(),
  expiresAtMs: z.number(),
  sealed: z.base64(),
});

/** @throws GatewayError `ERR_PROXY_SESSION_STORE` when it cannot be reached */
export async function openRedisStore(options: RedisStoreOptions): Promise<SessionStore> {
  const store = new RedisStore(options);
  await store.open();
  return store;
}

class RedisStore implements SessionStore {
  readonly kind = 'redis';
  readonly #options: RedisStoreOptions;
  readonly #listeners: RemovalListener[] = [];
  readonly #ending = new AbortController();
  #connecting: Promise<RedisConnection> | undefined;
  #watching: Promise<void> = Promise.resolve();
  #isWatching = false;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    await this.#call('PING');
    const { log, clock } = this.#options;
    const { signal } = this.#ending;
    await new Promise<void>((resolve) => {
      this.#watching = supervise(log, 'session notices', (ending) => this.#watch(ending, resolve), { signal, clock });
    });
  }

  async get(key: SessionKey): Promise<StoredSession | undefined> {
    const reply = await this.#call('GET', key);
    const row = typeof reply === 'string' ? valueSchema.safeParse(parseJson(reply)).data : undefined;
    if (row === undefined || row.expiresAtMs <= this.#options.clock.now()) return undefined;
    return { ...row, sid: row.sid, sealed: Buffer.from(row.sealed, 'base64') };
  }

  async set(key: SessionKey, session: StoredSession): Promise<void> {
    const { clock, limits } = this.#options;
    const value = JSON.stringify({ ...session, sealed: Buffer.from(session.sealed).toString('base64') });
    const lifeMs = Math.max(1, Math.ceil(session.expiresAtMs - clock.now()));
    const keys = [key, bySub(session.sub), ...(session.sid === undefined ? [] : [bySid(session.sid)])];
    await this.#call('EVAL', setScript, keys.length, ...keys, value, lifeMs, session.createdAtMs, limits.perUserCap);
  }

  async delete(key: SessionKey): Promise<void> {
    await this.#call('DEL', key);
    await this.#call('PUBLISH', channel, key);
  }

  deleteBySid(sid: string): Promise<readonly SessionKey[]> {
    return this.#remove(bySid(sid));
  }

  deleteBySub(sub: string): Promise<readonly SessionKey[]> {
    return this.#remove(bySub(sub));
  }

  /** Looks at every key: for metrics at rare intervals. */
  async count(): Promise<number> {
    let cursor = '0';
    let found = 0;
    do {
      const reply = await this.#call('SCAN', cursor, 'MATCH', 'akp1:[0-9a-f]*', 'COUNT', 1_000);
      const [next, keys] = Array.isArray(reply) ? reply : [];
      cursor = String(next ?? '0');
      found += Array.isArray(keys) ? keys.filter((key) => /^akp1:[\da-f]{64}$/.test(String(key))).length : 0;
    } while (cursor !== '0');
    return found;
  }

  async lock(key: SessionKey, ttlMs: number): Promise<boolean> {
    return (await this.#call('SET', lockOf(key), '1', 'NX', 'PX', ttlMs)) === 'OK';
  }

  async unlock(key: SessionKey): Promise<void> {
    await this.#call('DEL', lockOf(key));
  }

  onRemoved(listener: RemovalListener): void {
    this.#listeners.push(listener);
  }

  isWatching(): boolean {
    return this.#isWatching;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#watching;
    const connection = await this.#connecting?.catch(() => undefined); // never came about: nothing to close
    connection?.close();
    await connection?.closed;
  }

  async #remove(index: string): Promise<readonly SessionKey[]> {
    const reply = await this.#call('EVAL', removeScript, 1, index);
    return Array.isArray(reply) ? reply.map((key) => String(key) as SessionKey) : []; // what `set` put into the index
  }

  async #call(...parts: readonly (string | number)[]): Promise<Reply> {
    try {
      const connection = await this.#connect();
      return await connection.command(...parts);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw proxyError('ERR_PROXY_SESSION_STORE', `Redis did not do its part for sessions: ${reason}.`, cause);
    }
  }

  /** One connection for all commands; a new one after the old has ended. */
  #connect(): Promise<RedisConnection> {
    if (this.#connecting !== undefined) return this.#connecting;
    const connecting = connectRedis(this.#options.url.reveal(), () => undefined);
    const forget = () => {
      if (this.#connecting === connecting) this.#connecting = undefined;
    };
    this.#connecting = connecting;
    connecting.then((connection) => connection.closed.then(forget), forget);
    return connecting;
  }

  async #watch(signal: AbortSignal, onFirst: () => void): Promise<void> {
    const told = (_: string, message: string) => this.#tell(message.split(',') as SessionKey[]); // keys of our scripts
    const connection = await connectRedis(this.#options.url.reveal(), told);
    const close = () => connection.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      await connection.command('SUBSCRIBE', channel);
      // What was ended while nobody listened is unknown.
      this.#tell('all');
      this.#isWatching = true;
      onFirst();
      const reason = await connection.closed;
      if (!signal.aborted) throw reason;
    } finally {
      signal.removeEventListener('abort', close);
      this.#isWatching = false;
      this.#tell('all');
      close();
    }
  }

  #tell(keys: readonly SessionKey[] | 'all'): void {
    for (const listener of this.#listeners) listener(keys);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not ours: no session
  }
}
