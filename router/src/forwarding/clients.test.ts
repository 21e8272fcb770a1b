// Who the client is, over plain connections, TLS and PROXY headers: router.md §19, by number.
import { once } from 'node:events';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { exchangeText } from '../testing/exchange-text.ts';
import { healthyRouter, trusting } from '../testing/healthy-router.ts';
import { until } from '../testing/running-router.ts';

const certificateHeaders = {
  'ssl-client-cert': 'x',
  'x-forwarded-client-cert': 'y',
  'x-forwarded-tls-client-cert': 'z',
};

test('router R25, R30, R32: what an untrusted peer claims does not reach the core', async () => {
  await using site = await healthyRouter();
  const headers = {
    'x-forwarded-for': '1.2.3.4',
    'x-forwarded-proto': 'https',
    'x-real-ip': '1.2.3.4',
    forwarded: 'for=1.2.3.4;proto=https',
    'x-authentik-id': 'forged',
    ...certificateHeaders,
  };
  await (await fetch(`${site.url}/if/user/`, { headers })).text();
  const seen = site.core.seen[0]?.headers ?? {};
  expect(seen).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
  for (const name of ['x-real-ip', 'forwarded', ...Object.keys(certificateHeaders)])
    expect(seen[name], name).toBeUndefined();
  expect(seen['x-authentik-id']).not.toBe('forged');
});

test('router D12: by default no peer is believed about certificates, and a trusted one that tries is told of', async () => {
  await using site = await healthyRouter(trusting);
  for (let round = 0; round < 2; round++)
    await (await fetch(`${site.url}/if/user/`, { headers: certificateHeaders })).text();
  for (const { headers } of site.core.seen)
    for (const name of Object.keys(certificateHeaders)) expect(headers[name], name).toBeUndefined();
  const warnings = site.log.lines.filter(({ event }) => event === 'client certificate header dropped');
  expect(warnings).toMatchObject([
    {
      client: '127.0.0.1',
      name: 'ssl-client-cert',
      hint: expect.stringContaining('AUTHENTIK_LISTEN__MTLS_PROXY_CIDRS'),
    },
  ]);
});

test('router §4.5: a peer that is named for it passes certificates on', async () => {
  await using site = await healthyRouter({ ...trusting, AUTHENTIK_LISTEN__MTLS_PROXY_CIDRS: '127.0.0.1/32' });
  await (await fetch(`${site.url}/if/user/`, { headers: certificateHeaders })).text();
  expect(site.core.seen[0]?.headers).toMatchObject(certificateHeaders);
});

for (const [id, headers, client, proto] of [
  ['R26', { 'x-forwarded-for': '203.0.113.7' }, '203.0.113.7', 'http'],
  ['R27', { 'x-forwarded-for': '6.6.6.6, 203.0.113.7, 10.0.0.9' }, '203.0.113.7', 'http'],
  ['R28', { 'x-real-ip': '203.0.113.7' }, '203.0.113.7', 'http'],
  ['R28', { forwarded: 'for="[2001:db8::7]:4711";proto=https' }, '2001:db8::7', 'https'],
] as const) {
  test(`router ${id}: a trusted peer's ${JSON.stringify(headers)} is ${client} over ${proto}`, async () => {
    await using site = await healthyRouter(trusting);
    await (await fetch(`${site.url}/if/user/`, { headers: { ...headers } })).text();
    expect(site.core.seen[0]?.headers).toMatchObject({ 'x-forwarded-for': client, 'x-forwarded-proto': proto });
  });
}

test('router R29: the forwarded host of an untrusted peer is neither used nor logged', async () => {
  await using site = await healthyRouter();
  await (await fetch(`${site.url}/if/user/`, { headers: { 'x-forwarded-host': 'app.example' } })).text();
  expect(site.core.seen[0]?.headers.host).toBe(`127.0.0.1:${site.port}`);
  await until(() => site.log.lines.some(({ event }) => event === 'request'));
  expect(JSON.stringify(site.log.lines)).not.toContain('app.example');
});

/** One request over TLS; the headers that the core saw. */
async function overTls(port: number, options: ConnectionOptions = {}, path = '/if/user/') {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerCertificate();
  const protocol = socket.getProtocol();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-Proto: http\r\nConnection: close\r\n\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return { certificate, protocol, text: Buffer.concat(chunks).toString() };
}

test('router R31, R37: over TLS the core sees https; without a brand the certificate is our own', async () => {
  await using site = await healthyRouter(trusting);
  const { certificate, text } = await overTls(site.tlsPort, { servername: 'nobody.example' });
  expect(text).toMatch(/^HTTP\/1\.1 200 /);
  expect(certificate.subject.CN).toBe('authentik default certificate');
  expect(site.core.seen[0]?.headers['x-forwarded-proto']).toBe('https');
});

for (const [version, works] of [
  ['TLSv1.1', false],
  ['TLSv1.2', true],
  ['TLSv1.3', true],
] as const) {
  test(`router R40: ${version} ${works ? 'succeeds' : 'fails'}`, async () => {
    await using site = await healthyRouter();
    const options = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const attempt = overTls(site.tlsPort, options);
    if (works) expect((await attempt).protocol).toBe(version);
    else await expect(attempt).rejects.toThrow();
  });
}

test('router R34: a PROXY header of a trusted peer names the client; another ends in nothing', async () => {
  const line =
    'PROXY TCP4 198.51.100.9 127.0.0.1 4711 9000\r\nGET /if/user/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  await using trustingSite = await healthyRouter({ AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS: '127.0.0.0/8' });
  expect(await exchangeText(trustingSite.port, line)).toMatch(/^HTTP\/1\.1 200 /);
  expect(trustingSite.core.seen[0]?.headers['x-forwarded-for']).toBe('198.51.100.9');
  await using careful = await healthyRouter();
  expect(await exchangeText(careful.port, line).catch(() => '')).not.toMatch(/ 200 /);
  expect(careful.core.seen).toEqual([]);
});

test('router R36: a POST without PROXY header is served', async () => {
  await using site = await healthyRouter(trusting);
  const answer = await fetch(`${site.url}/api/v3/x/`, { method: 'POST', body: 'PROXIMITY' });
  expect(await answer.text()).toBe('{"from":"core"}\n');
  expect(site.core.seen[0]?.body).toBe('PROXIMITY');
});

test('router R54: every answer has an id, and the core and the log have the same', async () => {
  await using site = await healthyRouter();
  for (const path of ['/if/user/', '/static/dist/nothing', '/robots.txt', '/-/health/live/', '//x', '/-/metrics/']) {
    const id = (await fetch(`${site.url}${path}`, { redirect: 'manual' })).headers.get('x-authentik-id');
    expect(id, path).toMatch(/^[0-9a-f]{32}$/);
    await until(() => site.log.lines.some((line) => line['request_id'] === id));
  }
  const answer = await fetch(`${site.url}/if/user/`);
  expect(site.core.seen.at(-1)?.headers['x-authentik-id']).toBe(answer.headers.get('x-authentik-id'));
});

test('router R54: the id of a trusted peer is kept, a malformed one is not', async () => {
  await using site = await healthyRouter(trusting);
  const idFor = async (id: string) =>
    (await fetch(`${site.url}/robots.txt`, { headers: { 'x-request-id': id } })).headers.get('x-authentik-id');
  expect(await idFor('trace-0123456789')).toBe('trace-0123456789');
  expect(await idFor('short')).toMatch(/^[0-9a-f]{32}$/);
});
