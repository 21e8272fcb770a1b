// Sessions as the rest of the proxy sees them: a cookie becomes a verified identity, with decoded claims and ready-made
// headers in a bounded memory in front of the store (proxy.md §17.6). What ends anywhere is dropped here at once.
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import { LRUCache } from 'lru-cache';
import type { Application } from '../applications/application.ts';
import { type VerifiedIdentity, verifiedIdentity } from '../authentication/identity.ts';
import { identityHeaders } from '../identity/identity-headers.ts';
import type { Claims } from '../oidc/claims.ts';
import type { Tokens } from '../oidc/tokens.ts';
import { carriedRecords } from './carried-records.ts';
import { cookieValues } from './cookie.ts';
import type { Keeping, Opened } from './keeping.ts';
import type { SessionKey } from './record.ts';
import { renewalAtMs } from './renewal.ts';
import type { SessionStore } from './store.ts';
import { storedRecords } from './stored-records.ts';

export interface Sessions {
  /**
   * The identity behind a `Cookie` header; at once when it is remembered, else after asking the store.
   * @throws GatewayError `ERR_PROXY_SESSION_STORE`
   */
  find(application: Application, cookies: string): Found | Promise<Found>;
  /** What {@link Sessions.find} knows without asking the store. */
  remembered(application: Application, cookies: string, nowMs: number): Found | undefined;
  /** Those that are remembered, least recently used first. */
  held(): readonly { readonly application: Application; readonly identity: VerifiedIdentity }[];
  /** Starts a session under a new id. @returns the `Set-Cookie` value. @throws GatewayError `ERR_PROXY_SESSION_STORE` */
  begin(application: Application, claims: Claims, life: SessionLife): Promise<string>;
  /** Every session of a user in this outpost (§6.7). */
  endBySub(sub: string): Promise<number>;
  /** Every session of a core session (§7.7). */
  endBySid(sid: string): Promise<number>;
  /** Forgets what is remembered of these; another replica ended or changed them. */
  forget(keys: readonly SessionKey[] | 'all'): void;
  /** Like {@link Sessions.forget}, and for the store's own copies: another process has changed this one. */
  changedElsewhere(key: SessionKey, value: string | undefined): Promise<void>;
  /** Told whenever sessions are renewed or end one by one; for other processes. @see Keeping.onChange */
  onChange(listener: (key: SessionKey, value: string | undefined) => void): void;
  /** Told whenever sessions of a user or core session end; for open tunnels. */
  onEnd(listener: (ended: Ended) => void): void;
}

export interface SessionLife {
  /** End of the token. */
  readonly expiresAtMs: number;
  /** With it, the session is renewed and lives on. */
  readonly refreshToken?: string | undefined;
}

export interface Ended {
  readonly sub?: string;
  readonly sid?: string;
}

export interface Found {
  readonly identity: VerifiedIdentity | undefined;
  /** A cookie was sent but names no session: it shall be replaced. */
  readonly isStale: boolean;
  /** The cookie shall be replaced by this. */
  readonly setCookie?: string | undefined;
  /** Only of a session that its cookie carries. */
  readonly refreshToken?: string | undefined;
}

interface Remembered {
  readonly application: Application;
  readonly untilMs: number;
  /** From then on it is renewed in the background. */
  renewAtMs: number;
  readonly key: SessionKey;
  readonly found: Found;
}

export interface SessionOptions {
  readonly store: SessionStore;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  readonly log: Logger;
  readonly tokens: Pick<Tokens, 'refresh'>;
  /** Longest life of a session that is renewed. */
  readonly longestMs: number;
  /** Share of a token's life after which it is renewed; default 0.8. */
  readonly renewAfter?: number;
  readonly cacheEntries?: number;
  readonly cacheMs?: number;
}

const nothing: Found = { identity: undefined, isStale: false };
const stale: Found = { identity: undefined, isStale: true };

export function createSessions(options: SessionOptions): Sessions {
  return new CachedSessions(options);
}

class CachedSessions implements Sessions {
  readonly #options: SessionOptions;
  readonly #store: SessionStore;
  readonly #clock: SessionOptions['clock'];
  readonly #keeping: Keeping;
  readonly #cookieOf = new Map<SessionKey, string>();
  readonly #cache: LRUCache<string, Remembered>;
  readonly #listeners: ((ended: Ended) => void)[] = [];
  /** Counts endings, so that a read that overlaps one is not remembered. */
  #endings = 0;

  constructor(options: SessionOptions) {
    const { store, clock, cacheEntries = 50_000 } = options;
    this.#options = options;
    this.#store = store;
    this.#clock = clock;
    this.#cache = new LRUCache({
      max: cacheEntries,
      dispose: (remembered) => this.#cookieOf.delete(remembered.key),
    });
    const { isAdmitted: admits } = store;
    this.#keeping =
      admits === undefined ? storedRecords(options) : carriedRecords({ ...options, admits: admits.bind(store) });
    this.#keeping.onChange((key) => this.forget([key]));
    store.onRemoved?.((keys) => this.forget(keys));
  }

  find(application: Application, cookies: string): Found | Promise<Found> {
    const values = cookieValues(cookies, application.cookie.name);
    if (values.length === 0) return nothing;
    return this.#recall(application, values, this.#clock.now()) ?? this.#load(application, values.slice(0, 4));
  }

  remembered(application: Application, cookies: string, nowMs: number): Found | undefined {
    return this.#recall(application, cookieValues(cookies, application.cookie.name), nowMs);
  }

  held() {
    const held = [];
    for (const remembered of this.#cache.rvalues()) {
      const identity = remembered?.found.identity;
      if (remembered !== undefined && identity !== undefined)
        held.push({ application: remembered.application, identity });
    }
    return held;
  }

  #recall(application: Application, values: readonly string[], now: number): Found | undefined {
    for (const value of values) {
      const remembered = this.#cache.get(value);
      if (remembered?.application !== application || remembered.untilMs <= now) continue;
      if (remembered.renewAtMs <= now) this.#renewLater(remembered);
      return remembered.found;
    }
    return undefined;
  }

  async begin(application: Application, claims: Claims, life: SessionLife): Promise<string> {
    const nowMs = this.#clock.now();
    const { expiresAtMs, refreshToken } = life;
    const renewed = refreshToken === undefined ? {} : { refreshToken, endsAtMs: nowMs + this.#options.longestMs };
    return this.#keeping.begin(application, {
      clientId: application.clientId,
      claims,
      createdAtMs: nowMs,
      expiresAtMs,
      ...renewed,
    });
  }

  async endBySub(sub: string): Promise<number> {
    return this.#ended(await this.#store.deleteBySub(sub), { sub });
  }

  async endBySid(sid: string): Promise<number> {
    return this.#ended(await this.#store.deleteBySid(sid), { sid });
  }

  forget(keys: readonly SessionKey[] | 'all'): void {
    this.#endings += 1;
    if (keys === 'all') this.#cache.clear();
    else for (const key of keys) this.#cache.delete(this.#cookieOf.get(key) ?? '');
  }

  async changedElsewhere(key: SessionKey, value: string | undefined): Promise<void> {
    await this.#keeping.changedElsewhere(key, value);
    this.forget([key]);
  }

  onChange(listener: (key: SessionKey, value: string | undefined) => void): void {
    this.#keeping.onChange(listener);
  }

  onEnd(listener: (ended: Ended) => void): void {
    this.#listeners.push(listener);
  }

  #ended(keys: readonly SessionKey[], who: Ended): number {
    this.forget(keys);
    if (this.#store.isAdmitted !== undefined) this.#forgetOf(who);
    for (const listener of this.#listeners) listener(who);
    return keys.length;
  }

  /** Where no store knows which sessions are whose, what is remembered is looked through. */
  #forgetOf({ sub, sid }: Ended): void {
    for (const [value, { found }] of this.#cache) {
      const claims = found.identity?.claims;
      const isOfUser = sub !== undefined && claims?.sub === sub;
      if (isOfUser || (sid !== undefined && claims?.sid === sid)) this.#cache.delete(value);
    }
  }

  async #load(application: Application, values: readonly string[]): Promise<Found> {
    for (const value of values) {
      const before = this.#endings;
      const opened = await this.#keeping.open(application, value);
      if (opened === undefined) continue;
      // Something ended while the store was asked, or news of endings do not arrive: ask again, remember nothing.
      if (before !== this.#endings || this.#store.isWatching?.() === false) {
        if (!(await this.#keeping.isAlive(application, opened))) continue;
        return foundOf(application, opened);
      }
      return this.#remember(application, value, opened);
    }
    return stale;
  }

  #remember(application: Application, value: string, opened: Opened): Found {
    const { key, record } = opened;
    const found = foundOf(application, opened);
    // A copy: a slice of the header would keep all of it in memory.
    const cookie = Buffer.from(value, 'latin1').toString('latin1');
    const nowMs = this.#clock.now();
    const dueAtMs = renewalAtMs(record, this.#options.renewAfter);
    const { renewsOnOpen } = this.#keeping;
    // What is due in spite of having been opened cannot be renewed at the moment.
    const openAtMs = renewsOnOpen && dueAtMs > nowMs ? dueAtMs : Number.POSITIVE_INFINITY;
    const untilMs = Math.min(record.expiresAtMs, openAtMs, nowMs + (this.#options.cacheMs ?? 60_000));
    const renewAtMs = renewsOnOpen ? Number.POSITIVE_INFINITY : dueAtMs;
    const kept = opened.isOnce ? { ...found, setCookie: undefined } : found;
    // One entry a session, so that forgetting it by its key forgets it: a cookie that is renewed has two values.
    const other = this.#cookieOf.get(key);
    if (other !== undefined && other !== cookie) this.#cache.delete(other);
    this.#cache.set(cookie, { application, key, found: kept, untilMs, renewAtMs });
    // After the cache: what it puts out of the way for this may be the same session, read earlier.
    this.#cookieOf.set(key, cookie);
    return found;
  }

  #renewLater(remembered: Remembered): void {
    const { application, key } = remembered;
    remembered.renewAtMs = Number.POSITIVE_INFINITY; // once; what is read next says when again
    this.#keeping.renew(application, key).catch((error: unknown) => {
      this.#options.log.warn('session not renewed', { name: application.name, error: String(error) });
      this.forget([key]);
    });
  }
}

function foundOf(application: Application, { record, setCookie, refreshToken }: Opened): Found {
  const { claims, expiresAtMs } = record;
  const identity = verifiedIdentity({
    applicationPk: application.pk,
    claims,
    via: 'session',
    expiresAtMs,
    identityHeaders: identityHeaders(claims, application.headerSource),
  });
  return { identity, isStale: false, setCookie, refreshToken };
}
