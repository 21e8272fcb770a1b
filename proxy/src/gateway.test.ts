import { createHash, createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseState } from './oidc/login-state.ts';
import { headerOf, headersOf, incoming, statusOf, type TestGateway, testGateway } from './testing/test-gateway.ts';

const app = 'https://app.company';
const callbackUri = `${app}/outpost.goauthentik.io/callback?X-authentik-auth-callback=true`;
const stateKey = { clientId: 'abc', cookieSecret: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345' };
const forwarded = (uri: string, host = 'app.company') => ({
  'x-forwarded-proto': 'https',
  'x-forwarded-host': host,
  'x-forwarded-uri': uri,
});
const traefik = '/outpost.goauthentik.io/auth/traefik';
const nginx = '/outpost.goauthentik.io/auth/nginx';
const isRedirectTo = (location: string | undefined, start: string) => location?.startsWith(start) === true;
const locationState = (gateway: TestGateway, location: string) =>
  parseState(stateKey, new URL(location).searchParams.get('state') ?? '', gateway.clock.now());

describe('hosts', () => {
  test('proxy 1, 2: ping and static answer for every host', async () => {
    await using gateway = await testGateway({ rows: [{}, { external_host: 'https://b.company', name: 'q' }] });
    for (const method of ['GET', 'POST', 'HEAD']) {
      const answer = await gateway.send('/outpost.goauthentik.io/ping', { host: 'any' }, { method });
      expect(answer).toMatchObject({ status: 204, body: '' });
    }
    expect(statusOf(await gateway.send('/outpost.goauthentik.io/pingxyz'))).toBe(204);
    expect(statusOf(await gateway.send('/outpost.goauthentik.io/static/nothing'))).toBe(404);
    expect(statusOf(await gateway.send('/outpost.goauthentik.io/static/dist/'))).toBe(404);
  });
  test('proxy 3: an unknown host gets the documented JSON, and the log names the nearest', async () => {
    await using gateway = await testGateway({ rows: [{}, { external_host: 'https://b.company', name: 'q' }] });
    const answer = await gateway.send('/', { host: 'apps.company' });
    expect(answer).toMatchObject({
      status: 400,
      body: `{\n\t"Message": "no app for hostname",\n\t"Host": "apps.company",\n\t"Detail": "Check the outpost settings and make sure 'apps.company' is included."\n}\n`,
    });
    expect(headerOf(answer, 'content-type')).toBe('application/json');
    expect(gateway.log.lines.find((line) => line.event === 'no app for hostname')?.['hint']).toContain('app.company');
  });
  test('proxy 4, 5: the only application takes any host; X-Forwarded-Host of a trusted peer selects', async () => {
    await using gateway = await testGateway();
    expect(statusOf(await gateway.send('/', { host: 'nope.company' }))).toBe(302);
    gateway.load([{}, { external_host: 'https://b.company', name: 'q', client_id: 'other' }]);
    const answer = await gateway.send('/', { host: '10.0.0.1:9000', 'x-forwarded-host': 'app.company' });
    expect(isRedirectTo(headerOf(answer, 'location'), app)).toBe(true);
  });
  test('§2.6: X-Forwarded-Host of an untrusted peer is not believed in proxy mode', async () => {
    await using gateway = await testGateway({ rows: [{}, { external_host: 'https://b.company', name: 'q' }] });
    const answer = await gateway.send(
      '/',
      { host: 'b.company', 'x-forwarded-host': 'app.company' },
      { peer: '8.8.8.8' },
    );
    expect(isRedirectTo(headerOf(answer, 'location'), 'https://b.company/')).toBe(true);
  });
});

describe('proxy mode without a session', () => {
  test('proxy 16, 17, 19: 302 to start with the whole target, byte for byte', async () => {
    await using gateway = await testGateway();
    const location = async (target: string) => headerOf(await gateway.send(target), 'location');
    expect(await location('/foo/bar')).toBe(
      `${app}/outpost.goauthentik.io/start?rd=https%3A%2F%2Fapp.company%2Ffoo%2Fbar`,
    );
    const withQuery = new URL((await location('/foo?x=1&y=a%20b')) ?? '');
    expect(withQuery.searchParams.get('rd')).toBe(`${app}/foo?x=1&y=a%20b`);
    expect(await location('/api/queues/%2F/x')).toContain('%252F');
  });
  test('proxy 18: the path of Ext stays in front', async () => {
    await using gateway = await testGateway({ rows: [{ external_host: `${app}/sub` }] });
    expect(headerOf(await gateway.send('/foo'), 'location')).toBe(
      `${app}/sub/outpost.goauthentik.io/start?rd=https%3A%2F%2Fapp.company%2Fsub%2Ffoo`,
    );
  });
  test('proxy 20, 21: a bad Authorization is 401 with intercept on, a redirect with it off', async () => {
    await using gateway = await testGateway();
    const refused = await gateway.send('/', { authorization: 'Bearer bad' });
    expect([statusOf(refused), headerOf(refused, 'location')]).toEqual([401, undefined]);
    expect(refused.kind === 'refused' && refused.body.includes('Receive header authentication')).toBe(true);
    expect(headerOf(refused, 'www-authenticate')).toContain('Bearer');
    gateway.load([{ intercept_header_auth: false }]);
    expect(statusOf(await gateway.send('/', { authorization: 'Bearer bad' }))).toBe(302);
  });
  test('proxy 22, 23: what is no navigation gets 401 with the login URL; strict redirects', async () => {
    await using gateway = await testGateway();
    await using strict = await testGateway({ strict: true });
    const upgrade = { upgrade: 'websocket', connection: 'Upgrade' };
    for (const headers of [
      { 'sec-fetch-mode': 'cors' },
      { 'x-requested-with': 'XMLHttpRequest' },
      { accept: 'application/json' },
      upgrade,
    ]) {
      const answer = await gateway.send('/api?x=1', headers);
      expect([statusOf(answer), headerOf(answer, 'location')]).toEqual([401, undefined]);
      expect(answer.kind === 'refused' && JSON.parse(answer.body)).toMatchObject({ error: 'unauthenticated' });
      expect(new URL(headerOf(answer, 'x-outpost-location') ?? '').searchParams.get('rd')).toBe(`${app}/api?x=1`);
      expect(statusOf(await strict.send('/api', headers))).toBe(302);
    }
  });
  test('proxy 24: a thousand anonymous requests leave nothing behind', async () => {
    await using gateway = await testGateway();
    for (let round = 0; round < 1_000; round++) {
      const answer = await gateway.send(round % 2 === 0 ? '/' : '/outpost.goauthentik.io/start');
      expect(statusOf(answer)).toBe(302);
    }
    expect(await gateway.store.count()).toBe(0);
  });
});

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
    expect(gateway.log.lines.find((line) => line.event === 'login loop stopped')?.['reason']).toContain('cookie');
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
      502,
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

describe('Traefik and Caddy', () => {
  const forward = { mode: 'forward_single' } as const;
  test('proxy 45: without the headers a configuration error, reported once, without cookies', async () => {
    await using gateway = await testGateway({ rows: [forward] });
    for (let round = 0; round < 2; round++) {
      const answer = await gateway.send(traefik, { cookie: 'a=secret', authorization: 'Bearer secret' });
      expect(answer).toMatchObject({ status: 500, body: 'configuration error\n' });
    }
    expect(gateway.events.length).toBe(1);
    expect(gateway.events[0]).toMatchObject({ action: 'configuration_error', client_ip: '127.0.0.1' });
    expect(JSON.stringify(gateway.events[0])).not.toContain('secret');
  });
  test('proxy 46: straight to authorize, the target in the state, one cookie', async () => {
    await using gateway = await testGateway({ rows: [forward] });
    const answer = await gateway.send(traefik, forwarded('/app'));
    const location = headerOf(answer, 'location') ?? '';
    expect(isRedirectTo(location, `${gateway.issuer.url}/application/o/authorize/`)).toBe(true);
    expect(locationState(gateway, location)).toMatchObject({ kind: 'valid', state: { redirect: `${app}/app` } });
    expect(headersOf(answer, 'set-cookie').length).toBe(1);
  });
  test('proxy 47, 48: login through the middleware, then 200 with all twelve headers', async () => {
    await using gateway = await testGateway({ rows: [forward] });
    const browser = gateway.browser();
    const started = await browser.send(traefik, forwarded('/app?x=1'));
    const back =
      (await fetch(headerOf(started, 'location') ?? '', { redirect: 'manual' })).headers.get('location') ?? '';
    const finished = await browser.send(traefik, forwarded(back.slice(app.length)));
    expect([statusOf(finished), headerOf(finished, 'location')]).toEqual([302, `${app}/app?x=1`]);
    for (const path of [traefik, traefik.replace('traefik', 'caddy'), traefik.replace('traefik', 'haproxy')]) {
      const answer = await browser.send(path, { ...forwarded('/app'), 'user-agent': 'curl' });
      expect(answer.kind).toBe('allowed');
      expect(headerOf(answer, 'x-authentik-username')).toBe('alice');
      expect(headerOf(answer, 'x-authentik-groups')).toBe('a|b');
      expect(headerOf(answer, 'x-authentik-entitlements')).toBe('');
      expect(headerOf(answer, 'user-agent')).toBe('curl');
      expect(headersOf(answer, 'set-cookie')).toEqual([]);
    }
  });
  test('proxy 49: the logout signature ends the session', async () => {
    await using gateway = await testGateway({ rows: [forward] });
    const browser = gateway.browser();
    await browser.login('/');
    const answer = await browser.send(traefik, forwarded('/x?X-authentik-logout=true'));
    expect(
      isRedirectTo(headerOf(answer, 'location'), `${gateway.issuer.url}/application/o/app/end-session/?id_token_hint=`),
    ).toBe(true);
  });
  test('proxy 50: an allow-listed target is let through, with every identity header empty', async () => {
    await using gateway = await testGateway({ rows: [{ ...forward, skip_path_regex: '^/public/' }] });
    const answer = await gateway.send(traefik, forwarded('/public/x'));
    expect(answer.kind).toBe('allowed');
    expect(headerOf(answer, 'x-authentik-username')).toBe('');
    expect(statusOf(await gateway.send(traefik, forwarded('/public/../admin')))).toBe(302);
  });
  test('proxy 51: no slash behind the endpoint, nothing else on a forward application', async () => {
    await using gateway = await testGateway({ rows: [forward] });
    expect(await gateway.send(`${traefik}/`, forwarded('/'))).toMatchObject({
      status: 404,
      body: '404 page not found\n',
    });
    expect(statusOf(await gateway.send('/'))).toBe(404);
  });
  test('proxy 53: another host with the cookie of this application is not let in', async () => {
    await using gateway = await testGateway({
      rows: [forward, { ...forward, external_host: 'https://other.company', name: 'q', client_id: 'other' }],
    });
    const browser = gateway.browser();
    await browser.login('/');
    expect(statusOf(await browser.send(traefik, forwarded('/')))).toBe(200);
    const other = await browser.send(traefik, forwarded('/', 'other.company'), {});
    expect(statusOf(other)).toBe(302);
  });
});

describe('nginx', () => {
  const forward = { mode: 'forward_single' } as const;
  const at = (url: string) => ({ 'x-original-url': url, 'x-forwarded-host': 'app.company' });
  test('proxy 54, 60: 500 without a URL, else 401 with an escaped target for navigations and no cookie', async () => {
    await using gateway = await testGateway({ rows: [forward] });
    expect(await gateway.send(nginx)).toMatchObject({ status: 500, body: 'configuration error\n' });
    const answer = await gateway.send(nginx, at(`${app}/p?a=1&b=2`));
    expect(answer).toMatchObject({ status: 401, body: 'unauthorized request\n' });
    expect(new URL(headerOf(answer, 'x-outpost-location') ?? '').searchParams.get('rd')).toBe(`${app}/p?a=1&b=2`);
    expect(headersOf(answer, 'set-cookie')).toEqual([]);
    const script = await gateway.send(nginx, { ...at(`${app}/p`), 'sec-fetch-mode': 'cors' });
    expect([statusOf(script), headerOf(script, 'x-outpost-location')]).toEqual([401, undefined]);
  });
  test('proxy 55, 56: X-Original-URI wins; with a session 200, identity and Authorization', async () => {
    await using gateway = await testGateway({
      rows: [{ ...forward, basic_auth_enabled: true, basic_auth_password_attribute: 'p', skip_path_regex: '^/public' }],
    });
    gateway.issuer.user = { ak_proxy: { user_attributes: { p: 'pw' } } };
    expect(statusOf(await gateway.send(nginx, { ...at(`${app}/x`), 'x-original-uri': '/public?x=/admin' }))).toBe(200);
    expect(statusOf(await gateway.send(nginx, { ...at(`${app}/public`), 'x-original-uri': '/x' }))).toBe(401);
    const browser = gateway.browser();
    await browser.login('/');
    const answer = await browser.send(nginx, at(`${app}/x`));
    expect([answer.kind, headerOf(answer, 'x-authentik-email')]).toEqual(['allowed', 'alice@company']);
    expect(headerOf(answer, 'authorization')).toBe(`Basic ${btoa('alice@company:pw')}`);
  });
  test('proxy 57: the outpost paths themselves need no login', async () => {
    await using gateway = await testGateway({ rows: [forward] });
    expect(statusOf(await gateway.send(nginx, at(`${app}/outpost.goauthentik.io/start`)))).toBe(200);
  });
  for (const path of [
    '/outpost.goauthentik.io/../admin',
    '/outpost.goauthentik.iox',
    '/outpost.goauthentik.io%2f..%2fadmin',
  ])
    test(`proxy 58: ${path} is no outpost path`, async () => {
      await using gateway = await testGateway({ rows: [forward] });
      expect(statusOf(await gateway.send(nginx, at(app + path)))).toBe(401);
    });
  test('proxy 59: the absolute URL decides, whatever X-Forwarded-Host says', async () => {
    await using gateway = await testGateway({
      rows: [forward, { ...forward, external_host: 'https://other.company', name: 'q', client_id: 'other' }],
    });
    const browser = gateway.browser();
    await browser.login('/');
    const other = { 'x-original-url': 'https://other.company/x', 'x-forwarded-host': 'app.company' };
    expect(statusOf(await browser.send(nginx, other))).toBe(401);
    expect(statusOf(await browser.send(nginx, { ...at(`${app}/x`), 'x-forwarded-host': 'other.company' }))).toBe(200);
  });
});

describe('Envoy', () => {
  const rows = [{ mode: 'forward_single', skip_path_regex: '/skip.*' }] as const;
  const envoy = '/outpost.goauthentik.io/auth/envoy';
  test('proxy 61, 62, 63: the raw target behind the prefix is what counts', async () => {
    await using gateway = await testGateway({ rows });
    const target = async (path: string) => {
      const read = locationState(gateway, headerOf(await gateway.send(envoy + path), 'location') ?? '');
      return read.kind === 'valid' ? read.state.redirect : read.kind;
    };
    expect(await target('/app?x=1')).toBe(`${app}/app?x=1`);
    expect(await target('/a%2Fb')).toBe(`${app}/a%2Fb`);
    expect(statusOf(await gateway.send(`${envoy}/skip`))).toBe(200);
    expect(statusOf(await gateway.send('/outpost.goauthentik.io/auth/envoyfoo'))).toBe(404);
    const browser = gateway.browser();
    await browser.login('/');
    expect(headerOf(await browser.send(`${envoy}/app`), 'x-authentik-username')).toBe('alice');
  });
});

describe('header authentication', () => {
  const active = (gateway: TestGateway, token: string, claims: Record<string, unknown> = {}) =>
    gateway.issuer.active.set(token, {
      sub: 'u',
      preferred_username: 'bot',
      exp: Math.floor(gateway.clock.now() / 1000) + 3_600,
      ...claims,
    });
  const calls = (gateway: TestGateway, path: string) =>
    gateway.issuer.requests.filter((request) => request.path.endsWith(path));
  test('proxy 81, 83, 87: one introspection, a session, and memory for a minute', async () => {
    await using gateway = await testGateway();
    active(gateway, 'a.b.c');
    const headers = { authorization: 'Bearer a.b.c' };
    const answers = await Promise.all(Array.from({ length: 50 }, () => gateway.send('/', headers)));
    expect(answers.every((answer) => answer.kind === 'forward' && answer.authentication.usedAuthorization)).toBe(true);
    expect(
      answers.filter((answer) => answer.kind === 'forward' && answer.authentication.setCookie !== undefined).length,
    ).toBe(1);
    expect(Object.fromEntries(calls(gateway, '/introspect/')[0]?.form ?? [])).toMatchObject({
      client_id: 'abc',
      token: 'a.b.c',
    });
    expect(calls(gateway, '/introspect/').length).toBe(1);
    await gateway.clock.advance(59_000);
    await gateway.send('/', headers);
    expect(calls(gateway, '/introspect/').length).toBe(1);
    await gateway.clock.advance(2_000);
    await gateway.send('/', headers);
    expect(calls(gateway, '/introspect/').length).toBe(2);
  });
  test('proxy 82: inactive, failing and garbled introspections are no login', async () => {
    await using gateway = await testGateway();
    const attempt = async (token: string) => statusOf(await gateway.send('/', { authorization: `Bearer ${token}` }));
    expect(await attempt('x.y.z')).toBe(401);
    gateway.issuer.faults.set('introspect', { status: 500, body: '{"active":true,"sub":"u","exp":9999999999}' });
    expect(await attempt('x.y.1')).toBe(401);
    gateway.issuer.faults.set('introspect', { status: 200, body: 'garbage' });
    expect(await attempt('x.y.2')).toBe(401);
    expect(await attempt('')).toBe(401);
  });
  test('proxy 85, 86: an app password by the client credentials grant; the token user falls back to it', async () => {
    await using gateway = await testGateway();
    gateway.issuer.appPasswords.set('alice', 'app-pw').set('goauthentik.io/token', 'fallback');
    const basic = (user: string, password: string) => ({ authorization: `Basic ${btoa(`${user}:${password}`)}` });
    const answer = await gateway.send('/', basic('alice', 'app-pw'));
    expect(answer.kind === 'forward' && answer.allow.identity?.claims.preferredUsername).toBe('alice');
    const form = calls(gateway, '/token/')[0]?.form;
    expect([form?.get('grant_type'), form?.has('client_secret')]).toEqual(['client_credentials', false]);
    expect(statusOf(await gateway.send('/', basic('alice', 'wrong')))).toBe(401);
    active(gateway, 't.o.k');
    expect((await gateway.send('/', basic('goauthentik.io/token', 't.o.k'))).kind).toBe('forward');
    expect((await gateway.send('/', basic('goauthentik.io/token', 'fallback'))).kind).toBe('forward');
  });
  test('proxy 88: a session of a token lives no longer than the token', async () => {
    await using gateway = await testGateway();
    active(gateway, 'a.b.c', { exp: Math.floor(gateway.clock.now() / 1000) + 300 });
    const answer = await gateway.send('/', { authorization: 'Bearer a.b.c' });
    const cookie = answer.kind === 'forward' ? answer.authentication.setCookie : '';
    expect(Number(/Max-Age=(\d+)/.exec(cookie ?? '')?.[1])).toBeLessThanOrEqual(300);
  });
  test('proxy 89: with a session the header is not looked at and goes on', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    await browser.login('/');
    const answer = await browser.send('/', { authorization: 'Bearer x.y.z' });
    expect(answer.kind === 'forward' && answer.authentication.usedAuthorization).toBe(false);
    expect(calls(gateway, '/introspect/')).toEqual([]);
  });
  test('CVE-2024-47077: what is remembered for one application is nothing to another', async () => {
    await using gateway = await testGateway({
      rows: [{}, { external_host: 'https://b.company', name: 'q', client_id: 'b', client_secret: 'other' }],
    });
    active(gateway, 'a.b.c');
    expect((await gateway.send('/', { authorization: 'Bearer a.b.c' })).kind).toBe('forward');
    expect(statusOf(await gateway.send('/', { host: 'b.company', authorization: 'Bearer a.b.c' }))).toBe(401);
  });
});

describe('sessions and logout', () => {
  const sid = createHash('sha256').update('session-of-alice').digest('hex');
  test('proxy 92, 93: two providers keep their own settings, and their own sessions', async () => {
    await using gateway = await testGateway({
      rows: [
        {},
        {
          external_host: 'http://b.company',
          name: 'q',
          client_id: 'b',
          cookie_secret: 'another',
          cookie_domain: '.company',
        },
      ],
    });
    const browser = gateway.browser();
    await browser.login('/');
    const value = browser.cookies.get('authentik_proxy_ba7816bf') ?? '';
    const started = await gateway.send('/outpost.goauthentik.io/start', { host: 'b.company' });
    expect(headerOf(started, 'set-cookie')).toContain('Domain=company');
    expect(headerOf(started, 'set-cookie')).not.toContain('Secure');
    const name = `authentik_proxy_${createHash('sha256').update('b').digest('hex').slice(0, 8)}`;
    expect(statusOf(await gateway.send('/', { host: 'b.company', cookie: `${name}=${value}` }))).toBe(302);
  });
  test('proxy 94: a value that the client made up is never a session', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    const chosen = 'A'.repeat(43);
    browser.cookies.set('authentik_proxy_ba7816bf', chosen);
    expect(statusOf(await browser.send('/'))).toBe(302);
    await browser.login('/');
    expect(browser.cookies.get('authentik_proxy_ba7816bf')).not.toBe(chosen);
  });
  test('proxy 95: after its end a session is refused', async () => {
    await using gateway = await testGateway();
    gateway.issuer.lifeS = 100;
    const browser = gateway.browser();
    await browser.login('/');
    expect((await browser.send('/')).kind).toBe('forward');
    await gateway.clock.advance(101_000);
    expect(statusOf(await browser.send('/'))).toBe(302);
  });
  test('proxy 96: signing out ends every session of the user and clears the cookie', async () => {
    await using gateway = await testGateway();
    const [one, two] = [gateway.browser(), gateway.browser()];
    await one.login('/');
    await two.login('/');
    const answer = await one.send('/outpost.goauthentik.io/sign_out');
    expect(
      isRedirectTo(headerOf(answer, 'location'), `${gateway.issuer.url}/application/o/app/end-session/?id_token_hint=`),
    ).toBe(true);
    expect(one.cookies.has('authentik_proxy_ba7816bf')).toBe(false);
    expect(statusOf(await two.send('/'))).toBe(302);
  });
  test('proxy 97, §17.14: without a session to Ext; from another site only a question', async () => {
    await using gateway = await testGateway();
    expect(headerOf(await gateway.send('/outpost.goauthentik.io/sign_out'), 'location')).toBe(`${app}/`);
    const browser = gateway.browser();
    await browser.login('/');
    const asked = await browser.send('/outpost.goauthentik.io/sign_out', { 'sec-fetch-site': 'cross-site' });
    expect([statusOf(asked), (await browser.send('/')).kind]).toEqual([403, 'forward']);
  });
  test('proxy 98, core-contract 24: the end of a core session ends exactly its sessions', async () => {
    await using gateway = await testGateway();
    const [alice, bob] = [gateway.browser(), gateway.browser()];
    await alice.login('/');
    gateway.issuer.user = { sub: 'sub-of-bob', sid: 'f'.repeat(64) };
    await bob.login('/');
    expect([(await alice.send('/')).kind, (await bob.send('/')).kind]).toEqual(['forward', 'forward']);
    await gateway.engine.endCoreSession(sid);
    expect([statusOf(await alice.send('/')), (await bob.send('/')).kind]).toEqual([302, 'forward']);
  });
  test('proxy 107: any name of the core is a good issuer', async () => {
    await using gateway = await testGateway({ authentikHost: 'https://auth.company' });
    gateway.issuer.tokenClaims = { iss: 'https://auth.company/application/o/app/' };
    expect(statusOf(await gateway.browser().login('/'))).toBe(302);
    gateway.issuer.tokenClaims = { iss: 'https://auth.company/application/o/other/' };
    expect(statusOf(await gateway.browser().login('/'))).toBe(400);
  });
  test('proxy 106: the browser gets its own host, the back channel the delivered one with the right Host', async () => {
    await using gateway = await testGateway({ hostBrowser: 'https://b.company' });
    const browser = gateway.browser();
    const started = await browser.send('/outpost.goauthentik.io/start');
    const location = headerOf(started, 'location') ?? '';
    expect(new URL(location).origin).toBe('https://b.company');
    gateway.issuer.tokenClaims = { iss: 'https://b.company/application/o/app/' };
    const finished = await browser.followLogin(location.replace('https://b.company', gateway.issuer.url));
    expect(statusOf(finished)).toBe(302);
    const call = gateway.issuer.requests.find((request) => request.path.endsWith('/token/'));
    expect([call?.headers.host, call?.headers['x-forwarded-proto']]).toEqual(['b.company', 'https']);
  });
  test('issue 6: a session store that fails lets nobody in', async () => {
    await using gateway = await testGateway({ rows: [{ mode: 'forward_single' }] });
    const browser = gateway.browser();
    await browser.login('/');
    gateway.engine.sessions.forget('all');
    gateway.store.get = async () => Promise.reject(new Error('store down'));
    expect(statusOf(await browser.send(traefik, forwarded('/')))).toBe(500);
    expect(statusOf(await browser.send(nginx, { 'x-original-url': `${app}/` }))).toBe(500);
  });
});

describe('catching up', () => {
  test('§17.10: after the channel was lost, each session is asked about once, and ends if it is over', async () => {
    await using gateway = await testGateway();
    const [alice, bob] = [gateway.browser(), gateway.browser()];
    await alice.login('/');
    gateway.issuer.user = { sub: 'sub-of-bob', sid: 'f'.repeat(64) };
    await bob.login('/');
    const asked = () => gateway.issuer.requests.filter((request) => request.path.endsWith('/introspect/')).length;
    gateway.engine.liveness.channel(true);
    await alice.send('/');
    expect(asked()).toBe(0);
    gateway.engine.liveness.channel(false);
    gateway.engine.liveness.channel(true);
    const answer = await bob.send('/');
    const token = answer.kind === 'forward' ? (answer.allow.identity?.claims.rawToken ?? '') : '';
    gateway.issuer.active.set(token, { sub: 'sub-of-bob' });
    for (let round = 0; round < 3; round++) {
      await alice.send('/');
      await gateway.engine.liveness.idle();
    }
    expect([statusOf(await alice.send('/')), asked()]).toEqual([302, 2]);
  });
  test('§17.10: a core that does not answer ends nobody', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    await browser.login('/');
    gateway.engine.liveness.channel(false);
    gateway.engine.liveness.channel(true);
    const used = async () => {
      const { kind } = await browser.send('/');
      await gateway.engine.liveness.idle();
      return kind;
    };
    for (const fault of [{ status: 502 }, { status: 200, body: 'starting' }, { status: 200, body: '{}' }]) {
      gateway.issuer.faults.set('introspect', fault);
      expect([await used(), await used()]).toEqual(['forward', 'forward']);
    }
    await gateway.issuer[Symbol.asyncDispose]();
    expect([await used(), await used()]).toEqual(['forward', 'forward']);
  });
});

describe('limits', () => {
  test('§17.18: too many logins of one address wait; a trusted network does not', async () => {
    await using gateway = await testGateway();
    const start = (from: string) => gateway.send('/outpost.goauthentik.io/start', { 'x-forwarded-for': from });
    const statuses = new Set<number>();
    for (let round = 0; round < 30; round++) statuses.add(statusOf(await start('203.0.113.1')));
    expect([...statuses]).toEqual([302]);
    const refused = await start('203.0.113.1');
    expect([statusOf(refused), headerOf(refused, 'retry-after')]).toEqual([429, '2']);
    expect(statusOf(await start('203.0.113.2'))).toBe(302);
    for (let round = 0; round < 40; round++) expect(statusOf(await start('127.0.0.9'))).toBe(302);
  });
  test('§17.18: after ten failed credentials the core is not asked again', async () => {
    await using gateway = await testGateway();
    const attempt = (at: number) =>
      gateway.send('/', { authorization: `Bearer a.b.${at}`, 'x-forwarded-for': '203.0.113.1' });
    for (let at = 0; at < 10; at++) await attempt(at);
    gateway.issuer.active.set('a.b.11', { sub: 'u', exp: 9_999_999_999 });
    expect(statusOf(await attempt(11))).toBe(429);
    expect(gateway.issuer.requests.length).toBe(10);
    await gateway.clock.advance(60_000);
    expect((await attempt(11)).kind).toBe('forward');
  });
});

describe('back-channel logout', () => {
  const path = '/outpost.goauthentik.io/backchannel_logout';
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const claims = (gateway: TestGateway) => {
    const iat = Math.floor(gateway.clock.now() / 1000);
    return {
      iss: `${gateway.issuer.url}/application/o/app/`,
      aud: 'abc',
      iat,
      exp: iat + 120,
      jti: `j${Math.random()}`,
      events,
    };
  };
  const post = (gateway: TestGateway, token: string) =>
    gateway.send(path, {}, { method: 'POST', readBody: async () => `logout_token=${token}` });
  test('§17.10: a logout token ends the sessions of its core session, once', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    await browser.login('/');
    const sid = createHash('sha256').update('session-of-alice').digest('hex');
    const token = gateway.issuer.sign({ ...claims(gateway), sid }, { type: 'logout+jwt' });
    expect(statusOf(await post(gateway, token))).toBe(200);
    expect(statusOf(await browser.send('/'))).toBe(302);
    expect(statusOf(await post(gateway, token))).toBe(400);
  });
  test('§17.10: everything else is refused and ends nothing', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    await browser.login('/');
    const good = { ...claims(gateway), sub: 'sub-of-alice' };
    const sign = (given: Record<string, unknown>, options = {}) =>
      gateway.issuer.sign({ ...good, ...given }, { type: 'logout+jwt', ...options });
    for (const token of [
      sign({}, { type: 'JWT' }),
      sign({}, { secret: 'other' }),
      sign({ nonce: 'n' }),
      sign({ events: {} }),
      sign({ aud: 'other' }),
      sign({ iat: good.iat - 3_600 }),
      sign({ sub: undefined }),
      sign({ jti: undefined }),
      '',
    ]) {
      expect(statusOf(await post(gateway, token))).toBe(400);
    }
    expect(statusOf(await gateway.send(path))).toBe(400);
    expect((await browser.send('/')).kind).toBe('forward');
    expect(statusOf(await post(gateway, sign({})))).toBe(200);
    expect(statusOf(await browser.send('/'))).toBe(302);
  });
});

describe('WISHES P6: garbage never opens a door', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(app, '/', '%', 'https', 'app.company', '../', 'Bearer a.b.c', 'Basic Og=='),
  );
  const latin1 = text.map((value) => Buffer.from(value, 'utf8').toString('latin1'));
  const names = fc.constantFrom(
    'cookie',
    'authorization',
    'x-forwarded-proto',
    'x-forwarded-host',
    'x-forwarded-uri',
    'x-original-url',
    'x-original-uri',
    'x-forwarded-for',
    'host',
    'x-forwarded-method',
    'upgrade',
    'accept',
    'user-agent',
  );
  const cookie = fc
    .tuple(fc.constantFrom('authentik_proxy_ba7816bf', 'authentik_proxy_ba7816bf_s_00000000'), latin1)
    .map(([name, value]) => `${name}=${value}`);
  const headers = fc.dictionary(names, fc.oneof(latin1, cookie), { maxKeys: 8 });
  const target = fc.oneof(
    latin1.map((path) => `/${path}`),
    fc
      .tuple(
        fc.constantFrom(
          traefik,
          nginx,
          '/outpost.goauthentik.io/auth/caddy',
          '/outpost.goauthentik.io/auth/envoy',
          '/outpost.goauthentik.io/userinfo',
          '/outpost.goauthentik.io/callback',
          '/outpost.goauthentik.io/start',
        ),
        latin1,
      )
      .map(([path, rest]) => path + rest),
  );
  for (const mode of ['proxy', 'forward_single', 'forward_domain'] as const) {
    test(`proxy 52, ${mode}: 2xx only with a valid session`, async () => {
      await using gateway = await testGateway({ rows: [{ mode, cookie_domain: '.company' }] });
      await fc.assert(
        fc.asyncProperty(target, headers, async (path, given) => {
          const { answer } = await gateway.engine.gateway.handle(incoming(path, given));
          const isPing = path.startsWith('/outpost.goauthentik.io/ping');
          const isOwnPath = answer.kind === 'allowed' && answer.allow.reason === 'reserved';
          if (!isPing && !isOwnPath) expect(statusOf(answer)).toBeGreaterThanOrEqual(300);
          expect(answer.kind).not.toBe('forward');
        }),
        { numRuns: 1_500 },
      );
    });
  }
});
