// Sessions that are kept nowhere (proxy.md §17.5): the sealed record is the cookie itself, so they survive restarts, need no
// disk and no stickiness, and any replica with the same providers can read them. What is kept is what ended: a revocation
// set, in memory and appended to a file, that every record is held against. Other replicas hear of the ends of core sessions
// by the control channel themselves, and ask the core about each session once after they have missed some. For the cap per
// user it notes, in memory only, which sessions were begun or used here: the oldest above it are ended, on whichever replica
// they are used, so all replicas come to end the same ones. One that is never used again is never counted.
import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import { z } from 'zod';
import { proxyError } from '../errors.ts';
import { NotedSessions } from './noted-sessions.ts';
import type { SessionKey } from './record.ts';
import type { CarriedSession, RemovalListener, SessionStore, StoredSession, StoreLimits } from './store.ts';

export interface CookieStoreOptions {
  /** Folder of the revocation file. */
  readonly path: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly limits: StoreLimits;
  readonly log: Logger;
}

/** Longer than any session lives. */
const keptMs = 31 * 24 * 3_600_000;
const mostRevocations = 1_000_000;

const line = z.object({ kind: z.enum(['key', 'sid', 'sub']), name: z.string(), atMs: z.number() });
type Line = z.infer<typeof line>;

/** @throws GatewayError `ERR_PROXY_SESSION_STORE` when the revocation file cannot be used: what ended would live again */
export async function openCookieStore(options: CookieStoreOptions): Promise<SessionStore> {
  const store = new CookieStore(options);
  await store.open();
  return store;
}

class CookieStore implements SessionStore {
  readonly kind = 'cookie';
  readonly #options: CookieStoreOptions;
  readonly #file: string;
  /** When each was ended, by `kind name`, in order. */
  readonly #ended = new Map<string, number>();
  readonly #noted: NotedSessions;
  readonly #listeners: RemovalListener[] = [];

  constructor(options: CookieStoreOptions) {
    this.#options = options;
    this.#noted = new NotedSessions(options.limits);
    this.#file = join(options.path, 'revocations');
  }

  async open(): Promise<void> {
    const { path, clock } = this.#options;
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      const oldest = clock.now() - keptMs;
      const known = (await this.#readLines()).filter(({ atMs }) => atMs > oldest);
      for (const { kind, name, atMs } of known) this.#ended.set(`${kind} ${name}`, atMs);
      await writeFile(`${this.#file}.new`, known.map(text).join(''), { mode: 0o600 });
      await rename(`${this.#file}.new`, this.#file);
    } catch (cause) {
      throw proxyError('ERR_PROXY_SESSION_STORE', `Cannot use ${path} for revocations: ${String(cause)}`, cause);
    }
  }

  isAdmitted(session: CarriedSession): boolean {
    if (this.#isRevoked(session)) return false;
    const above = this.#noted.note(session, this.#options.clock.now());
    for (const key of above) void this.#end('key', key);
    if (above.length > 0) for (const listener of this.#listeners) listener(above);
    return !above.includes(session.key);
  }

  onRemoved(listener: RemovalListener): void {
    this.#listeners.push(listener);
  }

  async get(): Promise<undefined> {
    return undefined; // a record comes with its cookie, or not at all
  }

  async set(key: SessionKey, { sub, sid, createdAtMs, expiresAtMs }: StoredSession): Promise<void> {
    this.isAdmitted({ key, sub, sid, createdAtMs, expiresAtMs });
  }

  delete(key: SessionKey): Promise<void> {
    this.#noted.forget(key);
    return this.#end('key', key);
  }

  deleteBySid(sid: string): Promise<readonly SessionKey[]> {
    return this.#endAll({ kind: 'sid', name: sid }, this.#noted.ofSid(sid));
  }

  deleteBySub(sub: string): Promise<readonly SessionKey[]> {
    return this.#endAll({ kind: 'sub', name: sub }, this.#noted.ofSub(sub));
  }

  /** Of those that were begun or used here; nobody knows of the others. */
  async count(): Promise<number> {
    return this.#noted.count(this.#options.clock.now());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.clear();
  }

  #isRevoked({ key, sub, sid, createdAtMs }: CarriedSession): boolean {
    if (this.#ended.has(`key ${key}`) || (sid !== undefined && this.#ended.has(`sid ${sid}`))) return true;
    return (this.#ended.get(`sub ${sub}`) ?? Number.NEGATIVE_INFINITY) >= createdAtMs;
  }

  async #endAll({ kind, name }: Pick<Line, 'kind' | 'name'>, known: readonly SessionKey[]) {
    for (const key of known) this.#noted.forget(key);
    await this.#end(kind, name);
    return known;
  }

  /** In force at once; a file that cannot be written is told, since a restart would forget. */
  async #end(kind: Line['kind'], name: string): Promise<void> {
    const ended: Line = { kind, name, atMs: this.#options.clock.now() };
    this.#ended.delete(`${kind} ${name}`);
    this.#ended.set(`${kind} ${name}`, ended.atMs);
    this.#prune();
    await appendFile(this.#file, text(ended), { mode: 0o600 }).catch((error: unknown) => {
      const hint = 'What ends now is refused until the next restart only.';
      this.#options.log.error('revocation not written', { path: this.#file, error: String(error), hint });
    });
  }

  #prune(): void {
    const oldest = this.#options.clock.now() - keptMs;
    for (const [name, atMs] of this.#ended) {
      if (atMs > oldest && this.#ended.size <= mostRevocations) return;
      this.#ended.delete(name);
    }
  }

  async #readLines(): Promise<Line[]> {
    const content = await readFile(this.#file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    return content.split('\n').flatMap((written) => {
      const read = line.safeParse(parseJson(written)).data;
      return read === undefined ? [] : [read];
    });
  }
}

function text(ended: Line): string {
  return `${JSON.stringify(ended)}\n`;
}

function parseJson(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return undefined; // the last line of a process that was killed in the middle of it
  }
}
