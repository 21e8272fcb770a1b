// What every session store offers (proxy.md §17.5). A store keeps sealed records and two indexes, by the core's session and
// by user, so that a logout touches exactly the sessions it ends. A store that cannot answer throws
// `ERR_PROXY_SESSION_STORE`: then nobody is let in. One suite tests them all (testing/session-store-suite.ts).
import type { SessionKey } from './record.ts';

export interface StoredSession {
  readonly sealed: Uint8Array;
  /** Subject of the user; the index of {@link SessionStore.deleteBySub}. */
  readonly sub: string;
  /** The core's session; absent where there is none. */
  readonly sid: string | undefined;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export interface SessionStore extends AsyncDisposable {
  readonly kind: string;
  /** @returns `undefined` for a session that is not there or over */
  get(key: SessionKey): Promise<StoredSession | undefined>;
  /** Keeps at most `perUserCap` sessions of one user, the oldest go. */
  set(key: SessionKey, session: StoredSession): Promise<void>;
  delete(key: SessionKey): Promise<void>;
  /** @returns the keys that are gone */
  deleteBySid(sid: string): Promise<readonly SessionKey[]>;
  deleteBySub(sub: string): Promise<readonly SessionKey[]>;
  /** Sessions that are alive; for metrics. */
  count(): Promise<number>;
  /** Shared stores only: told of what other replicas removed, and `all` when news may have been missed. */
  onRemoved?(listener: RemovalListener): void;
  /** Shared stores only: at most one holder, for `ttlMs` at most. @returns whether we hold it now */
  lock?(key: SessionKey, ttlMs: number): Promise<boolean>;
  unlock?(key: SessionKey): Promise<void>;
  /** Stores that several processes of one machine share by files: forgets its own copy, since another has changed it. */
  reread?(key: SessionKey): Promise<void>;
  /**
   * Only of a store that keeps no records because cookies carry them: whether this one may live. It takes note of it, and may
   * end another of the user for it.
   */
  isAdmitted?(session: CarriedSession): boolean;
  /** Shared stores only: whether such news arrive at the moment; while they do not, nothing may be remembered. */
  isWatching?(): boolean;
}

export interface CarriedSession {
  readonly key: SessionKey;
  readonly sub: string;
  readonly sid: string | undefined;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export interface StoreLimits {
  readonly perUserCap: number;
  readonly maxSessions: number;
}

export const defaultStoreLimits: StoreLimits = { perUserCap: 50, maxSessions: 200_000 };

/** Told of sessions that ended anywhere, by whichever replica. */
export type RemovalListener = (keys: readonly SessionKey[] | 'all') => void;
