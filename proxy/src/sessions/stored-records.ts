// Records in a store: the cookie says nothing but an id, and stays as it is for as long as the session lives.

import type { Application } from '../applications/application.ts';
import { sessionCookie } from './cookie.ts';
import type { Keeping, Opened } from './keeping.ts';
import {
  endOf,
  newSession,
  openRecord,
  type SessionKey,
  type SessionRecord,
  sealRecord,
  sessionKeyOf,
} from './record.ts';
import { createRenewal, type Renewal, type RenewalOptions } from './renewal.ts';
import type { SessionStore } from './store.ts';

export type StoredOptions = Pick<RenewalOptions, 'tokens' | 'clock' | 'log'> & { readonly store: SessionStore };

export function storedRecords(options: StoredOptions): Keeping {
  return new StoredRecords(options);
}

class StoredRecords implements Keeping {
  readonly renewsOnOpen = false;
  readonly #store: SessionStore;
  readonly #clock: StoredOptions['clock'];
  readonly #renewal: Renewal;
  readonly #listeners: ((key: SessionKey, value: undefined) => void)[] = [];

  constructor(options: StoredOptions) {
    const { store } = options;
    this.#store = store;
    this.#clock = options.clock;
    this.#renewal = createRenewal({
      ...options,
      lock: store,
      read: (application, key) => this.#read(application, key),
      write: (application, key, record) => this.#write(application, key, record),
      refused: async (_, key) => void (await store.delete(key)),
      end: (key) => store.delete(key),
    });
  }

  async begin(application: Application, record: SessionRecord): Promise<string> {
    const { id, key } = newSession();
    await this.#write(application, key, record);
    return sessionCookie(application.cookie, id, { endsAtMs: endOf(record), nowMs: this.#clock.now() });
  }

  async open(application: Application, value: string): Promise<Opened | undefined> {
    const key = sessionKeyOf(value);
    const record = key && (await this.#read(application, key));
    if (key === undefined || record === undefined) return undefined;
    if (record.expiresAtMs > this.#clock.now()) return { key, record };
    await this.renew(application, key);
    const renewed = await this.#read(application, key);
    return renewed !== undefined && renewed.expiresAtMs > this.#clock.now() ? { key, record: renewed } : undefined;
  }

  async isAlive(application: Application, { key }: Opened): Promise<boolean> {
    return (await this.#read(application, key)) !== undefined;
  }

  async renew(application: Application, key: SessionKey): Promise<void> {
    await this.#renewal.renew(application, key);
    for (const listener of this.#listeners) listener(key, undefined);
  }

  async changedElsewhere(key: SessionKey): Promise<void> {
    await this.#store.reread?.(key);
  }

  onChange(listener: (key: SessionKey, value: undefined) => void): void {
    this.#listeners.push(listener);
  }

  async #read(application: Application, key: SessionKey): Promise<SessionRecord | undefined> {
    const stored = await this.#store.get(key);
    const where = { clientId: application.clientId, key, nowMs: this.#clock.now() };
    return stored === undefined ? undefined : openRecord(application.seals.session, where, stored.sealed);
  }

  async #write(application: Application, key: SessionKey, record: SessionRecord): Promise<void> {
    const sealed = sealRecord(application.seals.session, key, record);
    const { claims, createdAtMs } = record;
    await this.#store.set(key, { sealed, sub: claims.sub, sid: claims.sid, createdAtMs, expiresAtMs: endOf(record) });
  }
}
