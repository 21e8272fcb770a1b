import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { captureLogger, fakeClock, temporaryFolder } from '@gatehouse/daemon/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseClaims } from '../oidc/claims.ts';
import { newKey, sessionStoreSuite } from '../testing/session-store-suite.ts';
import { cookieNames, cookieValues, deletingCookie, formatCookie, sessionCookieName } from './cookie.ts';
import { openDirectoryStore } from './directory-store.ts';
import { createMemoryStore } from './memory-store.ts';
import { newSessionId, openRecord, sealRecord, sessionKeyOf } from './record.ts';
import { createSeal } from './seal.ts';
import { defaultStoreLimits } from './store.ts';

sessionStoreSuite({ name: 'memory', open: async (clock, limits) => createMemoryStore(clock, limits) });
sessionStoreSuite({
  name: 'directory',
  async open(clock, limits) {
    const folder = await temporaryFolder();
    const store = await openDirectoryStore({ path: folder.path, clock, limits, log: captureLogger() });
    const dispose = async () => {
      await store[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    };
    return { ...store, [Symbol.asyncDispose]: dispose };
  },
});

test('proxy 99: sessions in a directory survive a restart; ended and damaged files do not', async () => {
  await using folder = await temporaryFolder();
  const clock = fakeClock();
  const open = () => openDirectoryStore({ path: folder.path, clock, limits: defaultStoreLimits, log: captureLogger() });
  const [kept, ended] = [newKey(), newKey()];
  const session = { sealed: Buffer.from('x'), sub: 'alice', sid: 's', createdAtMs: clock.now(), expiresAtMs: 0 };
  {
    await using before = await open();
    await before.set(kept, { ...session, expiresAtMs: clock.now() + 60_000 });
    await before.set(ended, { ...session, expiresAtMs: clock.now() + 1_000 });
  }
  await writeFile(join(folder.path, kept.slice(5, 7), 'f'.repeat(64)), '{"damaged":');
  await clock.advance(1_000);
  await using after = await open();
  expect(await after.get(kept)).toBeDefined();
  expect(await after.count()).toBe(1);
  expect(await after.deleteBySid('s')).toEqual([kept]);
});

describe('cookie', () => {
  test('proxy 90: the name comes from the client id', () =>
    expect(sessionCookieName('abc')).toBe('authentik_proxy_ba7816bf'));
  test('proxy 91: attributes', () => {
    const host = formatCookie({ name: 'n', domain: '', secure: false }, 'n', 'v', { maxAgeS: 60, nowMs: 0 });
    expect(host).toBe('n=v; Path=/; Expires=Thu, 01 Jan 1970 00:01:00 GMT; Max-Age=60; HttpOnly; SameSite=Lax');
    const wide = formatCookie({ name: 'n', domain: 'company', secure: true }, 'n', 'v', { maxAgeS: 60, nowMs: 0 });
    expect(wide).toContain('; Domain=company; ');
    expect(wide).toContain('; HttpOnly; Secure; SameSite=Lax');
    expect(deletingCookie({ name: 'n', domain: '', secure: true }, 'n')).toMatch(
      /^n=; Path=\/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; /,
    );
  });
  test('reading finds every value and never throws', () => {
    expect(cookieValues('a=1; b=2;a=3; aa=4', 'a')).toEqual(['1', '3']);
    expect(cookieNames('p_1=x; p_2=y; q=z; p_1=w', 'p_')).toEqual(['p_1', 'p_2']);
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, name) => {
        cookieValues(text, name);
        cookieNames(text, name);
      }),
    );
    expect(cookieValues('=1; a=2', '')).toEqual([]);
  });
  test('reading finds what splitting the header finds', () => {
    const plain = (header: string, name: string) =>
      header
        .split(';')
        .map((pair) => /^[ \t]*([^=]*)=(.*)$/s.exec(pair))
        .flatMap((match) => (match?.[1] === name ? [match[2]?.trim()] : []));
    const header = fc.string({ unit: fc.constantFrom('a', 'b', '=', ';', ' ', '\t', '"') });
    fc.assert(
      fc.property(header, fc.constantFrom('a', 'ab', 'aa'), (text, name) => {
        expect(cookieValues(text, name)).toEqual(plain(text, name));
      }),
    );
  });
});

describe('record', () => {
  const seal = createSeal('S'.repeat(32), 'session');
  const claims = parseClaims({ sub: 'u', exp: 99, sid: 's', groups: ['a'], ak_proxy: { is_superuser: true } }, 'jwt');
  const record = { clientId: 'abc', claims, createdAtMs: 1, expiresAtMs: 1_000 };
  const key = newKey();
  test('what is sealed opens again, until its end', () => {
    const sealed = sealRecord(seal, key, record);
    expect(openRecord(seal, { clientId: 'abc', key, nowMs: 999 }, sealed)).toEqual({ v: 1, ...record });
    expect(openRecord(seal, { clientId: 'abc', key, nowMs: 1_000 }, sealed)).toBeUndefined();
  });
  test('proxy 93: a record of another provider or another cookie is no session', () => {
    const sealed = sealRecord(seal, key, record);
    expect(openRecord(seal, { clientId: 'other', key, nowMs: 1 }, sealed)).toBeUndefined();
    expect(openRecord(seal, { clientId: 'abc', key: newKey(), nowMs: 1 }, sealed)).toBeUndefined();
    const otherSeal = createSeal('other', 'session');
    expect(openRecord(otherSeal, { clientId: 'abc', key, nowMs: 1 }, sealed)).toBeUndefined();
  });
  test('a damaged record is no session, wherever the damage is', () => {
    const sealed = sealRecord(seal, key, record);
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(sealed);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        expect(openRecord(seal, { clientId: 'abc', key, nowMs: 1 }, damaged)).toBeUndefined();
      }),
    );
  });
  test('proxy 94, WISHES P5: only ids of our own form have a key, and equal ids the same one', () => {
    for (let round = 0; round < 50; round++) {
      const id = newSessionId();
      expect(sessionKeyOf(id)).toBe(sessionKeyOf(id));
      expect(sessionKeyOf(id)).toMatch(/^akp1:[\da-f]{64}$/);
    }
    for (const chosen of ['', 'chosen', 'x'.repeat(42), '../../etc/passwd', `${'a'.repeat(42)}=`])
      expect(sessionKeyOf(chosen)).toBeUndefined();
  });
});
