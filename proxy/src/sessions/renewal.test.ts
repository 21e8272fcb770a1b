import { setTimeout as pause } from 'node:timers/promises';
import { captureLogger, fakeClock, temporaryFolder } from '@gatehouse/daemon/testing';
import { describe, expect, test } from 'vitest';
import { cookieName } from '../testing/fixture.ts';
import { statusOf, type TestGateway, testGateway } from '../testing/test-gateway.ts';
import { openCookieStore } from './cookie-store.ts';
import { createMemoryStore } from './memory-store.ts';
import { defaultStoreLimits } from './store.ts';

const refreshes = (gateway: TestGateway) =>
  gateway.issuer.requests.filter(({ form }) => form.get('grant_type') === 'refresh_token').length;
/** Until what runs in the background is over; nothing tells a user of it either. */
const until = async (holds: () => Promise<boolean> | boolean) => {
  for (let round = 0; round < 2_000; round++) {
    if (await holds()) return;
    await pause(1);
  }
  throw new Error('it never holds');
};

const kinds = [
  { name: 'memory', due: [799_000, 800_000] },
  // Replicas differ by chance.
  { name: 'cookie', due: [749_000, 951_000] },
] as const;

describe.each(kinds)('§17.8: renewal, store $name', ({ name, due }) => {
  const loggedIn = async () => {
    const folder = await temporaryFolder();
    const clock = fakeClock(Date.now());
    const options = { path: folder.path, clock, limits: defaultStoreLimits, log: captureLogger() };
    const store = name === 'cookie' ? await openCookieStore(options) : createMemoryStore(clock, defaultStoreLimits);
    const gateway = await testGateway({ store, clock });
    Object.assign(gateway.issuer, { offline: true, remembers: true, lifeS: 1_000 });
    const browser = gateway.browser();
    await browser.login('/');
    expect((await browser.send('/')).kind).toBe('forward');
    const dispose = async () => {
      await gateway[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    };
    return { gateway, browser, [Symbol.asyncDispose]: dispose };
  };
  test('the cookie lives as long as the session may, not as the token', async () => {
    await using gateway = await testGateway();
    gateway.issuer.offline = true;
    const answer = await gateway.browser().login('/');
    const cookie = answer.kind === 'refused' ? answer.headers.find((value) => value.startsWith(`${cookieName}=`)) : '';
    expect(cookie).toContain('Max-Age=86400');
  });
  test('late in a token’s life it is renewed in the background, with the claims of then', async () => {
    await using session = await loggedIn();
    const { gateway, browser } = session;
    await gateway.clock.advance(due[0]);
    await browser.send('/');
    expect(refreshes(gateway)).toBe(0);
    gateway.issuer.user = { groups: ['new'] };
    await gateway.clock.advance(due[1] - due[0]);
    expect((await browser.send('/')).kind).toBe('forward');
    await until(async () => {
      const answer = await browser.send('/');
      return answer.kind === 'forward' && answer.allow.identity?.claims.groups[0] === 'new';
    });
    expect(refreshes(gateway)).toBe(1);
    await gateway.clock.advance(700_000);
    expect((await browser.send('/')).kind).toBe('forward');
  });
  test('WISHES P8: a hundred requests at once spend one refresh token', async () => {
    await using session = await loggedIn();
    const { gateway, browser } = session;
    await gateway.clock.advance(1_100_000); // the token is over: all of them have to wait
    const answers = await Promise.all(Array.from({ length: 100 }, () => browser.send('/')));
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['forward']));
    expect(refreshes(gateway)).toBe(1);
  });
  test('a refusal ends the session', async () => {
    await using session = await loggedIn();
    const { gateway, browser } = session;
    gateway.issuer.faults.set('token', { status: 400, body: '{"error":"invalid_grant"}' });
    await gateway.clock.advance(1_100_000);
    expect(statusOf(await browser.send('/'))).toBe(302);
    if (name !== 'cookie') expect(await gateway.store.count()).toBe(0);
  });
  test('§7.6: a token without the core’s session ends the session', async () => {
    await using session = await loggedIn();
    const { gateway, browser } = session;
    gateway.issuer.user = { sid: undefined };
    await gateway.clock.advance(1_100_000);
    expect(statusOf(await browser.send('/'))).toBe(302);
    expect(await gateway.store.count()).toBe(0);
  });
  test('trouble of the core keeps a session up to the end of its token, and not longer', async () => {
    await using session = await loggedIn();
    const { gateway, browser } = session;
    gateway.issuer.faults.set('token', { status: 503 });
    await gateway.clock.advance(900_000);
    for (let round = 0; round < 3; round++) expect((await browser.send('/')).kind).toBe('forward');
    await gateway.clock.advance(150_000);
    expect(statusOf(await browser.send('/'))).toBe(302);
    gateway.issuer.faults.clear();
    expect((await browser.send('/')).kind).toBe('forward');
  });
  test('a session that is renewed ends all the same', async () => {
    await using session = await loggedIn();
    const { gateway, browser } = session;
    gateway.issuer.lifeS = 200_000;
    await gateway.clock.advance(1_100_000);
    expect((await browser.send('/')).kind).toBe('forward');
    await gateway.clock.advance(86_400_000);
    expect(statusOf(await browser.send('/'))).toBe(302);
  });
});
