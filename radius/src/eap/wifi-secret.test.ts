// MS-CHAPv2 against Wi-Fi secrets: in PEAP, in TTLS and bare; and that passwords are never good for it.

import { readFileSync } from 'node:fs';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import { checkReply, createPacketKey, decodePacket, decodeVendor, revealSalted } from '@gatehouse/wire/radius';
import { beforeAll, describe, expect, test } from 'vitest';
import { eapolTest } from '../testing/eapol-test.ts';
import { openRawClient, p1, startTestRadius, users } from '../testing/start.ts';

let server: Awaited<ReturnType<typeof selfSignedCertificate>>;
beforeAll(async () => {
  server = await selfSignedCertificate();
});

const secret = 'k3v9wifi7secret5abcd';
const start = (wifi_secrets = true) =>
  startTestRadius({
    providers: [{ ...p1, certificate: 'pair-1', wifi_secrets }],
    users: {
      ...users,
      alice: { password: 's3cr3t', wifi: ['another-device-secret', secret] },
      mallory: { password: 's3cr3t', wifi: [secret], isDenied: true },
      User: { password: 'other', wifi: ['clientPass'] },
    },
    prepare: (core) => core.certificates.set('pair-1', { ...server, fingerprint: 'one' }),
  });
const given = (eap: 'PEAP' | 'TTLS', more: object = {}) =>
  ({ eap, inner: 'MSCHAPV2', password: secret, caPem: server.certPem, ...more }) as const;

describe('eapol_test', () => {
  for (const eap of ['PEAP', 'TTLS'] as const)
    for (const tls of ['1.2', '1.3'] as const)
      for (const fragmentBytes of [undefined, 300, 200])
        test(`EAP-${eap}/MSCHAPv2 over TLS ${tls}, fragments of ${fragmentBytes ?? 'any'} bytes: a Wi-Fi secret lets in`, async () => {
          await using radius = await start();
          const result = await eapolTest(
            radius.port,
            given(eap, { tls, ...(fragmentBytes === undefined ? {} : { fragmentBytes }) }),
          );
          expect([result.isSuccess, result.hasKeys], result.output.slice(-3000)).toEqual([true, true]);
          expect(result.output).toContain(`TLSv${tls}`);
          expect(radius.core.flows()).toBe(0);
        });

  for (const eap of ['PEAP', 'TTLS'] as const)
    test(`EAP-${eap}/MSCHAPv2: wrong secret, the password, no secret, no access: EAP-Failure, and the log says why`, async () => {
      await using radius = await start();
      for (const [more, reason] of [
        [{ password: 'wrong' }, 'invalid_credentials'],
        [{ password: 's3cr3t' }, 'invalid_credentials'],
        [{ identity: 'erin' }, 'no_wifi_secret'],
        [{ identity: 'mallory' }, 'access_denied'],
      ] as const) {
        const result = await eapolTest(radius.port, given(eap, more));
        expect([result.isSuccess, reason]).toEqual([false, reason]);
        expect(await radius.metrics()).toMatch(new RegExp(`requests_rejected_total\\{[^}]*reason="${reason}"`));
      }
      expect(JSON.stringify(radius.log.lines)).toContain('cannot work with a password');
    });

  test('PEAP without Wi-Fi secrets offers GTC; who insists on MSCHAPv2 fails, and the log says what to do', async () => {
    await using radius = await start(false);
    expect((await eapolTest(radius.port, given('PEAP'))).isSuccess).toBe(false);
    expect(JSON.stringify(radius.log.lines)).toContain('cannot work with hashed passwords; switch on wifi_secrets');
    const gtc = { eap: 'PEAP', caPem: server.certPem } as const;
    expect((await eapolTest(radius.port, gtc)).isSuccess).toBe(true);
  });

  test('PEAP with Wi-Fi secrets: a device set to GTC gets GTC', async () => {
    await using radius = await start();
    expect((await eapolTest(radius.port, { eap: 'PEAP', inner: 'GTC', caPem: server.certPem })).isSuccess).toBe(true);
  });
});

describe('bare MS-CHAPv2', () => {
  const vectors: readonly { name: string; hex: string }[] = JSON.parse(
    readFileSync(new URL('../../../packages/wire/src/vectors/radius.json', import.meta.url), 'utf8'),
  );
  const V20 = Buffer.from(vectors.find(({ name }) => name === 'V20')?.hex ?? '', 'hex');
  const key = createPacketKey('testing123');
  const microsoft = (reply: Buffer) =>
    new Map(
      decodePacket(reply)
        .attributes.flatMap(({ type, value }) => (type === 26 ? (decodeVendor(value) ?? []) : []))
        .map(({ type, value }) => [type, value]),
    );

  test('radius V20: the right secret: proof of our own and the keys of RFC 3079', async () => {
    await using radius = await start();
    using client = await openRawClient(radius.port);
    const reply = await client.ask(V20);
    const request = decodePacket(V20);
    expect(checkReply(decodePacket(reply), request, key)).toEqual({ authentic: true, messageAuthenticator: 'valid' });
    const values = microsoft(reply);
    expect(reply.readUInt8(0)).toBe(2);
    expect(values.get(26)?.toString('latin1')).toBe('\u0007S=407A5589115FD0D6209F510FE9C04566932CDA56');
    const reveal = (type: number) =>
      revealSalted(values.get(type) ?? Buffer.alloc(0), request.authenticator, key).toString('hex');
    expect([reveal(16), reveal(17)]).toEqual(['8b7cdc149b993a1ba118cb153f56dccb', 'd5f0e9521e3ea9589645e86051c82226']);
  });

  test('radius V20: a wrong one: MS-CHAP-Error 691', async () => {
    await using radius = await start();
    radius.core.users.set('User', { password: 'clientPass', wifi: ['something else'] });
    using client = await openRawClient(radius.port);
    const reply = await client.ask(V20);
    expect(reply.readUInt8(0)).toBe(3);
    expect(microsoft(reply).get(2)?.toString('latin1')).toMatch(/E=691 R=0 C=[\dA-F]{32} V=3 M=/);
  });
});
