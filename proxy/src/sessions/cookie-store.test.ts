import { appendFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { captureLogger, fakeClock, temporaryFolder } from '@gatehouse/daemon/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseClaims } from '../oidc/claims.ts';
import { cookieName } from '../testing/fixture.ts';
import { newKey, sessionStoreSuite, withCookies } from '../testing/session-store-suite.ts';
import { statusOf, testGateway } from '../testing/test-gateway.ts';
import { carriedValue, openCarried, splitCarried } from './carried.ts';
import { openCookieStore } from './cookie-store.ts';
import { newSessionId, type SessionKey, sessionKeyOf } from './record.ts';
import { createSeal } from './seal.ts';
import { defaultStoreLimits } from './store.ts';

async function running() {
  const folder = await temporaryFolder();
  const clock = fakeClock(Date.now());
  const open = () => openCookieStore({ path: folder.path, clock, limits: defaultStoreLimits, log: captureLogger() });
  return { folder, clock, open, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

sessionStoreSuite({
  name: 'cookie',
  async open(clock, limits) {
    const folder = await temporaryFolder();
    const store = withCookies(await openCookieStore({ path: folder.path, clock, limits, log: captureLogger() }), clock);
    const dispose = async () => {
      await store[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    };
    return { ...store, [Symbol.asyncDispose]: dispose };
  },
});

describe('WISHES P4: sessions that are kept nowhere', () => {
  test('proxy 99: a restart and another replica know the session', async () => {
    await using place = await running();
    await using one = await testGateway({ store: await place.open(), clock: place.clock });
    one.issuer.remembers = true;
    const browser = one.browser();
    await browser.login('/');
    const cookie = `${cookieName}=${browser.cookies.get(cookieName)}`;
    expect(cookie.length).toBeLessThan(4_096);
    expect((await one.send('/', { cookie })).kind).toBe('forward');
    await using other = await testGateway({ store: await place.open(), clock: place.clock, issuer: one.issuer });
    const answer = await other.send('/', { cookie });
    expect(answer.kind === 'forward' && answer.allow.identity?.claims).toMatchObject({
      preferredUsername: 'alice',
      groups: ['a', 'b'],
    });
  });
  test('proxy 96, 98: what ended stays ended, after a restart too, and others live', async () => {
    await using place = await running();
    await using gateway = await testGateway({ store: await place.open(), clock: place.clock });
    gateway.issuer.remembers = true;
    const [alice, bob] = [gateway.browser(), gateway.browser()];
    await alice.login('/');
    gateway.issuer.user = { sub: 'sub-of-bob', sid: 'f'.repeat(64) };
    await bob.login('/');
    const cookie = `${cookieName}=${alice.cookies.get(cookieName)}`;
    const bobs = `${cookieName}=${bob.cookies.get(cookieName)}`;
    expect((await gateway.send('/', { cookie })).kind).toBe('forward');
    await alice.send('/outpost.goauthentik.io/sign_out');
    await gateway.engine.endCoreSession('e'.repeat(64));
    expect([statusOf(await gateway.send('/', { cookie })), (await gateway.send('/', { cookie: bobs })).kind]).toEqual([
      302,
      'forward',
    ]);
    await using later = await testGateway({ store: await place.open(), clock: place.clock, issuer: gateway.issuer });
    expect([statusOf(await later.send('/', { cookie })), (await later.send('/', { cookie: bobs })).kind]).toEqual([
      302,
      'forward',
    ]);
    await later.engine.endCoreSession('f'.repeat(64));
    expect(statusOf(await later.send('/', { cookie: bobs }))).toBe(302);
  });
  test('§17.10: after a start each session is asked about once', async () => {
    await using place = await running();
    await using gateway = await testGateway({ store: await place.open(), clock: place.clock });
    const browser = gateway.browser();
    await browser.login('/');
    await browser.send('/');
    await gateway.engine.liveness.idle();
    // The fixture's core knows of no active token: the session ended while nobody listened.
    expect(statusOf(await browser.send('/'))).toBe(302);
  });
  test('a login after a sign-out works', async () => {
    await using place = await running();
    await using gateway = await testGateway({ store: await place.open(), clock: place.clock });
    const browser = gateway.browser();
    await browser.login('/');
    await browser.send('/outpost.goauthentik.io/sign_out');
    await place.clock.advance(1_000);
    await browser.login('/');
    expect((await browser.send('/')).kind).toBe('forward');
  });
  test('proxy 95: the end of the token is the end of the session', async () => {
    await using place = await running();
    await using gateway = await testGateway({ store: await place.open(), clock: place.clock });
    gateway.issuer.lifeS = 100;
    gateway.issuer.offline = true;
    const browser = gateway.browser();
    await browser.login('/');
    await place.clock.advance(101_000);
    expect(statusOf(await browser.send('/'))).toBe(302);
  });
  test('a damaged last line is passed over, a folder that cannot be used stops the start', async () => {
    await using place = await running();
    const store = await place.open();
    await store.deleteBySid('s');
    appendFileSync(join(place.folder.path, 'revocations'), '{"kind":"sid","na');
    const again = await place.open();
    const now = place.clock.now();
    const session = { key: newKey(), sub: 'u', sid: 's', createdAtMs: now, expiresAtMs: now + 1 };
    expect(again.isAdmitted?.(session)).toBe(false);
    expect(again.isAdmitted?.({ ...session, sid: 't' })).toBe(true);
    chmodSync(place.folder.path, 0o700);
    const file = join(place.folder.path, 'revocations', 'below');
    const opening = openCookieStore({
      path: file,
      clock: place.clock,
      limits: defaultStoreLimits,
      log: captureLogger(),
    });
    await expect(opening).rejects.toMatchObject({ code: 'ERR_PROXY_SESSION_STORE' });
  });
});

describe('records in cookies', () => {
  const seal = createSeal('S'.repeat(32), 'session');
  const id = newSessionId();
  const key = sessionKeyOf(id) ?? ('' as SessionKey); // a new id is always a key
  const where = { clientId: 'abc', key, nowMs: 0 };
  const record = (payload: Record<string, unknown>, token = 'opaque') => ({
    clientId: 'abc',
    claims: parseClaims({ sub: 'u', exp: 9, ...payload }, token),
    createdAtMs: 1,
    expiresAtMs: 9_000,
  });
  const opened = (value: string) => {
    const carried = splitCarried(value);
    return carried === undefined ? undefined : openCarried(seal, where, carried.sealed);
  };
  test('what is sealed opens again, with claims of a token or beside it', () => {
    const payload = { sub: 'u', exp: 9, groups: ['a'], ak_proxy: { user_attributes: { x: 1 } } };
    const token = `h.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.s`;
    for (const given of [record(payload, token), record({ groups: ['b'], sid: 's' })]) {
      expect(opened(carriedValue(seal, id, key, given))).toMatchObject(given);
    }
  });
  test('a value that is changed anywhere is no session', () => {
    const value = carriedValue(seal, id, key, record({}));
    fc.assert(
      fc.property(
        fc.integer({ min: id.length + 1, max: value.length - 1 }),
        fc.constantFrom('A', 'z', '.', '-'),
        (at, letter) => {
          const changed = `${value.slice(0, at)}${letter}${value.slice(at + 1)}`;
          const bytes = (text: string) => splitCarried(text)?.sealed.toString('hex');
          if (bytes(changed) !== bytes(value)) expect(opened(changed)).toBeUndefined();
        },
      ),
    );
  });
  test('garbage is no session', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(opened(text)).toBeUndefined();
      }),
    );
  });
  test('a value under another id is no session', () => {
    const value = carriedValue(seal, id, key, record({}));
    const sealed = splitCarried(value)?.sealed ?? Buffer.alloc(0);
    const other = sessionKeyOf(newSessionId()) ?? key;
    expect(openCarried(seal, { ...where, key: other }, sealed)).toBeUndefined();
  });
  test('WISHES P9: never above 3,800 bytes; the token goes first, then the login is refused', () => {
    const noise = (length: number) => Array.from({ length }, () => Math.random().toString(36).slice(2)).join('');
    const heavy = carriedValue(seal, id, key, record({}, noise(600)));
    expect(heavy.length).toBeLessThanOrEqual(3_800);
    expect(opened(heavy)?.claims).toMatchObject({ sub: 'u', rawToken: '' });
    const groups = Array.from({ length: 600 }, () => noise(1));
    expect(() => carriedValue(seal, id, key, record({ groups }))).toThrow(
      expect.objectContaining({ code: 'ERR_PROXY_SESSION_STORE' }),
    );
  });
});
