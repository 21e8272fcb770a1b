// Brand certificates in real handshakes: router.md §19 R33, R38, R39.
import { once } from 'node:events';
import { type ConnectionOptions, connect as connectTls, type PeerCertificate } from 'node:tls';
import { captureLogger, fakeClock } from '@gatehouse/daemon/testing';
import { type KeyPair, selfSignedCertificate } from '@gatehouse/daemon/tls';
import { expect, test } from 'vitest';
import { startPlainCore } from '../testing/plain-core.ts';
import { runRouter, until } from '../testing/running-router.ts';
import { createBrandIdentities } from './identities.ts';
import { watchBrands } from './watcher.ts';

const target = { kind: 'tcp', host: '127.0.0.1', port: 1 } as const;

/** A router whose core has these brands and key pairs. */
async function withBrands(brands: readonly object[], pairs: Readonly<Record<string, KeyPair>>) {
  const core = await startPlainCore();
  core.brands = brands;
  const asked: string[] = [];
  core.answer = (request, response) => {
    const [, id = '', view] = /certificatekeypairs\/(\w+)\/(?:view_(\w+)\/)?$/.exec(request.url ?? '') ?? [];
    const pair = pairs[id];
    if (pair === undefined) return void response.end(JSON.stringify(request.headers));
    if (view !== undefined) asked.push(`${id} ${view}`);
    const row = { pk: id, name: id, fingerprint_sha256: `of ${id}` };
    const data = view === 'private_key' ? pair.keyPem : pair.certPem;
    return void response.end(JSON.stringify(view === undefined ? row : { data }));
  };
  const router = await runRouter({ core });
  return {
    ...router,
    asked,
    async [Symbol.asyncDispose]() {
      await router[Symbol.asyncDispose]();
      await core[Symbol.asyncDispose]();
    },
  };
}

async function handshake(port: number, options: ConnectionOptions = {}): Promise<PeerCertificate> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerCertificate();
  socket.destroy();
  return certificate;
}

function pemOf(certificate: PeerCertificate): string {
  return certificate.raw.toString('base64');
}

const bare = (pem: string) => pem.replace(/-----[A-Z ]+-----|\s/g, '');

test('router R38: the certificate follows the server name by labels, longest domain first', async () => {
  const pairs = {
    a: await selfSignedCertificate(),
    b: await selfSignedCertificate(),
    c: await selfSignedCertificate(),
  };
  await using site = await withBrands(
    [
      { brand_uuid: '1', domain: 'example.com', web_certificate: 'a' },
      { brand_uuid: '2', domain: 'auth.example.com', web_certificate: 'b' },
      { brand_uuid: '3', domain: 'zzz', default: true, web_certificate: 'c' },
    ],
    pairs,
  );
  await until(async () => pemOf(await handshake(site.tlsPort)) === bare(pairs.c.certPem));
  for (const [servername, expected] of [
    ['auth.example.com', pairs.b],
    ['x.example.com', pairs.a],
    ['evil-example.com', pairs.c],
  ] as const) {
    expect(pemOf(await handshake(site.tlsPort, { servername })), servername).toBe(bare(expected.certPem));
  }
});

test('router R33: a brand with client authorities asks for a certificate, and the core receives it', async () => {
  const web = await selfSignedCertificate();
  const client = await selfSignedCertificate();
  await using site = await withBrands(
    [
      { brand_uuid: '1', domain: 'mtls.example', web_certificate: 'web', client_certificates: ['ca'] },
      { brand_uuid: '2', domain: 'plain.example', web_certificate: 'web' },
    ],
    { web, ca: client },
  );
  await until(async () => pemOf(await handshake(site.tlsPort, { servername: 'mtls.example' })) === bare(web.certPem));
  const seenFor = async (servername: string) => {
    const socket = connectTls({
      port: site.tlsPort,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      servername,
      cert: client.certPem,
      key: client.keyPem,
    });
    socket.write('GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-Client-Cert: forged\r\nConnection: close\r\n\r\n');
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    const body: unknown = JSON.parse(/\{.*\}/.exec(Buffer.concat(chunks).toString())?.[0] ?? '{}');
    return new Map(Object.entries(body ?? {})).get('x-forwarded-client-cert');
  };
  const passed = String(await seenFor('mtls.example'));
  expect(passed).toMatch(/^Cert=-----BEGIN%20CERTIFICATE-----%0A/);
  expect(bare(decodeURIComponent(passed.slice(5)))).toBe(bare(client.certPem));
  expect(await seenFor('plain.example')).toBeUndefined();
});

test('router R33: a client that comes back resumes its session, and its certificate is still known', async () => {
  const [web, client] = [await selfSignedCertificate(), await selfSignedCertificate()];
  await using site = await withBrands(
    [{ brand_uuid: '1', domain: 'mtls.example', web_certificate: 'web', client_certificates: ['ca'] }],
    { web, ca: client },
  );
  await until(async () => pemOf(await handshake(site.tlsPort, { servername: 'mtls.example' })) === bare(web.certPem));
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    let session: Buffer | undefined;
    const seen: unknown[] = [];
    for (let visit = 0; visit < 2; visit++) {
      const socket = connectTls({
        port: site.tlsPort,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        servername: 'mtls.example',
        cert: client.certPem,
        key: client.keyPem,
        maxVersion,
        ...(session === undefined ? {} : { session }),
      });
      let isResumed: boolean | undefined;
      socket.once('secureConnect', () => {
        isResumed = socket.isSessionReused();
      });
      socket.on('session', (issued) => {
        session = issued;
      });
      socket.write('GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk);
      const body: unknown = JSON.parse(/\{.*\}/.exec(Buffer.concat(chunks).toString())?.[0] ?? '{}');
      const header = new Map(Object.entries(body ?? {})).get('x-forwarded-client-cert');
      seen.push([isResumed, bare(decodeURIComponent(String(header).slice(5)))]);
    }
    expect(seen, maxVersion).toEqual([
      [false, bare(client.certPem)],
      [true, bare(client.certPem)],
    ]);
  }
});

test('router §5.4: key material is read once while its fingerprint stays', async () => {
  const pair = await selfSignedCertificate();
  const brand = { domain: 'a.example', web_certificate: 'a' };
  await using site = await withBrands(
    [
      { brand_uuid: '1', ...brand },
      { brand_uuid: '2', ...brand, domain: 'b.example' },
    ],
    { a: pair },
  );
  await until(async () => pemOf(await handshake(site.tlsPort, { servername: 'a.example' })) === bare(pair.certPem));
  expect(site.asked.filter((one) => one === 'a private_key').length).toBeLessThanOrEqual(2);
});

test('router R39: a replaced certificate is served within three minutes; a core that fails changes nothing', async () => {
  const [fallback, first, second] = [
    await selfSignedCertificate(),
    await selfSignedCertificate(),
    await selfSignedCertificate(),
  ];
  const clock = fakeClock();
  const end = new AbortController();
  const log = captureLogger();
  const identities = createBrandIdentities(Promise.resolve(fallback));
  let pair: KeyPair | Error = first;
  const fetchBrands = async () => {
    if (pair instanceof Error) throw pair;
    return [{ domain: 'a.example', isDefault: false, pair, clientAuthorities: [] }];
  };
  const watcher = watchBrands({
    source: { fetchBrands },
    identities,
    target: () => target,
    clock,
    log,
    signal: end.signal,
  });
  await watcher.refresh();
  const before = await identities.choose('a.example');
  await clock.advance(180_000);
  expect(await identities.choose('a.example')).toBe(before); // the same context: tickets stay good
  pair = second;
  await clock.advance(180_000);
  const after = await identities.choose('a.example');
  expect(after).not.toBe(before);
  pair = new Error('core is away');
  await clock.advance(600_000);
  expect(await identities.choose('a.example')).toBe(after);
  expect(log.lines.filter(({ event }) => event === 'brands cannot be read')).toHaveLength(1);
  end.abort();
  await watcher.ended;
});
