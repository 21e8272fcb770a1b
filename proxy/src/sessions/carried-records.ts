// Records in cookies (proxy.md §17.5): the browser brings the record with each request, and gets it again in a new cookie when
// it is renewed. A refresh token is good once, and nobody but browsers tells replicas of each other's, so it is spent only
// where a new cookie is known to reach the browser: first the record is sent once more with a mark, and only a cookie that
// comes back with it is renewed. Until the browser has the renewed one, this process answers the old with it.
import { LRUCache } from 'lru-cache';
import type { Application } from '../applications/application.ts';
import { carriedValue, openCarried, splitCarried } from './carried.ts';
import { sessionCookie } from './cookie.ts';
import type { Keeping, Opened } from './keeping.ts';
import { endOf, newSession, type SessionKey, type SessionRecord, sessionKeyOf } from './record.ts';
import { createRenewal, type Renewal, type RenewalOptions, renewalAtMs } from './renewal.ts';
import type { CarriedSession, SessionStore } from './store.ts';

export interface CarriedOptions extends Pick<RenewalOptions, 'tokens' | 'clock' | 'log' | 'renewAfter'> {
  readonly store: SessionStore;
  /** Whether a session may live (cookie-store.ts). */
  readonly admits: (session: CarriedSession) => boolean;
}

/** Cookies that were renewed and may still come as they were; four kilobytes each at most. */
const mostRenewed = 10_000;
const mostWaitMs = 2_000;

export function carriedRecords(options: CarriedOptions): Keeping {
  return new CarriedRecords(options);
}

class CarriedRecords implements Keeping {
  /** In the background another replica would be asked with the old cookie meanwhile. */
  readonly renewsOnOpen = true;
  readonly #options: CarriedOptions;
  readonly #renewal: Renewal;
  /** The newest value of a cookie that this process knows. */
  readonly #newest = new LRUCache<SessionKey, string>({ max: mostRenewed });
  /** Refresh tokens that the core did not take. */
  readonly #refused = new LRUCache<string, true>({ max: mostRenewed });
  readonly #listeners: ((key: SessionKey, value: string | undefined) => void)[] = [];

  constructor(options: CarriedOptions) {
    this.#options = options;
    this.#renewal = createRenewal({
      ...options,
      read: async (application, key) => {
        const record = this.#readNewest(application, key);
        return record && this.#spendable(record);
      },
      write: async (application, key, record) => this.#reissue(application, key, record),
      // Another replica may have spent it, whose cookie the browser has by now: this one lives as long as its token.
      refused: async (_, __, { refreshToken = '' }) => void this.#refused.set(refreshToken, true),
      end: async (key) => {
        this.#newest.delete(key);
        await options.store.delete(key);
      },
    });
  }

  async begin(application: Application, record: SessionRecord): Promise<string> {
    const { id, key } = newSession();
    const value = carriedValue(application.seals.session, id, key, record);
    const { sub, sid } = record.claims;
    const { createdAtMs } = record;
    await this.#options.store.set(key, { sealed: nothing, sub, sid, createdAtMs, expiresAtMs: endOf(record) });
    return this.#cookie(application, value, record);
  }

  async open(application: Application, value: string): Promise<Opened | undefined> {
    const key = sessionKeyOf(splitCarried(value)?.id ?? '');
    const own = key && this.#read(application, key, value);
    if (key === undefined || own === undefined) return undefined;
    if (own.refreshToken !== undefined) this.#keepNewest(application, key, { value, record: own });
    await this.#renewDue(application, key, this.#readNewest(application, key) ?? own);
    const record = this.#readNewest(application, key) ?? own;
    if (record.expiresAtMs <= this.#options.clock.now() || !this.#admits(key, record)) return undefined;
    const { refreshToken } = record;
    const opened = { key, record: this.#spendable(record), refreshToken };
    if (renewedAt(record) > renewedAt(own)) {
      return { ...opened, setCookie: this.#cookie(application, this.#newest.get(key) ?? value, record) };
    }
    if (own.refreshToken === undefined || own.isReturned) return opened;
    return { ...opened, setCookie: this.#marked(application, key, { value, record: own }), isOnce: true };
  }

  async isAlive(_: Application, { key, record }: Opened): Promise<boolean> {
    return this.#admits(key, record);
  }

  async renew(application: Application, key: SessionKey): Promise<void> {
    const before = this.#newest.get(key);
    await this.#renewal.renew(application, key);
    const after = this.#newest.get(key);
    if (after !== before) for (const listener of this.#listeners) listener(key, after);
  }

  async changedElsewhere(key: SessionKey, value: string | undefined): Promise<void> {
    if (value !== undefined) this.#newest.set(key, value);
  }

  onChange(listener: (key: SessionKey, value: string | undefined) => void): void {
    this.#listeners.push(listener);
  }

  /** A core that hangs holds nobody up whose token is still good. */
  async #renewDue(application: Application, key: SessionKey, record: SessionRecord): Promise<void> {
    const { clock, log, renewAfter } = this.#options;
    const nowMs = clock.now();
    const isOver = record.expiresAtMs <= nowMs;
    if (!isOver && renewalAtMs(this.#spendable(record), renewAfter) > nowMs) return;
    const renewing = this.renew(application, key);
    if (isOver) return renewing;
    renewing.catch((error: unknown) =>
      log.warn('session not renewed', { name: application.name, error: String(error) }),
    );
    await Promise.race([renewing.catch(() => undefined), clock.sleep(mostWaitMs)]);
  }

  #keepNewest(application: Application, key: SessionKey, given: Carried): void {
    const known = this.#readNewest(application, key);
    if (known === undefined || renewedAt(known) <= renewedAt(given.record)) this.#newest.set(key, given.value);
  }

  #readNewest(application: Application, key: SessionKey): SessionRecord | undefined {
    const value = this.#newest.get(key);
    return value === undefined ? undefined : this.#read(application, key, value);
  }

  #read(application: Application, key: SessionKey, value: string): SessionRecord | undefined {
    const sealed = splitCarried(value)?.sealed;
    const where = { clientId: application.clientId, key, nowMs: this.#options.clock.now() };
    return sealed && openCarried(application.seals.session, where, sealed);
  }

  #reissue(application: Application, key: SessionKey, record: SessionRecord): void {
    const id = splitCarried(this.#newest.get(key) ?? '')?.id ?? '';
    this.#newest.set(key, carriedValue(application.seals.session, id, key, record));
  }

  /** The same again, with the mark that it was sent by an answer like this one. */
  #marked(application: Application, key: SessionKey, { value, record }: Carried): string {
    const id = splitCarried(value)?.id ?? '';
    const marked: SessionRecord = { ...record, isReturned: true };
    return this.#cookie(application, carriedValue(application.seals.session, id, key, marked), marked);
  }

  /** Without the refresh token where it must not be spent. */
  #spendable(record: SessionRecord): SessionRecord {
    const { refreshToken = '', isReturned } = record;
    return isReturned && !this.#refused.has(refreshToken) ? record : { ...record, refreshToken: undefined };
  }

  #admits(key: SessionKey, record: SessionRecord): boolean {
    const { sub, sid } = record.claims;
    return this.#options.admits({ key, sub, sid, createdAtMs: record.createdAtMs, expiresAtMs: endOf(record) });
  }

  #cookie({ cookie }: Application, value: string, record: SessionRecord): string {
    return sessionCookie(cookie, value, { endsAtMs: endOf(record), nowMs: this.#options.clock.now() });
  }
}

interface Carried {
  readonly value: string;
  readonly record: SessionRecord;
}

const nothing = new Uint8Array();

function renewedAt({ renewedAtMs = 0 }: SessionRecord): number {
  return renewedAtMs;
}
