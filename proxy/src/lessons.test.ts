// What went wrong in other proxies (WISHES §8), each once, under its number: the request that opened a door there.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { proxyConfig } from './config.ts';
import { rawValue } from './identity/strip.ts';
import { app, cookieName, forwarded, nginx, traefik } from './testing/fixture.ts';
import { lastSeen, raw, valuesOf } from './testing/raw-exchange.ts';
import { headerOf, headersOf, statusOf, testGateway } from './testing/test-gateway.ts';
import { testServer } from './testing/test-server.ts';

const forward = { mode: 'forward_single' } as const;
const envoy = '/outpost.goauthentik.io/auth/envoy';
/** An anonymous request for `uri` in every mode, and what it gets. */
async function everywhere(uri: string, headers: Readonly<Record<string, string>>, row: object = {}): Promise<number[]> {
  await using proxied = await testGateway({ rows: [row] });
  await using behind = await testGateway({ rows: [{ ...row, ...forward }] });
  return Promise.all([
    proxied.send(uri, headers).then(statusOf),
    behind.send(traefik, { ...forwarded(uri), ...headers }).then(statusOf),
    behind.send(nginx, { 'x-original-url': app + uri, ...headers }).then(statusOf),
    behind.send(envoy + uri, headers).then(statusOf),
  ]);
}
const refused = [302, 302, 401, 302];

describe('errors that let in', () => {
  test('CVE-2026-25748: a malformed cookie is no session and no error that passes', async () => {
    for (const value of [
      '',
      '=',
      'a.b',
      '%00',
      '\xff\xfe',
      'A'.repeat(43),
      `${'A'.repeat(43)}.AAAA`,
      'x'.repeat(5_000),
    ]) {
      expect(await everywhere('/x', { cookie: `${cookieName}=${value}` })).toEqual(refused);
    }
  });
  test('CVE-2024-47070: an address that cannot be read changes nothing', async () => {
    for (const value of ['garbage', '999.1.1.1', ',,,', '\x80', '1.2.3.4, ]', 'for=x'])
      expect(await everywhere('/x', { 'x-forwarded-for': value })).toEqual(refused);
  });
  test('CVE-2021-32637: what is no URL is never 200 to nginx', async () => {
    await using gateway = await testGateway({ rows: [{ ...forward, skip_path_regex: '.*' }] });
    for (const url of [
      'https://app.company/%',
      'https://',
      'x',
      '//app.company/',
      'https://app.company/\x00',
      'https://a b/',
    ]) {
      const status = statusOf(await gateway.send(nginx, { 'x-original-url': url }));
      expect([401, 500]).toContain(status);
    }
  });
});

describe('words of the client that were believed', () => {
  test('CVE-2026-40575: X-Forwarded-Uri does not choose the path of what we proxy ourselves', async () => {
    await using gateway = await testGateway({ rows: [{ skip_path_regex: '^/public' }] });
    for (const name of ['x-forwarded-uri', 'x-original-uri', 'x-original-url', 'x-rewrite-url', 'x-forwarded-prefix'])
      expect(statusOf(await gateway.send('/admin', { [name]: '/public' }))).toBe(302);
  });
  test('CVE-2026-34457: no user agent is a health check', async () => {
    for (const agent of ['GoogleHC/1.0', 'kube-probe/1.30', 'ELB-HealthChecker/2.0', 'goauthentik.io/healthcheck'])
      expect(await everywhere('/x', { 'user-agent': agent })).toEqual(refused);
  });
  test('CVE-2025-54576, GHSA-pxq7-h93f-9jrg, CVE-2021-39206: the allow-list sees neither query nor fragment', async () => {
    const row = { skip_path_regex: '/public' };
    expect(await everywhere('/admin?x=/public', {}, row)).toEqual(refused);
    const [proxied, ...others] = await everywhere('/admin#/public', {}, row);
    expect([proxied, ...others].every((status) => status !== undefined && status >= 300)).toBe(true);
  });
  test('CVE-2023-36456: who is not trusted does not say where a request comes from', async () => {
    await using gateway = await testGateway();
    for (let at = 0; at < 30; at++) {
      const from = { 'x-forwarded-for': `203.0.113.${at}` };
      expect(statusOf(await gateway.send('/outpost.goauthentik.io/start', from, { peer: '198.51.100.1' }))).toBe(302);
    }
    const last = await gateway.send('/outpost.goauthentik.io/start', {}, { peer: '198.51.100.1' });
    expect(statusOf(last)).toBe(429);
  });
  test('CVE-2026-76835: by default nobody on the internet is trusted', () => {
    const trusted = proxyConfig.listen.trusted_proxy_cidrs.fallback;
    for (const cidr of trusted ?? ['none']) expect(cidr).toMatch(/^(?:127|10|172\.16|192\.168|fe80|::1)/);
  });
  test('CVE-2023-33189, CVE-2026-33494: what decides is what is forwarded, dots and all', async () => {
    await using proxy = await testServer([{ skip_path_regex: '^/public/' }]);
    for (const path of [
      '/public/../admin',
      '/public/%2e%2e/admin',
      '/public//../admin',
      '/public/..%2fadmin',
      '/public/x/../../admin',
    ])
      expect((await proxy.get(path)).status).toBe(302);
    const absolute = 'GET http://app.company/admin HTTP/1.1\r\nHost: app.company\r\nConnection: close\r\n\r\n';
    expect(await raw(proxy.port, absolute)).toMatch(/^HTTP\/1\.1 302 /);
    expect(proxy.upstream.seen).toEqual([]);
  });
});

describe('headers under other names', () => {
  const aliases = (name: string) => [name, name.replaceAll('-', '_'), name.replaceAll('-', '.'), name.toUpperCase()];
  test('CVE-2025-64484, CVE-2026-88011, 54763, 39858: no alias of what we assert arrives', async () => {
    await using proxy = await testServer([{ skip_path_regex: '^/public' }], {
      rules: 'app.company: { headers: { preset: [x-forwarded-user, remote-user] } }',
    });
    const { cookie } = await proxy.login();
    const names = [
      'X-Authentik-Email',
      'X-Authentik-Assertion',
      'X-Forwarded-User',
      'Remote-User',
      'X-Forwarded-Groups',
    ];
    for (const name of names.flatMap(aliases)) {
      expect((await proxy.get('/x', { cookie, [name]: 'root@evil' })).status).toBe(200);
      expect(lastSeen(proxy).join(' ')).not.toContain('root@evil');
    }
    for (const name of aliases('X-Authentik-Email')) {
      await proxy.get('/public', { [name]: 'root@evil' });
      expect(lastSeen(proxy).join(' ')).not.toContain('root@evil');
    }
  });
  test('CVE-2026-35051, 33433: forwarding headers of who is not trusted do not arrive, nor their aliases from anybody', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    for (const name of ['X_Forwarded_Proto', 'X.Forwarded.Host', 'X_Forwarded_Prefix', 'X_Real_IP']) {
      await proxy.get('/x', { cookie, [name]: 'evil' });
      expect(lastSeen(proxy).join(' ')).not.toContain('evil');
    }
  });
  test('GO-2026-4639: every identity header is told, so that none of the client’s stays', async () => {
    await using gateway = await testGateway({ rows: [{ ...forward, skip_path_regex: '^/public' }] });
    const answer = await gateway.send(traefik, forwarded('/public'));
    for (const name of ['username', 'groups', 'email', 'jwt', 'uid', 'assertion', 'meta-app'])
      expect(headersOf(answer, `x-authentik-${name}`)).toEqual(['']);
  });
  test('CVE-2022-31813, CVE-2025-48865: Connection takes away nothing that we set', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    const names = ['X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Authentik-Username', 'Host'];
    for (const name of names) {
      await proxy.get('/x', { cookie, Connection: `keep-alive, ${name}` });
      expect(valuesOf(lastSeen(proxy), name.toLowerCase()).length).toBe(1);
    }
  });
});

describe('credentials', () => {
  test('GO-2026-5532: neither our cookie nor the header that let in goes to the application', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    await proxy.get('/x', { cookie: `own=1; ${cookie}` });
    expect(rawValue(lastSeen(proxy), 'cookie')).toBe('own=1');
    proxy.gateway.issuer.active.set('a.b.c', { sub: 'u', exp: 9_999_999_999 });
    await proxy.get('/x', { Authorization: 'Bearer a.b.c' });
    expect(rawValue(lastSeen(proxy), 'authorization')).toBeUndefined();
  });
  test('GO-2024-2965: the page about the user shows no token', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    await browser.login('/');
    const answer = await browser.send('/outpost.goauthentik.io/userinfo');
    const body = answer.kind === 'public' ? answer.body : '';
    expect(body).toContain('alice');
    expect(body).not.toMatch(/eyJ|token|jwt/i);
  });
  test('CVE-2025-52553: a callback is worth nothing in another browser', async () => {
    await using gateway = await testGateway();
    const [victim, thief] = [gateway.browser(), gateway.browser()];
    const started = await victim.send('/outpost.goauthentik.io/start?rd=/x');
    const back =
      (await fetch(headerOf(started, 'location') ?? '', { redirect: 'manual' })).headers.get('location') ?? '';
    await thief.send(back.slice(app.length));
    expect(thief.cookies.has(cookieName)).toBe(false);
  });
  test('CVE-2025-29928, CVE-2025-64521: what has ended is not let in by anything that remembers', async () => {
    await using gateway = await testGateway();
    const sid = 'e'.repeat(64);
    gateway.issuer.active.set('a.b.c', { sub: 'u', sid, preferred_username: 'bot', exp: 9_999_999_999 });
    const authorization = 'Bearer a.b.c';
    const first = await gateway.send('/', { authorization });
    const cookie = first.kind === 'forward' ? (first.authentication.setCookie?.split(';')[0] ?? '') : '';
    expect((await gateway.send('/', { cookie })).kind).toBe('forward');
    gateway.issuer.active.clear();
    await gateway.engine.endCoreSession(sid);
    expect(statusOf(await gateway.send('/', { authorization }))).toBe(401);
    expect(statusOf(await gateway.send('/', { cookie }))).toBe(302);
  });
  test('GHSA-qvp4-rpmr-xwrr: what a rule asks for is asked of a remembered token too, and its end counts', async () => {
    await using gateway = await testGateway({
      rules: 'app.company: { rules: [{ prefix: /admin, require: { groups_any: [admins] } }] }',
    });
    const exp = gateway.clock.now() / 1000 + 30;
    gateway.issuer.active.set('a.b.c', { sub: 'u', groups: ['staff'], exp });
    const authorization = 'Bearer a.b.c';
    for (const [path, status] of [
      ['/', 200],
      ['/admin', 403],
      ['/', 200],
      ['/admin/x', 403],
    ] as const)
      expect([path, statusOf(await gateway.send(path, { authorization }))]).toEqual([path, status]);
    expect(gateway.issuer.requests.filter(({ path }) => path.endsWith('/introspect/')).length).toBe(1);
    await gateway.clock.advance(31_000);
    expect(statusOf(await gateway.send('/', { authorization }))).toBe(401);
  });
  test('CVE-2026-33496: what is remembered for one provider is asked again for another', async () => {
    await using gateway = await testGateway({
      rows: [{}, { external_host: 'https://b.company', name: 'q', client_id: 'b' }],
    });
    gateway.issuer.active.set('a.b.c', { sub: 'u', exp: 9_999_999_999 });
    for (const host of ['app.company', 'b.company']) await gateway.send('/', { host, authorization: 'Bearer a.b.c' });
    const asked = gateway.issuer.requests.filter(({ path }) => path.endsWith('/introspect/'));
    expect(asked.map(({ form }) => form.get('client_id'))).toEqual(['abc', 'b']);
  });
});

describe('keys and secrets', () => {
  test('CVE-2024-42490: no endpoint tells a private key', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    const { body } = await proxy.get('/outpost.goauthentik.io/.well-known/jwks.json');
    const { keys } = JSON.parse(body.toString());
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    const { clientSecret } = proxy.gateway.lookup()?.byPk(1) ?? {};
    for (const path of ['start', 'callback', 'userinfo', 'sign_out', 'x', 'static/x', 'auth/nginx']) {
      const answer = await proxy.get(`/outpost.goauthentik.io/${path}`, { cookie });
      const told = answer.body.toString() + answer.rawHeaders.join(' ');
      expect(told).not.toContain('PRIVATE KEY');
      expect(told).not.toContain(clientSecret?.reveal());
    }
  });
  test('CVE-2024-52307: no secret is compared letter by letter', async () => {
    const files = (await readdir(import.meta.dirname, { recursive: true })).filter((name) =>
      /(?<!test)\.ts$/.test(name),
    );
    const sources = await Promise.all(files.map((name) => readFile(join(import.meta.dirname, name), 'utf8')));
    expect(sources.join('')).toContain('timingSafeEqual(');
    for (const [at, text] of sources.entries()) {
      expect([
        files[at],
        /reveal\(\)\s*[=!]==|[=!]==\s*[\w.]*reveal\(\)|(?:\bmac|[dD]igest)\s*[=!]==/.exec(text),
      ]).toEqual([files[at], null]);
    }
  });
  test('CVE-2025-53942: a deactivated account is out of what is remembered within a minute, told or not', async () => {
    await using gateway = await testGateway();
    gateway.issuer.active.set('a.b.c', { sub: 'u', exp: 9_999_999_999 });
    const authorization = 'Bearer a.b.c';
    expect((await gateway.send('/', { authorization })).kind).toBe('forward');
    gateway.issuer.active.clear();
    await gateway.clock.advance(60_001);
    expect(statusOf(await gateway.send('/', { authorization }))).toBe(401);
  });
});

test('GHSA-qqxw-m5fj-f7gv, CVE-2020-11053, CVE-2020-4037, CVE-2026-83589: a login leads back and nowhere else', async () => {
  const evil = [
    '//evil.org',
    '///evil.org',
    '/\\evil.org',
    '\\\\evil.org',
    '/\t/evil.org',
    '/\n/evil.org',
    '/ /evil.org',
    '\t//evil.org',
    '/%09/evil.org',
    '/%5cevil.org',
    '/%2f%2fevil.org',
    '/./\\evil.org',
    '/..//evil.org',
    'https:/\\evil.org',
    'https:evil.org',
    'https://app.company@evil.org',
    'https://app.company\\.evil.org',
    'https://app.company%2eevil.org',
    'https://app.company.evil.org',
    'https://evil.org#app.company',
    'https://evil.org?app.company',
    'https://аpp.org',
    'http://app.company:80@evil.org',
    'javascript:alert(1)',
  ];
  for (const mode of ['proxy', 'forward_single', 'forward_domain'] as const) {
    await using gateway = await testGateway({ rows: [{ mode, cookie_domain: 'company' }] });
    for (const rd of evil) {
      for (const written of [encodeURIComponent(rd), encodeURIComponent(encodeURIComponent(rd))]) {
        await gateway.clock.advance(10_000); // logins are limited for an address
        const browser = gateway.browser();
        const started = await browser.send(`/outpost.goauthentik.io/start?rd=${written}`);
        const finished = await browser.followLogin(headerOf(started, 'location') ?? '');
        expect([rd, new URL(headerOf(finished, 'location') ?? '').origin]).toEqual([rd, app]);
      }
    }
  }
});

test('CVE-2022-24797: no metrics and no debugging on the public port', async () => {
  await using proxy = await testServer([forward]);
  for (const path of ['/metrics', '/debug/pprof/', '/-/ready', '/-/live'])
    expect((await proxy.get(path)).status).toBe(404);
});
