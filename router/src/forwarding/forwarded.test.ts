// Who the client is, and what the core is told: router.md §4, as rules without a socket.
import { createCidrSet } from '@gatehouse/daemon/net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Client, forwardedHeaders, identifyClient, requestIdOf, type Trust } from './forwarded.ts';

const trust: Trust = {
  peers: createCidrSet(['10.0.0.0/8', '127.0.0.0/8', 'fe80::/10', '::1/128']),
  certificatePeers: createCidrSet([]),
};
const overHttp = (address: string) => ({ address, tls: false });

/** Value of a header in a raw list; every occurrence, joined. */
function header(raw: readonly string[], name: string): string | undefined {
  const values = raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === name);
  return values.length === 0 ? undefined : values.join('|');
}

function seenByCore(client: Client, raw: readonly string[]) {
  const sent = forwardedHeaders(raw, client, 'id');
  return (name: string) => header(sent, name);
}

const chains: readonly [string, Record<string, string>, string][] = [
  ['router R25: an untrusted peer is itself', { 'x-forwarded-for': '1.2.3.4' }, '198.51.100.1'],
  ['router R26: one address', { 'x-forwarded-for': '203.0.113.7' }, '203.0.113.7'],
  ['router R27: from the right, past our own', { 'x-forwarded-for': '6.6.6.6, 203.0.113.7, 10.0.0.9' }, '203.0.113.7'],
  ['router §4.5: all ours, the leftmost', { 'x-forwarded-for': '10.0.0.7, 10.0.0.9' }, '10.0.0.7'],
  ['router §4.5: ports and brackets', { 'x-forwarded-for': '[2001:db8::1]:443, 10.0.0.9:80' }, '2001:db8::1'],
  ['router §4.5: what is no address is skipped', { 'x-forwarded-for': 'unknown, 203.0.113.7, _hidden' }, '203.0.113.7'],
  ['router §4.5: nothing usable, the peer', { 'x-forwarded-for': 'unknown' }, '10.0.0.1'],
  ['router R28: X-Real-IP', { 'x-real-ip': '203.0.113.7' }, '203.0.113.7'],
  ['router R28: Forwarded', { forwarded: 'for=203.0.113.7;proto=https' }, '203.0.113.7'],
  ['RFC 7239 §6: quoted and bracketed', { forwarded: 'For="[2001:db8::1]:4711"' }, '2001:db8::1'],
  [
    'router §4.1: X-Forwarded-For before X-Real-IP',
    { 'x-forwarded-for': '203.0.113.7', 'x-real-ip': '203.0.113.8' },
    '203.0.113.7',
  ],
];
for (const [name, headers, expected] of chains) {
  test(name, () => {
    const peer = name.includes('R25') ? '198.51.100.1' : '10.0.0.1';
    expect(identifyClient(overHttp(peer), headers, trust).address).toBe(expected);
  });
}

test('router §4.5: leftmost, where the settings say so', () => {
  const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.7' };
  expect(identifyClient(overHttp('10.0.0.1'), headers, { ...trust, mode: 'leftmost' }).address).toBe('6.6.6.6');
});

test('router R35: an IPv4 peer of a dual-stack socket matches an IPv4 network, a zone is ignored', () => {
  expect(identifyClient(overHttp('::ffff:10.0.0.1'), {}, trust)).toMatchObject({ trusted: true, address: '10.0.0.1' });
  expect(identifyClient(overHttp('fe80::1%eth0'), {}, trust).trusted).toBe(true);
  expect(identifyClient(overHttp('::ffff:11.0.0.1'), {}, trust).trusted).toBe(false);
});

test('router §3: local callers are trusted whatever the list says', () => {
  const nobody: Trust = { peers: createCidrSet([]), certificatePeers: createCidrSet([]) };
  const local = { address: '::1', tls: false, local: true } as const;
  expect(identifyClient(local, { 'x-forwarded-for': '203.0.113.7' }, nobody).address).toBe('203.0.113.7');
});

test('router R29: the forwarded host of an untrusted peer is not the host', () => {
  const headers = { host: 'real.example', 'x-forwarded-host': 'app.example, other' };
  expect(identifyClient(overHttp('198.51.100.1'), headers, trust).host).toBe('real.example');
  expect(identifyClient(overHttp('10.0.0.1'), headers, trust).host).toBe('app.example');
});

for (const [name, connection, headers, expected] of [
  ['R30: untrusted on plain HTTP', overHttp('198.51.100.1'), { 'x-forwarded-proto': 'https' }, 'http'],
  ['R31: TLS whatever came in', { address: '10.0.0.1', tls: true }, { 'x-forwarded-proto': 'http' }, 'https'],
  ['§4.1: trusted', overHttp('10.0.0.1'), { 'x-forwarded-proto': 'HTTPS' }, 'https'],
  ['§4.1: trusted, the other name', overHttp('10.0.0.1'), { 'x-forwarded-scheme': 'https' }, 'https'],
  ['§4.1: a scheme of nobody', overHttp('10.0.0.1'), { 'x-forwarded-proto': 'gopher' }, 'http'],
] as const) {
  test(`router ${name} is ${expected}`, () => expect(identifyClient(connection, headers, trust).scheme).toBe(expected));
}

describe('router R32, R33: client certificates', () => {
  const raw = ['Host', 'a', 'SSL-Client-Cert', 'x', 'X-Forwarded-Client-Cert', 'y', 'X-Forwarded-TLS-Client-Cert', 'z'];
  const names = ['ssl-client-cert', 'x-forwarded-client-cert', 'x-forwarded-tls-client-cert'];
  const pass = (connection: Parameters<typeof identifyClient>[0], given = trust) =>
    names.map(seenByCore(identifyClient(connection, { host: 'a' }, given), raw));

  test('an untrusted peer passes none', () => {
    expect(pass(overHttp('198.51.100.1'))).toEqual([undefined, undefined, undefined]);
  });
  test('a trusted peer passes none either, unless it is named for that', () => {
    expect(pass(overHttp('10.0.0.1'))).toEqual([undefined, undefined, undefined]);
    const named = { ...trust, certificatePeers: createCidrSet(['10.0.0.2/32']) };
    expect(pass(overHttp('10.0.0.1'), named)).toEqual([undefined, undefined, undefined]);
    expect(pass(overHttp('10.0.0.2'), named)).toEqual(['x', 'y', 'z']);
  });
  test('whoever came by the unix socket is this machine', () =>
    expect(pass({ ...overHttp('127.0.0.1'), local: true })).toEqual(['x', 'y', 'z']));
  test('the certificate of the connection itself replaces all of them', () => {
    const own = { address: '10.0.0.1', tls: true, clientCertificate: 'Cert=own' };
    expect(pass(own)).toEqual([undefined, 'Cert=own', undefined]);
  });
});

test('RFC 9110 §7.6.1: hop-by-hop fields, and what Connection names, end here', () => {
  const client = identifyClient(overHttp('198.51.100.1'), { host: 'a' }, trust);
  const raw = [
    'Host',
    'a',
    'Connection',
    'keep-alive, X-Secret-Hop',
    'X-Secret-Hop',
    '1',
    'TE',
    'trailers',
    'Expect',
    '100-continue',
  ];
  const core = seenByCore(client, [
    ...raw,
    'Transfer-Encoding',
    'chunked',
    'Upgrade',
    'h2c',
    'X-Kept',
    'yes',
    'Cookie',
    'a=1',
    'Cookie',
    'b=2',
  ]);
  for (const name of ['connection', 'x-secret-hop', 'te', 'expect', 'transfer-encoding', 'upgrade']) {
    expect(core(name), name).toBeUndefined();
  }
  expect([core('x-kept'), core('cookie'), core('host')]).toEqual(['yes', 'a=1|b=2', 'a']);
});

test('Connection cannot remove what the router itself says', () => {
  const client = identifyClient(overHttp('198.51.100.1'), { host: 'a' }, trust);
  const core = seenByCore(client, ['Host', 'a', 'Connection', 'X-Forwarded-For, X-Forwarded-Proto, Host']);
  expect([core('x-forwarded-for'), core('x-forwarded-proto'), core('host')]).toEqual(['198.51.100.1', 'http', 'a']);
});

test('whatever an untrusted peer sends, the core sees the peer, once', () => {
  const forwarding = [
    'X-Forwarded-For',
    'x-forwarded-for',
    'X-Real-IP',
    'Forwarded',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
  ];
  const others = [
    'Connection',
    'X-authentik-id',
    'X-Original-Forwarded-For',
    'Host',
    'X-Forwarded-Client-Cert',
    'X-Other',
  ];
  const name = fc.constantFrom(...forwarding, ...others);
  const value = fc.constantFrom('1.2.3.4', 'https', 'evil.example', 'for=1.2.3.4', 'X-Forwarded-For', 'close', '');
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 12 }), (pairs) => {
      const headers = Object.fromEntries(pairs.map(([key, given]) => [key.toLowerCase(), given]));
      const client = identifyClient(overHttp('198.51.100.1'), { ...headers, host: 'real' }, trust);
      const core = seenByCore(client, pairs.flat());
      expect([core('x-forwarded-for'), core('x-forwarded-proto'), core('x-forwarded-host'), core('host')]).toEqual([
        '198.51.100.1',
        'http',
        'real',
        'real',
      ]);
      for (const gone of ['x-real-ip', 'forwarded', 'x-original-forwarded-for', 'x-forwarded-client-cert']) {
        expect(core(gone)).toBeUndefined();
      }
      expect(core('x-authentik-id')).toBe('id');
    }),
  );
});

for (const [peer, given, expected] of [
  ['10.0.0.1', 'trace-0123456789', 'trace-0123456789'],
  ['10.0.0.1', 'short', 'fresh'],
  ['10.0.0.1', 'with blank and more', 'fresh'],
  ['10.0.0.1', 'x'.repeat(65), 'fresh'],
  ['198.51.100.1', 'trace-0123456789', 'fresh'],
] as const) {
  test(`router R54: "${given.slice(0, 20)}" of ${peer} gives ${expected}`, () => {
    const headers = { 'x-request-id': given };
    expect(requestIdOf(headers, identifyClient(overHttp(peer), headers, trust), () => 'fresh')).toBe(expected);
  });
}
