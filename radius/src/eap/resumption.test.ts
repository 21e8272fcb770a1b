// Logins that are resumed (WISHES R16; RFC 9190 §2.1.2, §2.1.3, §5.7, RFC 9427 §4), with eapol_test as a device that comes
// again: a short handshake, nothing inside the tunnel, and the core asked each time whether access still is granted.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTestAuthority, type Issued, type TestAuthority, temporaryFolder } from '@gatehouse/daemon/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type EapolTest, eapolTest } from '../testing/eapol-test.ts';
import { p1, startTestRadius, users } from '../testing/start.ts';

let authority: TestAuthority;
let server: Issued;
let client: Issued;
beforeAll(async () => {
  authority = await createTestAuthority();
  server = await authority.issue('radius.example.test', { purpose: 'server' });
  client = await authority.issue('alice');
});
afterAll(async () => authority[Symbol.asyncDispose]());

async function start(
  given: {
    readonly resumption?: string;
    readonly verdicts?: string;
    readonly provider?: object;
    readonly crlPem?: string;
  } = {},
) {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const write = async (name: string, text: string) => {
    await writeFile(join(folder.path, name), text);
    return join(folder.path, name);
  };
  const { resumption = '1h', verdicts = '0', crlPem } = given;
  const radius = await startTestRadius({
    providers: [{ ...p1, local_certificates: true, ...given.provider }],
    users: { ...users, alice: { password: 's3cr3t', wifi: ['w1f1-s3cr3t'] } },
    env: {
      AUTHENTIK_RADIUS__EAP_CERTIFICATE: await write('server.pem', server.certPem),
      AUTHENTIK_RADIUS__EAP_KEY: await write('server.key', server.keyPem),
      AUTHENTIK_RADIUS__EAP_CLIENT_CA: await write('ca.pem', authority.caPem),
      ...(crlPem === undefined ? {} : { AUTHENTIK_RADIUS__EAP_CLIENT_CRL: await write('list.crl', crlPem) }),
      AUTHENTIK_RADIUS__VERDICT_CACHE: verdicts,
      ...(resumption === '' ? {} : { AUTHENTIK_RADIUS__EAP_RESUMPTION: resumption }),
    },
  });
  onTestFinished(() => radius[Symbol.asyncDispose]());
  return { ...radius, write };
}
type Started = Awaited<ReturnType<typeof start>>;

const login = (radius: Started, given: Pick<EapolTest, 'eap'> & Partial<EapolTest>) =>
  eapolTest(radius.port, {
    caPem: authority.caPem,
    repeat: 3,
    ...(given.eap === 'TLS' ? { client } : {}),
    ...given,
  });

/** Logins that ended so, by the metric. */
const ended = async (radius: Started, result: string) =>
  Number(new RegExp(`eap_total\\{method="[a-z]+",result="${result}"\\} (\\d+)`).exec(await radius.metrics())?.[1] ?? 0);

describe('eapol_test', () => {
  for (const tls of ['1.2', '1.3'] as const)
    for (const fragmentBytes of [undefined, 200]) {
      const fragments = fragmentBytes === undefined ? {} : { fragmentBytes };
      const size = `fragments of ${fragmentBytes ?? 'any'} bytes`;

      test(`EAP-TLS over TLS ${tls}, ${size}: resumed, and the core is asked each time`, async () => {
        const radius = await start();
        const result = await login(radius, { eap: 'TLS', tls, ...fragments });
        expect([result.isSuccess, result.keys], result.output.slice(-3000)).toEqual([true, 4]);
        expect([await ended(radius, 'success'), await ended(radius, 'resumed')]).toEqual([1, 3]);
        expect(radius.core.seen('assert_login')).toHaveLength(4);
      });

      for (const eap of ['TTLS', 'PEAP'] as const)
        test(`EAP-${eap} over TLS ${tls}, ${size}: one password, one flow, and access asked each time`, async () => {
          const radius = await start();
          const result = await login(radius, { eap, tls, ...fragments });
          expect([result.isSuccess, result.keys], result.output.slice(-3000)).toEqual([true, 4]);
          expect([await ended(radius, 'success'), await ended(radius, 'resumed')]).toEqual([1, 3]);
          expect(radius.core.flows()).toBe(1);
          expect(radius.core.seen('check_access')).toHaveLength(4);
        });
    }

  for (const eap of ['TTLS', 'PEAP'] as const)
    test(`EAP-${eap}/MSCHAPv2: the Wi-Fi secret is not asked for again, approval is`, async () => {
      const radius = await start({ provider: { wifi_secrets: true } });
      const result = await login(radius, { eap, inner: 'MSCHAPV2', password: 'w1f1-s3cr3t' });
      expect([result.isSuccess, result.keys], result.output.slice(-3000)).toEqual([true, 4]);
      expect(await ended(radius, 'resumed')).toBe(3);
      expect(radius.core.seen('wifi_secrets')).toHaveLength(1);
      expect(radius.core.seen('assert_login')).toHaveLength(4);
    });

  for (const eap of ['TLS', 'TTLS', 'PEAP'] as const)
    test(`EAP-${eap} where verdicts are remembered: the core is asked about the login once, and once when it is resumed`, async () => {
      const radius = await start({ verdicts: '1h' });
      const result = await login(radius, { eap });
      expect([result.isSuccess, result.keys], result.output.slice(-3000)).toEqual([true, 4]);
      expect(await ended(radius, 'resumed')).toBe(3);
      // A certificate is shown and judged again each time, and what was remembered of its user is the same.
      expect(radius.core.seen(eap === 'TLS' ? 'assert_login' : 'check_access')).toHaveLength(eap === 'TLS' ? 1 : 2);
      // Its ticket is gone with the login that a change of providers forgets, and with it what was remembered.
      await radius.refresh();
      expect((await login(radius, { eap })).keys).toBe(4);
      expect(radius.core.seen(eap === 'TLS' ? 'assert_login' : 'check_access').length).toBeGreaterThan(
        eap === 'TLS' ? 1 : 2,
      );
    });

  test('off unless it is switched on: each login is a full one', async () => {
    const radius = await start({ resumption: '' });
    for (const tls of ['1.2', '1.3'] as const)
      expect((await login(radius, { eap: 'TTLS', tls, repeat: 2 })).isSuccess).toBe(true);
    expect([await ended(radius, 'success'), await ended(radius, 'resumed')]).toEqual([6, 0]);
    expect(radius.core.flows()).toBe(6);
  });

  for (const eap of ['TLS', 'TTLS', 'PEAP'] as const)
    for (const tls of ['1.2', '1.3'] as const)
      test(`EAP-${eap} over TLS ${tls}: denied between two logins, the next one is refused although it could be resumed`, async () => {
        const radius = await start();
        const running = login(radius, { eap, tls, repeat: 5_000 });
        const asked = eap === 'TLS' ? 'assert_login' : 'check_access';
        await expect.poll(() => radius.core.seen(asked).length, { timeout: 20_000 }).toBeGreaterThan(2);
        radius.core.users.set('alice', { password: 's3cr3t', isDenied: true });
        const result = await running;
        expect(result.isSuccess, result.output.slice(-3000)).toBe(false);
        expect(await ended(radius, 'failure')).toBe(1);
        expect(await ended(radius, 'resumed')).toBeGreaterThan(0);
        expect(await radius.metrics()).toMatch(/reason="access_denied"[^}]*\} 1/);
      });

  test('a certificate that is revoked meanwhile is refused, although its session could be resumed', async () => {
    const radius = await start({ crlPem: await authority.revoke([]) });
    const lost = await authority.issue('alice');
    const running = login(radius, { eap: 'TLS', client: lost, repeat: 5_000 });
    await expect.poll(() => radius.core.seen('assert_login').length, { timeout: 20_000 }).toBeGreaterThan(2);
    await radius.write('list.crl', await authority.revoke([lost]));
    await radius.refresh();
    const result = await running;
    expect(result.isSuccess).toBe(false);
    expect(await ended(radius, 'resumed')).toBeGreaterThan(0);
    expect(JSON.stringify(radius.log.lines)).toContain('the certificate is revoked');
  });

  test('a login that was refused leaves nothing to resume', async () => {
    const radius = await start();
    const result = await login(radius, { eap: 'TTLS', password: 'wrong' });
    expect(result.isSuccess).toBe(false);
    expect(await ended(radius, 'resumed')).toBe(0);
    expect(radius.core.seen('check_access')).toHaveLength(0);
  });

  test('the core is away: silence, and the same resumption goes on when it is back', async () => {
    const radius = await start();
    const running = login(radius, { eap: 'PEAP', repeat: 3_000 });
    await expect.poll(() => radius.core.seen('check_access').length, { timeout: 20_000 }).toBeGreaterThan(2);
    radius.core.fail('check_access', 503);
    await expect
      .poll(() => radius.drops.latest().some(({ reason }) => reason === 'core_unreachable'), { timeout: 20_000 })
      .toBe(true);
    expect(await ended(radius, 'failure')).toBe(0);
    radius.core.fail('check_access', undefined);
    radius.core.users.set('alice', { password: 's3cr3t', isDenied: true }); // or it would go on to three thousand
    expect((await running).isSuccess).toBe(false);
    expect(await radius.metrics()).toMatch(/reason="access_denied"[^}]*\} 1/);
  });
});
