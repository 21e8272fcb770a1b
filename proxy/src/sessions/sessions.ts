// Sessions as the rest of the proxy sees them: a cookie becomes a verified identity, with decoded claims and ready-made
// headers in a bounded memory in front of the store (proxy.md §17.6). What ends anywhere is dropped here at once.
import type { Clock } from '@gatehouse/daemon/async';
import { LRUCache } from 'lru-cache';
import type { Application } from '../applications/application.ts';
import { type VerifiedIdentity, verifiedIdentity } from '../authentication/identity.ts';
import { identityHeaders } from '../identity/identity-headers.ts';
import type { Claims } from '../oidc/claims.ts';
import { cookieValues, formatCookie } from './cookie.ts';
import { newSessionId, openRecord, type SessionKey, type SessionRecord, sealRecord, sessionKeyOf } from './record.ts';
import type { SessionStore } from './store.ts';

export interface Sessions {
  /**
   * The identity behind a `Cookie` header; at once when it is remembered, else after asking the store.
   * @throws GatewayError `ERR_PROXY_SESSION_STORE`
   */
  find(application: Application, cookies: string): Found | Promise<Found>;
  /** Starts a session under a new id. @returns the `Set-Cookie` value */
  begin(application: Application, claims: Claims, expiresAtMs: number): Promise<string>;
  /** Every session of a user in this outpost (§6.7). */
  endBySub(sub: string): Promise<number>;
  /** Every session of a core session (§7.7). */
  endBySid(sid: string): Promise<number>;
  /** Forgets what is remembered of these; another replica ended them. */
  forget(keys: readonly SessionKey[] | 'all'): void;
  /** Told whenever sessions of a user or core session end; for open tunnels. */
  onEnd(listener: (ended: { readonly sub?: string; readonly sid?: string }) => void): void;
}

export interface Found {
  readonly identity: VerifiedIdentity | undefined;
  /** A cookie was sent but names no session: it shall be replaced. */
  readonly isStale: boolean;
}

interface Remembered {
  readonly application: Application;
  readonly untilMs: number;
  readonly key: SessionKey;
  readonly found: Found;
}

export interface SessionOptions {
  readonly store: SessionStore;
  readonly clock: Pick<Clock, 'now'>;
  readonly cacheEntries?: number;
  readonly cacheMs?: number;
}

const nothing: Found = { identity: undefined, isStale: false };
const stale: Found = { identity: undefined, isStale: true };

export function createSessions(options: SessionOptions): Sessions {
  return new CachedSessions(options);
}

class CachedSessions implements Sessions {
  readonly #store: SessionStore;
  readonly #clock: SessionOptions['clock'];
  readonly #cookieOf = new Map<SessionKey, string>();
  readonly #cache: LRUCache<string, Remembered>;
  readonly #cacheMs: number;
  readonly #listeners: ((ended: { readonly sub?: string; readonly sid?: string }) => void)[] = [];
  /** Counts endings, so that a read that overlaps one is not remembered. */
  #endings = 0;

  constructor({ store, clock, cacheEntries = 50_000, cacheMs = 60_000 }: SessionOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#cacheMs = cacheMs;
    this.#cache = new LRUCache({
      max: cacheEntries,
      dispose: (remembered) => this.#cookieOf.delete(remembered.key),
    });
    store.onRemoved?.((keys) => this.forget(keys));
  }

  find(application: Application, cookies: string): Found | Promise<Found> {
    const values = cookieValues(cookies, application.cookie.name);
    if (values.length === 0) return nothing;
    const now = this.#clock.now();
    for (const value of values) {
      const remembered = this.#cache.get(value);
      if (remembered?.application === application && remembered.untilMs > now) return remembered.found;
    }
    return this.#load(application, values.slice(0, 4));
  }

  async begin(application: Application, claims: Claims, expiresAtMs: number): Promise<string> {
    const id = newSessionId();
    const key = sessionKeyOf(id);
    if (key === undefined) throw new TypeError('a new session id has no key');
    const nowMs = this.#clock.now();
    const record: SessionRecord = { clientId: application.clientId, claims, createdAtMs: nowMs, expiresAtMs };
    const sealed = sealRecord(application.seals.session, key, record);
    await this.#store.set(key, { sealed, sub: claims.sub, sid: claims.sid, createdAtMs: nowMs, expiresAtMs });
    const maxAgeS = Math.max(1, Math.floor((expiresAtMs - nowMs) / 1000));
    return formatCookie(application.cookie, application.cookie.name, id, { maxAgeS, nowMs });
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

  onEnd(listener: (ended: { readonly sub?: string; readonly sid?: string }) => void): void {
    this.#listeners.push(listener);
  }

  #ended(keys: readonly SessionKey[], who: { readonly sub?: string; readonly sid?: string }): number {
    this.forget(keys);
    for (const listener of this.#listeners) listener(who);
    return keys.length;
  }

  async #load(application: Application, values: readonly string[]): Promise<Found> {
    for (const value of values) {
      const key = sessionKeyOf(value);
      if (key === undefined) continue;
      const before = this.#endings;
      const record = await this.#read(application, key);
      if (record === undefined) continue;
      // Something ended while the store was asked, or news of endings do not arrive: ask again, remember nothing.
      if (before !== this.#endings || this.#store.isWatching?.() === false) {
        if ((await this.#read(application, key)) === undefined) continue;
        return foundOf(application, record);
      }
      const found = foundOf(application, record);
      // A copy: a slice of the header would keep all of it in memory.
      const cookie = Buffer.from(value, 'latin1').toString('latin1');
      this.#cookieOf.set(key, cookie);
      const untilMs = Math.min(record.expiresAtMs, this.#clock.now() + this.#cacheMs);
      this.#cache.set(cookie, { application, key, found, untilMs });
      return found;
    }
    return stale;
  }

  async #read(application: Application, key: SessionKey): Promise<SessionRecord | undefined> {
    const stored = await this.#store.get(key);
    const where = { clientId: application.clientId, key, nowMs: this.#clock.now() };
    return stored === undefined ? undefined : openRecord(application.seals.session, where, stored.sealed);
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
