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
import { carriedValue, openCarried, splitCarried } from './carried.ts';
import { cookieValues, formatCookie } from './cookie.ts';
import {
  endOf,
  newSessionId,
  openRecord,
  type SessionKey,
  type SessionRecord,
  sealRecord,
  sessionKeyOf,
} from './record.ts';
import { createRenewal, type Renewal, renewalAtMs } from './renewal.ts';
import type { SessionStore } from './store.ts';

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
  /** Like {@link Sessions.forget}, and for the store's own copies: another process has changed these. */
  changedElsewhere(keys: readonly SessionKey[]): Promise<void>;
  /** Told whenever sessions are renewed or end one by one; for other processes. */
  onChange(listener: (key: SessionKey) => void): void;
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
  readonly #renewal: Renewal;
  readonly #cookieOf = new Map<SessionKey, string>();
  readonly #cache: LRUCache<string, Remembered>;
  readonly #listeners: ((ended: Ended) => void)[] = [];
  readonly #changeListeners: ((key: SessionKey) => void)[] = [];
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
    this.#renewal = createRenewal({
      ...options,
      read: (application, key) => this.#read(application, key),
      write: (application, key, record) => this.#write(application, key, record),
    });
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
    const id = newSessionId();
    const key = sessionKeyOf(id);
    if (key === undefined) throw new TypeError('a new session id has no key');
    const nowMs = this.#clock.now();
    const { clientId, cookie, seals } = application;
    const isCarried = this.#store.isRevoked !== undefined;
    const record: SessionRecord = {
      clientId,
      claims,
      createdAtMs: nowMs,
      expiresAtMs: life.expiresAtMs,
      // A renewed token would have to reach the cookie, which most reverse proxies do not let through.
      ...(life.refreshToken === undefined || isCarried
        ? {}
        : { refreshToken: life.refreshToken, endsAtMs: nowMs + this.#options.longestMs }),
    };
    if (!isCarried) await this.#write(application, key, record);
    const value = isCarried ? carriedValue(seals.session, id, key, record) : id;
    const maxAgeS = Math.max(1, Math.floor((endOf(record) - nowMs) / 1000));
    return formatCookie(cookie, cookie.name, value, { maxAgeS, nowMs });
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

  async changedElsewhere(keys: readonly SessionKey[]): Promise<void> {
    for (const key of keys) await this.#store.reread?.(key);
    this.forget(keys);
  }

  onChange(listener: (key: SessionKey) => void): void {
    this.#changeListeners.push(listener);
  }

  onEnd(listener: (ended: Ended) => void): void {
    this.#listeners.push(listener);
  }

  #ended(keys: readonly SessionKey[], who: Ended): number {
    this.forget(keys);
    if (this.#store.isRevoked !== undefined) this.#forgetOf(who);
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
      const carried = this.#store.isRevoked === undefined ? undefined : splitCarried(value);
      const key = sessionKeyOf(carried?.id ?? value);
      if (key === undefined) continue;
      const before = this.#endings;
      const record = carried ? this.#open(application, key, carried.sealed) : await this.#current(application, key);
      if (record === undefined) continue;
      // Something ended while the store was asked, or news of endings do not arrive: ask again, remember nothing.
      if (before !== this.#endings || this.#store.isWatching?.() === false) {
        if (carried === undefined && (await this.#read(application, key)) === undefined) continue;
        return foundOf(application, record);
      }
      return this.#remember(application, key, { value, record });
    }
    return stale;
  }

  #remember(
    application: Application,
    key: SessionKey,
    { value, record }: { readonly value: string; readonly record: SessionRecord },
  ): Found {
    const found = foundOf(application, record);
    // A copy: a slice of the header would keep all of it in memory.
    const cookie = Buffer.from(value, 'latin1').toString('latin1');
    const untilMs = Math.min(record.expiresAtMs, this.#clock.now() + (this.#options.cacheMs ?? 60_000));
    this.#cache.set(cookie, { application, key, found, untilMs, renewAtMs: renewalAtMs(record) });
    // After the cache: what it puts out of the way for this may be the same session, read earlier.
    this.#cookieOf.set(key, cookie);
    return found;
  }

  /** The record of a session that is alive, with a token that is: renewed where that was missed. */
  async #current(application: Application, key: SessionKey): Promise<SessionRecord | undefined> {
    const record = await this.#read(application, key);
    if (record === undefined || record.expiresAtMs > this.#clock.now()) return record;
    const renewed = await this.#renewal.renew(application, key);
    this.#changed(key);
    return renewed !== undefined && renewed.expiresAtMs > this.#clock.now() ? renewed : undefined;
  }

  #renewLater(remembered: Remembered): void {
    const { application, key } = remembered;
    remembered.renewAtMs = Number.POSITIVE_INFINITY; // once; what is read next says when again
    this.#renewal.renew(application, key).then(
      () => this.#changed(key),
      (error: unknown) => {
        this.#options.log.warn('session not renewed', { name: application.name, error: String(error) });
        this.forget([key]);
      },
    );
  }

  #changed(key: SessionKey): void {
    this.forget([key]);
    for (const listener of this.#changeListeners) listener(key);
  }

  async #read(application: Application, key: SessionKey): Promise<SessionRecord | undefined> {
    const stored = await this.#store.get(key);
    const where = { clientId: application.clientId, key, nowMs: this.#clock.now() };
    return stored === undefined ? undefined : openRecord(application.seals.session, where, stored.sealed);
  }

  async #write(application: Application, key: SessionKey, record: SessionRecord): Promise<void> {
    const sealed = sealRecord(application.seals.session, key, record);
    const { claims, createdAtMs } = record;
    const expiresAtMs = endOf(record);
    await this.#store.set(key, { sealed, sub: claims.sub, sid: claims.sid, createdAtMs, expiresAtMs });
  }

  #open(application: Application, key: SessionKey, sealed: Buffer): SessionRecord | undefined {
    const where = { clientId: application.clientId, key, nowMs: this.#clock.now() };
    const record = openCarried(application.seals.session, where, sealed);
    if (record === undefined) return undefined;
    const { claims, createdAtMs } = record;
    return this.#store.isRevoked?.({ key, sub: claims.sub, sid: claims.sid, createdAtMs }) ? undefined : record;
  }
}

function foundOf(application: Application, { claims, expiresAtMs }: SessionRecord): Found {
  const identity = verifiedIdentity({
    applicationPk: application.pk,
    claims,
    via: 'session',
    expiresAtMs,
    identityHeaders: identityHeaders(claims, application.headerSource),
  });
  return { identity, isStale: false };
}
