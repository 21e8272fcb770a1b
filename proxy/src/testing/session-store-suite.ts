// One suite for every session store (STYLE 51): called with a function that opens an empty one.
import type { Clock } from '@gatehouse/daemon/async';
import { fakeClock } from '@gatehouse/daemon/testing';
import { describe, expect, test } from 'vitest';
import { newSessionId, type SessionKey, sessionKeyOf } from '../sessions/record.ts';
import type { SessionStore, StoredSession, StoreLimits } from '../sessions/store.ts';

export interface StoreUnderTest {
  readonly name: string;
  open(clock: ReturnType<typeof fakeClock>, limits: StoreLimits): Promise<SessionStore>;
}

/**
 * A store without records, with what takes its place: whoever holds the cookies. They come with their record, whole, unless the
 * store does not admit it; their sealing is tested by carried.ts itself.
 */
export function withCookies(store: SessionStore, clock: Pick<Clock, 'now'>): SessionStore {
  const cookies = new Map<SessionKey, StoredSession>();
  return {
    kind: store.kind,
    async get(key) {
      const session = cookies.get(key);
      if (session === undefined || session.expiresAtMs <= clock.now()) return undefined;
      const { sub, sid, createdAtMs, expiresAtMs } = session;
      return store.isAdmitted?.({ key, sub, sid, createdAtMs, expiresAtMs }) ? session : undefined;
    },
    async set(key, session) {
      cookies.set(key, session);
      await store.set(key, session);
    },
    delete: (key) => store.delete(key),
    deleteBySid: (sid) => store.deleteBySid(sid),
    deleteBySub: (sub) => store.deleteBySub(sub),
    count: () => store.count(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

const limits: StoreLimits = { perUserCap: 3, maxSessions: 1_000 };

export function newKey(): SessionKey {
  const key = sessionKeyOf(newSessionId());
  if (key === undefined) throw new Error('a new id is always a key');
  return key;
}

export function sessionStoreSuite({ name, open }: StoreUnderTest): void {
  describe(`session store: ${name}`, () => {
    const start = async () => {
      const clock = fakeClock();
      const store = await open(clock, limits);
      let created = 0;
      const session = (sub: string, sid?: string, lifeMs = 60_000): StoredSession => ({
        sealed: Buffer.from(`sealed of ${sub}`),
        sub,
        sid,
        createdAtMs: clock.now() + created++,
        expiresAtMs: clock.now() + lifeMs,
      });
      return { clock, store, session };
    };

    test('§17.5: what was set is got, byte for byte, and gone after delete', async () => {
      const { store, session } = await start();
      await using _ = store;
      const key = newKey();
      const given = { ...session('alice', 's1'), sealed: Buffer.from([0, 255, 10, 13, 128]) };
      await store.set(key, given);
      const got = await store.get(key);
      expect(Buffer.from(got?.sealed ?? []).equals(given.sealed)).toBe(true);
      expect({ ...got, sealed: undefined }).toEqual({ ...given, sealed: undefined });
      await store.delete(key);
      expect(await store.get(key)).toBeUndefined();
      expect(await store.get(newKey())).toBeUndefined();
    });

    test('proxy 95: a session is refused from its end on', async () => {
      const { store, session, clock } = await start();
      await using _ = store;
      const key = newKey();
      await store.set(key, session('alice', 's1', 5_000));
      await clock.advance(4_999);
      expect(await store.get(key)).toBeDefined();
      await clock.advance(1);
      expect(await store.get(key)).toBeUndefined();
    });

    test('proxy 98: the end of a core session takes exactly its sessions', async () => {
      const { store, session } = await start();
      await using _ = store;
      const [one, two, other] = [newKey(), newKey(), newKey()];
      await store.set(one, session('alice', 's1'));
      await store.set(two, session('alice', 's1'));
      await store.set(other, session('alice', 's2'));
      expect([...(await store.deleteBySid('s1'))].sort()).toEqual([one, two].sort());
      expect([await store.get(one), await store.get(two)]).toEqual([undefined, undefined]);
      expect(await store.get(other)).toBeDefined();
      expect(await store.deleteBySid('s1')).toEqual([]);
    });

    test('proxy 96: signing out takes all sessions of the user and nobody else', async () => {
      const { store, session } = await start();
      await using _ = store;
      const [one, two, other] = [newKey(), newKey(), newKey()];
      await store.set(one, session('alice', 's1'));
      await store.set(two, session('alice'));
      await store.set(other, session('bob', 's3'));
      expect([...(await store.deleteBySub('alice'))].sort()).toEqual([one, two].sort());
      expect(await store.count()).toBe(1);
      expect(await store.get(other)).toBeDefined();
    });

    test('§17.1: the cap counts neither other users nor what is over', async () => {
      const { store, session, clock } = await start();
      await using _ = store;
      const over = [newKey(), newKey(), newKey()];
      for (const key of over) await store.set(key, session('alice', 's1', 1_000));
      await clock.advance(1_000);
      const keys = [newKey(), newKey(), newKey()];
      for (const key of keys) await store.set(key, session('alice', 's1'));
      for (const key of [newKey(), newKey(), newKey()]) await store.set(key, session('bob', 's2'));
      const alive = await Promise.all(keys.map((key) => store.get(key)));
      expect(alive.every((one) => one !== undefined)).toBe(true);
    });

    test('§17.1: a user has at most so many sessions, the oldest go', async () => {
      const { store, session } = await start();
      await using _ = store;
      const keys = [newKey(), newKey(), newKey(), newKey()];
      for (const key of keys) await store.set(key, session('alice', 's1'));
      const alive = await Promise.all(keys.map((key) => store.get(key)));
      expect(alive.map((one) => one !== undefined)).toEqual([false, true, true, true]);
    });
  });
}
