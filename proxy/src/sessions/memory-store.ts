// Sessions in the memory of this process: the fastest store, and the index behind the directory store. Lost with the
// process; users are then logged in again silently as long as their session in the core lives.
import type { Clock } from '@gatehouse/daemon/async';
import { KeyIndex } from './key-index.ts';
import type { SessionKey } from './record.ts';
import type { SessionStore, StoredSession, StoreLimits } from './store.ts';

/** @param onDropped called for sessions that end by a cap or their age, after they are gone */
export function createMemoryStore(
  clock: Pick<Clock, 'now'>,
  limits: StoreLimits,
  onDropped: (key: SessionKey) => void = () => undefined,
): SessionStore {
  return new MemoryStore(clock, limits, onDropped);
}

class MemoryStore implements SessionStore {
  readonly kind = 'memory';
  readonly #clock: Pick<Clock, 'now'>;
  readonly #limits: StoreLimits;
  readonly #onDropped: (key: SessionKey) => void;
  /** In order of creation, which a Map keeps. */
  readonly #sessions = new Map<SessionKey, StoredSession>();
  readonly #bySid = new KeyIndex();
  readonly #bySub = new KeyIndex();

  constructor(clock: Pick<Clock, 'now'>, limits: StoreLimits, onDropped: (key: SessionKey) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#onDropped = onDropped;
  }

  async get(key: SessionKey): Promise<StoredSession | undefined> {
    const session = this.#sessions.get(key);
    if (session === undefined || session.expiresAtMs > this.#clock.now()) return session;
    this.#drop(key);
    return undefined;
  }

  async set(key: SessionKey, session: StoredSession): Promise<void> {
    this.#remove(key);
    this.#sessions.set(key, session);
    this.#bySub.add(session.sub, key);
    this.#bySid.add(session.sid, key);
    const ofUser = this.#bySub.of(session.sub);
    for (const oldest of ofUser.slice(0, Math.max(0, ofUser.length - this.#limits.perUserCap))) this.#drop(oldest);
    this.#makeRoom();
  }

  async delete(key: SessionKey): Promise<void> {
    this.#remove(key);
  }

  async deleteBySid(sid: string): Promise<readonly SessionKey[]> {
    return this.#removeAll(this.#bySid.of(sid));
  }

  async deleteBySub(sub: string): Promise<readonly SessionKey[]> {
    return this.#removeAll(this.#bySub.of(sub));
  }

  async count(): Promise<number> {
    return this.#sessions.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sessions.clear();
    this.#bySid.clear();
    this.#bySub.clear();
  }

  /** Over the cap: what is over goes first, then the oldest. */
  #makeRoom(): void {
    if (this.#sessions.size <= this.#limits.maxSessions) return;
    const now = this.#clock.now();
    for (const [key, session] of this.#sessions) if (session.expiresAtMs <= now) this.#drop(key);
    for (const key of this.#sessions.keys()) {
      if (this.#sessions.size <= this.#limits.maxSessions) return;
      this.#drop(key);
    }
  }

  #removeAll(keys: readonly SessionKey[]): readonly SessionKey[] {
    for (const key of keys) this.#remove(key);
    return keys;
  }

  #drop(key: SessionKey): void {
    this.#remove(key);
    this.#onDropped(key);
  }

  #remove(key: SessionKey): void {
    const session = this.#sessions.get(key);
    if (session === undefined) return;
    this.#sessions.delete(key);
    this.#bySub.remove(session.sub, key);
    this.#bySid.remove(session.sid, key);
  }
}
