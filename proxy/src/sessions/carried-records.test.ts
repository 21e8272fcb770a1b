// Renewal and cap of sessions that nobody keeps; what they have in common with kept ones is in renewal.test.ts and in the suite
// of the stores.
import { captureLogger, fakeClock, temporaryFolder } from '@gatehouse/daemon/testing';
import { describe, expect, test } from 'vitest';
import { cookieName } from '../testing/fixture.ts';
import { setCookiesOf, statusOf, type TestGateway, testGateway } from '../testing/test-gateway.ts';
import { openCookieStore } from './cookie-store.ts';
import { defaultStoreLimits } from './store.ts';

const traefik = '/outpost.goauthentik.io/auth/traefik';
const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'app.company', 'x-forwarded-uri': '/page' };

/** As many proxies as replicas, over stores that share nothing, before one core. */
async function replicas(count: number, { perUserCap = 50, mode = 'proxy' } = {}) {
  const folder = await temporaryFolder();
  const clock = fakeClock(Date.now());
  const gateways: TestGateway[] = [];
  for (let at = 0; at < count; at++) {
    const limits = { ...defaultStoreLimits, perUserCap };
    const options = { path: `${folder.path}/${at}`, clock, limits, log: captureLogger() };
    const [first] = gateways;
    gateways.push(
      await testGateway({
        store: await openCookieStore(options),
        clock,
        rows: [{ mode: mode === 'proxy' ? 'proxy' : 'forward_single' }],
        ...(first === undefined ? {} : { issuer: first.issuer }),
      }),
    );
  }
  const [one, other = one] = gateways;
  if (one === undefined || other === undefined) throw new Error('no replica');
  Object.assign(one.issuer, { offline: true, remembers: true, lifeS: 1_000 });
  return {
    one,
    other,
    clock,
    refreshes: () => one.issuer.requests.filter(({ form }) => form.get('grant_type') === 'refresh_token').length,
    async [Symbol.asyncDispose]() {
      for (const gateway of gateways.toReversed()) await gateway[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** @param visited whether the browser has had an answer besides the login's, which marks its cookie */
async function loggedIn(gateway: TestGateway, visited = true) {
  const browser = gateway.browser();
  await browser.login('/');
  if (visited) await browser.send('/');
  return { browser, cookie: () => `${cookieName}=${browser.cookies.get(cookieName)}` };
}

describe('§17.8: renewal of sessions in cookies', () => {
  test('a refresh token is not spent where new cookies do not arrive', async () => {
    await using place = await replicas(1);
    const { cookie } = await loggedIn(place.one, false);
    const asOfLogin = { cookie: cookie() };
    expect((await place.one.send('/', asOfLogin)).kind).toBe('forward');
    await place.clock.advance(970_000);
    expect((await place.one.send('/', asOfLogin)).kind).toBe('forward');
    await place.clock.advance(31_000);
    expect(statusOf(await place.one.send('/', asOfLogin))).toBe(302);
    expect(place.refreshes()).toBe(0);
  });
  test('who still sends the old cookie is answered with the new one', async () => {
    await using place = await replicas(1);
    const { browser, cookie } = await loggedIn(place.one);
    const old = cookie();
    await place.clock.advance(1_100_000);
    await browser.send('/');
    expect(cookie()).not.toBe(old);
    for (let round = 0; round < 3; round++) {
      const answer = await place.one.send('/', { cookie: old });
      expect([answer.kind, setCookiesOf(answer)[0]?.split(';')[0]]).toEqual(['forward', cookie()]);
    }
    expect(setCookiesOf(await browser.send('/'))).toEqual([]);
    expect(place.refreshes()).toBe(1);
  });
  test('another replica takes the new cookie, and spends nothing', async () => {
    await using place = await replicas(2);
    const { browser, cookie } = await loggedIn(place.one);
    await place.clock.advance(1_100_000);
    await browser.send('/');
    const answer = await place.other.send('/', { cookie: cookie() });
    expect([answer.kind, setCookiesOf(answer)]).toEqual(['forward', []]);
    expect(place.refreshes()).toBe(1);
  });
  test('two replicas at once: whoever is refused goes on to the end of the token', async () => {
    await using place = await replicas(2);
    const { browser, cookie } = await loggedIn(place.one);
    await place.clock.advance(970_000); // late enough for any of them, with some of the token left
    const old = { cookie: cookie() };
    expect((await browser.send('/')).kind).toBe('forward');
    for (let round = 0; round < 2; round++) expect((await place.other.send('/', old)).kind).toBe('forward');
    expect(place.refreshes()).toBe(2); // the second one was refused, and is not tried again
    await place.clock.advance(31_000);
    expect(statusOf(await place.other.send('/', old))).toBe(302);
    for (const gateway of [place.one, place.other])
      expect((await gateway.send('/', { cookie: cookie() })).kind).toBe('forward');
  });
  test('a core that drops the grant of a refresh token used twice ends it by one login more', async () => {
    await using place = await replicas(2);
    const { browser, cookie } = await loggedIn(place.one);
    place.one.issuer.dropsFamilies = true;
    await place.clock.advance(970_000);
    const old = { cookie: cookie() };
    await browser.send('/');
    expect((await place.other.send('/', old)).kind).toBe('forward');
    await place.other.send('/', { cookie: cookie() });
    await place.other.engine.liveness.idle();
    // The core says that the new token is over as well, and nobody is let in by one that it does not know.
    expect(statusOf(await place.other.send('/', { cookie: cookie() }))).toBe(302);
  });
  test('a core in trouble is not asked with each request, and one that is well again is', async () => {
    await using place = await replicas(1);
    const { browser, cookie } = await loggedIn(place.one);
    const old = cookie();
    place.one.issuer.faults.set('token', { status: 503 });
    await place.clock.advance(960_000);
    for (let round = 0; round < 3; round++) expect((await browser.send('/')).kind).toBe('forward');
    expect(place.refreshes()).toBe(1);
    place.one.issuer.faults.clear();
    await place.clock.advance(60_000);
    expect([(await browser.send('/')).kind, cookie() === old]).toEqual(['forward', false]);
  });
  test('workers tell each other the new cookie', async () => {
    await using place = await replicas(2);
    place.one.engine.onEnded((ended) => void place.other.engine.siblingEnded({ kind: 'ended', ...ended }));
    const { browser, cookie } = await loggedIn(place.one);
    const old = cookie();
    await place.clock.advance(1_100_000);
    await browser.send('/');
    const answer = await place.other.send('/', { cookie: old });
    expect([answer.kind, setCookiesOf(answer)[0]?.split(';')[0]]).toEqual(['forward', cookie()]);
    expect(place.refreshes()).toBe(1);
  });
  test('the auth answer carries it for the reverse proxy, and so does the probe', async () => {
    await using place = await replicas(1, { mode: 'forward_single' });
    const { browser } = await loggedIn(place.one, false);
    expect(setCookiesOf(await browser.send(traefik, forwarded)).length).toBe(1);
    await place.clock.advance(1_100_000);
    const answers = [await browser.send(traefik, forwarded), await browser.send(traefik, forwarded)];
    expect(answers.map((answer) => [statusOf(answer), setCookiesOf(answer).length])).toEqual([
      [200, 1],
      [200, 0],
    ]);
    await place.clock.advance(1_100_000);
    const probe = await browser.send('/outpost.goauthentik.io/userinfo');
    expect([statusOf(probe), setCookiesOf(probe).length, place.refreshes()]).toEqual([200, 1, 2]);
  });
  test('proxy 96, 98: what was renewed ends like any other, under its old and its new cookie', async () => {
    await using place = await replicas(2);
    const { browser, cookie } = await loggedIn(place.one);
    const old = cookie();
    await place.clock.advance(1_100_000);
    await browser.send('/');
    await place.one.send('/', { cookie: old });
    const sid = sidOf(place.one);
    for (const { engine } of [place.one, place.other]) await engine.endCoreSession(sid);
    for (const gateway of [place.one, place.other])
      for (const value of [old, cookie()]) expect(statusOf(await gateway.send('/', { cookie: value }))).toBe(302);
  });
  test('a sign-out tells the core that both tokens are over', async () => {
    await using place = await replicas(1);
    const { browser } = await loggedIn(place.one);
    await browser.send('/outpost.goauthentik.io/sign_out');
    expect(place.one.issuer.requests.filter(({ path }) => path.includes('revoke')).length).toBe(2);
  });
});

describe('§17.1: the cap on sessions in cookies', () => {
  test('the oldest end, on the replica where they began', async () => {
    await using place = await replicas(1, { perUserCap: 2 });
    const cookies: string[] = [];
    for (let at = 0; at < 3; at++) {
      const { cookie } = await loggedIn(place.one);
      cookies.push(cookie());
      await place.clock.advance(10);
    }
    const answers = await Promise.all(cookies.map((cookie) => place.one.send('/', { cookie })));
    expect(answers.map(statusOf)).toEqual([302, 200, 200]);
  });
  test('on another replica the same ones end, as soon as they are used there', async () => {
    await using place = await replicas(2, { perUserCap: 2 });
    const cookies: string[] = [];
    for (let at = 0; at < 3; at++) {
      const { cookie } = await loggedIn(place.one);
      cookies.push(cookie());
      await place.clock.advance(10);
    }
    const used = async () => {
      const statuses: number[] = [];
      for (const cookie of cookies) statuses.push(statusOf(await place.other.send('/', { cookie })));
      return statuses;
    };
    expect(await used()).toEqual([200, 200, 200]);
    expect(await used()).toEqual([302, 200, 200]);
  });
});

function sidOf({ issuer }: TestGateway): string {
  const [claims] = [...issuer.active.values()];
  return String(claims?.['sid'] ?? '');
}
