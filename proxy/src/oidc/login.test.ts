import { createSecretKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { app, callbackUri, isRedirectTo, locationState } from '../testing/fixture.ts';
import { headerOf, headersOf, statusOf, testGateway } from '../testing/test-gateway.ts';

describe('login', () => {
  test('proxy 25, 26: the authorize request', async () => {
    await using gateway = await testGateway();
    const url = new URL(headerOf(await gateway.send('/outpost.goauthentik.io/start'), 'location') ?? '');
    expect(url.href.startsWith(`${gateway.issuer.url}/application/o/authorize/?client_id=abc&code_challenge=`)).toBe(
      true,
    );
    expect([...url.searchParams.keys()]).toEqual([
      'client_id',
      'code_challenge',
      'code_challenge_method',
      'nonce',
      'redirect_uri',
      'response_type',
      'scope',
      'state',
    ]);
    expect(url.searchParams.get('redirect_uri')).toBe(callbackUri);
    expect(url.searchParams.get('scope')).toBe('openid profile email entitlements ak_proxy');
    expect(url.search).toContain('scope=openid+profile');
  });
  test('proxy 27: redirect URI for an Ext with a path', async () => {
    await using gateway = await testGateway({ rows: [{ external_host: `${app}/sub` }] });
    const uri = async () => {
      const location = headerOf(await gateway.send('/outpost.goauthentik.io/start'), 'location') ?? '';
      return new URL(location).searchParams.get('redirect_uri');
    };
    expect(await uri()).toBe(`${app}/sub?X-authentik-auth-callback=true`);
    gateway.load([{ external_host: `${app}/sub/` }]);
    expect(await uri()).toBe(`${app}/sub/outpost.goauthentik.io/callback?X-authentik-auth-callback=true`);
  });
  test('proxy 28, 29, 30: the state carries the validated target and not the session', async () => {
    await using gateway = await testGateway();
    const redirectOf = async (rd: string) => {
      const answer = await gateway.send(`/outpost.goauthentik.io/start?rd=${encodeURIComponent(rd)}`);
      const read = locationState(gateway, headerOf(answer, 'location') ?? '');
      return read.kind === 'valid' ? read.state.redirect : read.kind;
    };
    expect(await redirectOf('/test?foo')).toBe(`${app}/test?foo`);
    expect(await redirectOf(`${app}/x`)).toBe(`${app}/x`);
    expect(await redirectOf('https://google.com')).toBe('');
  });
  test('proxy 34, 43: callback, one token call, a new session, back to the target', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    const answer = await browser.login('/p?a=1&b=2');
    expect([statusOf(answer), headerOf(answer, 'location')]).toEqual([302, `${app}/p?a=1&b=2`]);
    const calls = gateway.issuer.requests.filter((request) => request.path.endsWith('/token/'));
    expect(calls.map((call) => [...call.form.keys()].sort())).toEqual([
      ['client_id', 'client_secret', 'code', 'code_verifier', 'grant_type', 'redirect_uri'],
    ]);
    const session = headersOf(answer, 'set-cookie').find((cookie) => cookie.startsWith('authentik_proxy_ba7816bf='));
    expect(Number(/Max-Age=(\d+)/.exec(session ?? '')?.[1])).toBeGreaterThan(3_500);
    expect([...browser.cookies.keys()].sort()).toEqual(['authentik_proxy_ba7816bf', 'authentik_proxy_ba7816bf_n']);
    expect((await browser.send('/anything')).kind).toBe('forward');
  });
  test('proxy 35: the signature makes any path a callback', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    const started = await browser.send('/outpost.goauthentik.io/start?rd=/x');
    const back =
      (await fetch(headerOf(started, 'location') ?? '', { redirect: 'manual' })).headers.get('location') ?? '';
    const query = new URL(back).search.replace('auth-callback=true', 'auth-callback=TRUE');
    const answer = await browser.send(`/some/path${query}`);
    expect(headerOf(answer, 'location')).toBe(`${app}/x`);
  });
  test('proxy 36: tampered state, foreign state, missing cookie: no login and no token call', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    const started = await browser.send('/outpost.goauthentik.io/start?rd=/x');
    const state = new URL(headerOf(started, 'location') ?? '').searchParams.get('state') ?? '';
    const callback = (given: string) =>
      `/outpost.goauthentik.io/callback?X-authentik-auth-callback=true&code=c&state=${given}`;
    for (const bad of ['', 'x', `${state}x`, state.replace('.', '.x')]) {
      const answer = await browser.send(callback(bad));
      expect([statusOf(answer), headerOf(answer, 'location')]).toEqual([400, undefined]);
    }
    const restarted = await gateway.send(callback(state));
    expect(statusOf(restarted)).toBe(302);
    expect(locationState(gateway, headerOf(restarted, 'location') ?? '')).toMatchObject({
      state: { bounces: 1, redirect: `${app}/x` },
    });
    expect(gateway.issuer.requests.filter((request) => request.path.endsWith('/token/'))).toEqual([]);
  });
  test('WISHES P1: a browser that keeps no cookies is not sent round for ever', async () => {
    await using gateway = await testGateway();
    let answer = await gateway.send('/outpost.goauthentik.io/start?rd=/x');
    let rounds = 0;
    while (statusOf(answer) === 302 && rounds < 10) {
      rounds += 1;
      const back =
        (await fetch(headerOf(answer, 'location') ?? '', { redirect: 'manual' })).headers.get('location') ?? '';
      answer = await gateway.send(back.slice(app.length));
    }
    expect([statusOf(answer), rounds]).toEqual([400, 3]);
  });
  test('WISHES P1: logins that succeed and lead back to a login stop as well', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    const statuses: number[] = [];
    for (let round = 0; round < 4; round++) {
      browser.cookies.delete('authentik_proxy_ba7816bf');
      const started = await browser.send('/outpost.goauthentik.io/start?rd=/x');
      statuses.push(statusOf(started));
      if (statusOf(started) === 302) await browser.followLogin(headerOf(started, 'location') ?? '');
    }
    expect(statuses).toEqual([302, 302, 302, 400]);
  });
  test('proxy 37: a state is good once and for ten minutes', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    const started = await browser.send('/outpost.goauthentik.io/start?rd=/x');
    const held = new Map(browser.cookies);
    const back =
      (await fetch(headerOf(started, 'location') ?? '', { redirect: 'manual' })).headers.get('location') ?? '';
    expect(headerOf(await browser.send(back.slice(app.length)), 'location')).toBe(`${app}/x`);
    browser.cookies.clear();
    for (const [name, value] of held) browser.cookies.set(name, value);
    const again = await browser.send(back.slice(app.length));
    expect(isRedirectTo(headerOf(again, 'location'), gateway.issuer.url)).toBe(true);
    expect(browser.cookies.has('authentik_proxy_ba7816bf')).toBe(false);
    const late = await browser.send('/outpost.goauthentik.io/start?rd=/x');
    const lateBack =
      (await fetch(headerOf(late, 'location') ?? '', { redirect: 'manual' })).headers.get('location') ?? '';
    await gateway.clock.advance(10 * 60_000);
    await browser.send(lateBack.slice(app.length));
    expect(browser.cookies.has('authentik_proxy_ba7816bf')).toBe(false);
  });
  test('proxy 38: two tabs log in at the same time', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    const one = headerOf(await browser.send('/outpost.goauthentik.io/start?rd=/one'), 'location') ?? '';
    const two = headerOf(await browser.send('/outpost.goauthentik.io/start?rd=/two'), 'location') ?? '';
    expect(headerOf(await browser.followLogin(one), 'location')).toBe(`${app}/one`);
    expect(headerOf(await browser.followLogin(two), 'location')).toBe(`${app}/two`);
  });
  test('proxy 39: an error of the core is a page that names it', async () => {
    await using gateway = await testGateway();
    gateway.issuer.denied = 'access_denied';
    const answer = await gateway.browser().login('/x');
    expect([statusOf(answer), headerOf(answer, 'location')]).toEqual([403, undefined]);
    expect(answer.kind === 'refused' && answer.body.includes('access_denied')).toBe(true);
  });
  const expired = Math.floor(Date.now() / 1000) - 3_600;
  for (const [what, claims] of [
    ['a wrong issuer', { iss: 'https://other/application/o/app/' }],
    ['an issuer with another path', { iss: 'PATH' }],
    ['a wrong audience', { aud: 'other' }],
    ['a past end', { exp: expired }],
    ['a start in the future', { nbf: 9_999_999_999 }],
    ['another client', { azp: 'other' }],
    ['another nonce', { nonce: 'other' }],
    ['no subject', { sub: undefined }],
  ] as const) {
    test(`proxy 40, 41: a token with ${what} is refused with a page`, async () => {
      await using gateway = await testGateway();
      const iss = 'iss' in claims && claims.iss === 'PATH' ? { iss: `${gateway.issuer.url}/application/o/other/` } : {};
      gateway.issuer.tokenClaims = { ...claims, ...iss };
      const browser = gateway.browser();
      const answer = await browser.login('/x');
      expect([statusOf(answer), headerOf(answer, 'location')]).toEqual([400, undefined]);
      expect(browser.cookies.has('authentik_proxy_ba7816bf')).toBe(false);
    });
  }
  test('proxy 40, 109: a token endpoint that fails is a page with Retry-After', async () => {
    await using gateway = await testGateway();
    gateway.issuer.faults.set('token', { status: 500 });
    const answer = await gateway.browser().login('/x');
    expect([statusOf(answer), headerOf(answer, 'location'), headerOf(answer, 'retry-after')]).toEqual([
      503,
      undefined,
      '10',
    ]);
  });
  test('proxy 41: signatures of another secret and of nobody are refused', async () => {
    await using gateway = await testGateway();
    const claims = { sub: 'u', aud: 'abc', iss: `${gateway.issuer.url}/application/o/app/`, exp: expired + 7_200 };
    for (const token of [
      gateway.issuer.sign(claims, { secret: 'other' }),
      gateway.issuer.sign(claims, { algorithm: 'none' }),
      gateway.issuer.sign(claims, { algorithm: 'RS256' }),
      'no.jwt.here',
    ]) {
      gateway.issuer.faults.set('token', { status: 200, body: JSON.stringify({ access_token: token }) });
      expect(statusOf(await gateway.browser().login('/x'))).toBe(400);
    }
  });
  test('proxy 42: keys of the key set, fetched again for an unknown one; a public key is no secret', async () => {
    for (const algorithm of ['RS256', 'ES256'] as const) {
      await using gateway = await testGateway();
      gateway.issuer.algorithm = algorithm;
      gateway.load([{}]);
      const fetched = () => gateway.issuer.requests.filter((request) => request.path.endsWith('/jwks/')).length;
      expect(statusOf(await gateway.browser().login('/x'))).toBe(302);
      expect(statusOf(await gateway.browser().login('/x'))).toBe(302);
      expect(fetched()).toBe(1);
      gateway.issuer.rotateKeys();
      await gateway.clock.advance(10_000);
      expect(statusOf(await gateway.browser().login('/x'))).toBe(302);
      expect(fetched()).toBe(2);
      const jwks = await (await fetch(`${gateway.issuer.url}/application/o/app/jwks/`)).text();
      const secret = createSecretKey(Buffer.from(jwks)).export().toString();
      const claims = { sub: 'u', aud: 'abc', iss: `${gateway.issuer.url}/application/o/app/`, exp: 9_999_999_999 };
      const forged = gateway.issuer.sign(claims, { algorithm: 'HS256', secret });
      gateway.issuer.faults.set('token', { status: 200, body: JSON.stringify({ access_token: forged }) });
      expect(statusOf(await gateway.browser().login('/x'))).toBe(400);
    }
  });
  test('proxy 44: a cookie of another implementation is replaced without a 400', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    browser.cookies.set('authentik_proxy_ba7816bf', 'MTcwMDAwMDAwMHxEWDhFQVFMX2dBQUJFQUVRQUFBX180SUFBUT09fA==');
    expect(statusOf(await browser.send('/'))).toBe(302);
    expect(statusOf(await browser.login('/x'))).toBe(302);
    expect((await browser.send('/x')).kind).toBe('forward');
  });
});
