// Sessions in files that survive a restart (case 99): the memory store in front answers every read, each change is written
// through by an atomic rename. The files hold only what is sealed, plus the index fields; mode 0600, no fsync, since losing
// the last second costs a silent login. Workers of one daemon share a directory: what one has not in memory it looks for.
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import { z } from 'zod';
import { proxyError } from '../errors.ts';
import { createMemoryStore } from './memory-store.ts';
import type { SessionKey } from './record.ts';
import type { SessionStore, StoredSession, StoreLimits } from './store.ts';

export interface DirectoryStoreOptions {
  readonly path: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly limits: StoreLimits;
  readonly log: Logger;
}

/** Reads what an earlier process left; damaged and ended files are removed. @throws GatewayError `ERR_PROXY_SESSION_STORE` */
export async function openDirectoryStore(options: DirectoryStoreOptions): Promise<SessionStore> {
  const { path, clock, limits, log } = options;
  /** Files that are on their way out: a session must not be found in one again. */
  const leaving = new Set<Promise<void>>();
  const forget = (key: SessionKey) => {
    const removal = rm(fileOf(path, key), { force: true })
      .catch((error: unknown) =>
        log.warn('session file not removed', { path: fileOf(path, key), error: String(error) }),
      )
      .finally(() => leaving.delete(removal));
    leaving.add(removal);
  };
  const memory = createMemoryStore(clock, limits, forget);
  await load(options, memory).catch((cause: unknown) => {
    throw proxyError('ERR_PROXY_SESSION_STORE', `Cannot use ${path} for sessions: ${String(cause)}`, cause);
  });
  const remove = async (keys: readonly SessionKey[]) => {
    await Promise.all(keys.map((key) => rm(fileOf(path, key), { force: true })));
    return keys;
  };
  /** Another worker may have written it. */
  const readAgain = async (key: SessionKey) => {
    const session = await readSession(fileOf(path, key));
    if (session === undefined || session.expiresAtMs <= clock.now()) return undefined;
    await memory.set(key, session);
    return session;
  };
  return {
    kind: 'directory',
    async get(key) {
      return (await memory.get(key)) ?? (await readAgain(key));
    },
    reread: (key) => memory.delete(key),
    lock: (key, ttlMs) => lockFile(`${fileOf(path, key)}.lock`, ttlMs, clock),
    unlock: (key) => rm(`${fileOf(path, key)}.lock`, { force: true, recursive: true }),
    async set(key, session) {
      await writeSession(path, key, session).catch((cause: unknown) => {
        throw proxyError('ERR_PROXY_SESSION_STORE', `Cannot write a session to ${path}: ${String(cause)}`, cause);
      });
      await memory.set(key, session);
      await Promise.all(leaving);
    },
    async delete(key) {
      await memory.delete(key);
      await remove([key]);
    },
    deleteBySid: async (sid) => remove(await memory.deleteBySid(sid)),
    deleteBySub: async (sub) => remove(await memory.deleteBySub(sub)),
    count: () => memory.count(),
    [Symbol.asyncDispose]: () => memory[Symbol.asyncDispose](),
  };
}

const fileSchema = z.object({
  sub: z.string(),
  sid: z.string().optional(),
  createdAtMs: z.number(),
  expiresAtMs: z.number(),
  sealed: z.base64(),
});

async function load({ path, clock }: DirectoryStoreOptions, memory: SessionStore): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const found: { key: SessionKey; session: StoredSession }[] = [];
  for (const shard of await readdir(path)) {
    if (!/^[\da-f]{2}$/.test(shard)) continue;
    for (const name of await readdir(join(path, shard))) {
      const session = await readSession(join(path, shard, name));
      const isOurs = /^[\da-f]{64}$/.test(name);
      if (isOurs && session !== undefined && session.expiresAtMs > clock.now()) {
        found.push({ key: `akp1:${name}` as SessionKey, session }); // the file's name is what `fileOf` made of a key
      } else await rm(join(path, shard, name), { force: true, recursive: true });
    }
  }
  found.sort((one, other) => one.session.createdAtMs - other.session.createdAtMs);
  for (const { key, session } of found) await memory.set(key, session);
}

async function readSession(file: string): Promise<StoredSession | undefined> {
  try {
    const row = fileSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    return { ...row, sid: row.sid, sealed: Buffer.from(row.sealed, 'base64') };
  } catch {
    return undefined; // damaged, or not ours: the caller removes it
  }
}

async function writeSession(path: string, key: SessionKey, session: StoredSession): Promise<void> {
  const file = fileOf(path, key);
  const draft = `${file}.${randomBytes(4).toString('hex')}`;
  const text = JSON.stringify({ ...session, sealed: Buffer.from(session.sealed).toString('base64') });
  await mkdir(join(file, '..'), { recursive: true, mode: 0o700 });
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, file);
}

function fileOf(path: string, key: SessionKey): string {
  const hash = key.slice('akp1:'.length);
  return join(path, hash.slice(0, 2), hash);
}

/** A folder can be made once: the one who made it holds the lock, until it is older than its life. */
async function lockFile(path: string, ttlMs: number, clock: Pick<Clock, 'now'>): Promise<boolean> {
  try {
    await mkdir(path);
    await utimes(path, clock.now() / 1000, clock.now() / 1000);
    return true;
  } catch {
    const heldSinceMs = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined, // released just now: the next attempt gets it
    );
    if (heldSinceMs !== undefined && clock.now() - heldSinceMs > ttlMs)
      await rm(path, { force: true, recursive: true });
    return false;
  }
}
