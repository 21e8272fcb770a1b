// EAP with eapol_test as the device (radius.md §17, C66–C81), and with packets that no device sends.
import { X509Certificate } from 'node:crypto';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import { createPacketKey, decodePacket, joinedValue, messageAuthenticator, signRequest } from '@gatehouse/wire/radius';
import { firstFlight } from '@gatehouse/wire/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { eapolTest } from '../testing/eapol-test.ts';
import { openRawClient, p1, startTestRadius, users } from '../testing/start.ts';

type Pair = Awaited<ReturnType<typeof selfSignedCertificate>>;
const key = createPacketKey('testing123');
let server: Pair;
let client: Pair;
beforeAll(async () => {
  server = await selfSignedCertificate();
  client = await selfSignedCertificate();
});

const start = (more: { env?: Record<string, string>; attributes?: string | null } = {}) =>
  startTestRadius({
    providers: [{ ...p1, certificate: 'pair-1', ...('attributes' in more ? { attributes: more.attributes } : {}) }],
    users: { ...users, 'mallory@example.test': { password: 's3cr3t', isDenied: true } },
    ...(more.env === undefined ? {} : { env: more.env }),
    prepare: (core) => core.certificates.set('pair-1', { ...server, fingerprint: 'one' }),
  });

describe('eapol_test', () => {
  for (const eap of ['TLS', 'TTLS', 'PEAP'] as const)
    for (const tls of ['1.2', '1.3'] as const)
      for (const fragmentBytes of [undefined, 300, 200]) {
        const name = { TLS: 'radius C67, C68', TTLS: 'radius C79', PEAP: 'radius C80' }[eap];
        test(`${name}: EAP-${eap} over TLS ${tls}, fragments of ${fragmentBytes ?? 'any'} bytes: keys agree`, async () => {
          await using radius = await start();
          const given = { eap, tls, caPem: server.certPem, ...(fragmentBytes === undefined ? {} : { fragmentBytes }) };
          const result = await eapolTest(radius.port, eap === 'TLS' ? { ...given, client } : given);
          expect([result.isSuccess, result.hasKeys], result.output.slice(-3000)).toEqual([true, true]);
          expect(result.output).toContain(tls === '1.3' ? 'TLSv1.3' : 'TLSv1.2');
        });
      }

  test('radius C66: a provider without certificate says EAP-Failure', async () => {
    await using radius = await startTestRadius();
    const result = await eapolTest(radius.port, { eap: 'TTLS' });
    expect(result.isSuccess).toBe(false);
    expect(result.output).toContain('Access-Reject');
  });

  test('radius C70: the leaf certificate reaches the core', async () => {
    await using radius = await start();
    expect((await eapolTest(radius.port, { eap: 'TLS', caPem: server.certPem, client })).isSuccess).toBe(true);
    const header = radius.core.seen('flows/executor')[0]?.headers['x-authentik-outpost-certificate'];
    const pem = decodeURIComponent(String(header).replaceAll('+', '%20'));
    expect(new X509Certificate(pem).fingerprint256).toBe(new X509Certificate(client.certPem).fingerprint256);
    expect(String(header)).toMatch(/^-----BEGIN\+CERTIFICATE-----%0A/);
  });

  test('radius C71, C72: no client certificate, and a device that distrusts the server', async () => {
    await using radius = await start({ env: { AUTHENTIK_RADIUS__EAP_METHODS: 'tls' } });
    for (const given of [{ caPem: server.certPem }, { caPem: client.certPem, client }]) {
      const result = await eapolTest(radius.port, { eap: 'TLS', ...given });
      expect(result.isSuccess).toBe(false);
    }
    expect(radius.core.flows()).toBe(0);
  });

  test('radius C73: a method that there is not', async () => {
    await using radius = await start();
    const result = await eapolTest(radius.port, { eap: 'MD5' });
    expect(result.isSuccess).toBe(false);
    expect(radius.log.lines.find(({ event }) => event === 'EAP failed')).toMatchObject({ error: 'no common method' });
  });

  test('radius C74, C79: the core denies, and a wrong password', async () => {
    await using radius = await start();
    for (const given of [
      { eap: 'TLS', identity: 'mallory', client, caPem: server.certPem },
      { eap: 'TTLS', password: 'bad', caPem: server.certPem },
      { eap: 'PEAP', password: 'bad', caPem: server.certPem },
      { eap: 'PEAP', identity: 'mallory', caPem: server.certPem },
    ] as const) {
      const result = await eapolTest(radius.port, given);
      expect(result.isSuccess).toBe(false);
      expect(result.output).toMatch(
        /Received EAP-Failure|EAP: Status notification: completion \(param=failure\)|CTRL-EVENT-EAP-FAILURE/,
      );
    }
    expect(await radius.metrics()).toMatch(/reason="access_denied"[^}]*\} 2/);
  });

  test('radius C75: attributes of the core and both keys in one Accept', async () => {
    await using radius = await start({ attributes: 'AQcAJQABAgMEBQYHCAkKCwwNDg9ABgEAAA1BBgEAAAZRBQEyMA==' });
    const { output } = await eapolTest(radius.port, { eap: 'TTLS', caPem: server.certPem });
    expect(output).toMatch(/Attribute 81 \(Tunnel-Private-Group-Id\)|Attribute 81/);
    expect(output).toContain('MPPE keys OK: 1');
  });

  test('radius C89: a certificate renewed in the core is used by the next handshake', async () => {
    const radius = await start();
    await using _ = radius;
    expect((await eapolTest(radius.port, { eap: 'TTLS', caPem: server.certPem })).isSuccess).toBe(true);
    const renewed = await selfSignedCertificate();
    radius.core.certificates.set('pair-1', { ...renewed, fingerprint: 'two' });
    await radius.refresh();
    expect((await eapolTest(radius.port, { eap: 'TTLS', caPem: renewed.certPem })).isSuccess).toBe(true);
  });
});

describe('raw EAP', () => {
  const authenticator = Buffer.alloc(16, 7);
  const request = (identifier: number, eap: string, more: { type: number; value: Buffer }[] = [], isSigned = true) =>
    signRequest(
      {
        code: 1,
        identifier,
        authenticator,
        attributes: [
          ...(isSigned ? [messageAuthenticator] : []),
          { type: 1, value: Buffer.from('alice') },
          ...more,
          { type: 79, value: Buffer.from(eap, 'hex') },
        ],
      },
      key,
    );
  const eapOf = (reply: Buffer) => joinedValue(decodePacket(reply), 79)?.toString('hex');
  const stateOf = (reply: Buffer) => decodePacket(reply).attributes.filter(({ type }) => type === 24);

  test('radius §8.4: EAP-Start asks who it is; identity starts the first method; Nak chooses', async () => {
    await using radius = await start();
    using raw = await openRawClient(radius.port);
    expect(eapOf(await raw.ask(request(1, '')))).toMatch(/^01..000501$/);
    const started = await raw.ask(request(2, '0201000a01616c696365'));
    expect(eapOf(started)).toBe('010200060d20');
    const nak = await raw.ask(request(3, '020200060319', stateOf(started)));
    expect(eapOf(nak)).toBe('010300061920');
    expect([started, nak].map((reply) => reply.readUInt8(20))).toEqual([80, 80]);
  });

  test('radius C77: an unknown State, and no State, are EAP-Failure', async () => {
    await using radius = await start();
    using raw = await openRawClient(radius.port);
    for (const [identifier, state] of [
      [1, [{ type: 24, value: Buffer.alloc(16, 1) }]],
      [2, []],
    ] as const) {
      const reply = await raw.ask(request(identifier, '020200060319', [...state]));
      expect([reply.readUInt8(0), eapOf(reply)]).toEqual([3, '04020004']);
    }
  });

  test('radius C78: no fragment is larger than Framed-MTU allows', async () => {
    await using radius = await start();
    using raw = await openRawClient(radius.port);
    const mtu = { type: 12, value: Buffer.of(0, 0, 1, 144) };
    const started = await raw.ask(request(1, '0201000a01616c696365', [mtu]));
    const hello = await firstFlight();
    const size = (6 + hello.length).toString(16).padStart(4, '0');
    const pieces = [Buffer.from(`0202${size}0d00`, 'hex'), hello];
    const eap = Buffer.concat(pieces);
    const split = [];
    for (let at = 0; at < eap.length; at += 253) split.push({ type: 79, value: eap.subarray(at, at + 253) });
    const attributes = [
      messageAuthenticator,
      { type: 1, value: Buffer.from('alice') },
      mtu,
      ...stateOf(started),
      ...split,
    ];
    const reply = await raw.ask(signRequest({ code: 1, identifier: 2, authenticator, attributes }, key));
    const fragment = joinedValue(decodePacket(reply), 79) ?? Buffer.alloc(0);
    expect(fragment.readUInt8(5) & 0x40).toBe(0x40);
    expect(fragment.length - 10).toBeLessThanOrEqual(390);
  });

  test('radius C81: EAP without Message-Authenticator, a stale identifier, and M17 get no Accept or nothing', async () => {
    await using radius = await start();
    using raw = await openRawClient(radius.port);
    raw.send(request(1, '0201000a01616c696365', [], false));
    const started = await raw.ask(request(2, '0201000a01616c696365'));
    raw.send(request(3, '020900060319', stateOf(started)));
    const huge = await raw.ask(request(4, '0202000a0dc0ffffffff', stateOf(started)));
    expect([huge.readUInt8(0), eapOf(huge)]).toEqual([3, '04020004']);
    expect(raw.replies.map((reply) => reply.readUInt8(1))).toEqual([2, 4]);
  });
});

test('radius C69: the Send key is the second half of the MSK', async () => {
  await using radius = await start();
  const { output } = await eapolTest(radius.port, { eap: 'TTLS', caPem: server.certPem });
  const hex = (name: string) =>
    new RegExp(`${name}[^\\n]*hexdump\\(len=\\d+\\): ([0-9a-f ]+)`).exec(output)?.[1]?.replaceAll(' ', '');
  const msk = hex('EAP-TTLS: Derived key') ?? '';
  expect(msk).toHaveLength(128);
  expect(hex('MS-MPPE-Recv-Key')).toBe(msk.slice(0, 64));
  expect(hex('MS-MPPE-Send-Key')).toBe(msk.slice(64));
});
