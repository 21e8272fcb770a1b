// Client certificates checked here, with eapol_test as the device and openssl as the authority: each way to be refused has a
// test of its own, and the log names the reason.
import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTestAuthority, type Issued, type TestAuthority, temporaryFolder } from '@gatehouse/daemon/testing';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { eapolTest } from '../testing/eapol-test.ts';
import { p1, startTestRadius, users } from '../testing/start.ts';
import { createAuthority } from './client-certificate.ts';

let authority: TestAuthority;
let server: Issued;
beforeAll(async () => {
  authority = await createTestAuthority();
  server = await authority.issue('radius.example.test', { purpose: 'server' });
});
afterAll(async () => authority[Symbol.asyncDispose]());

/** @param branchPem of further authorities */
async function start(env: Record<string, string> = {}, crlPem?: string, branchPem = '') {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const write = async (name: string, text: string) => {
    await writeFile(join(folder.path, name), text);
    return join(folder.path, name);
  };
  return startTestRadius({
    providers: [{ ...p1, local_certificates: true }],
    users: { ...users, 'alice@example.test': { password: 'x' } },
    env: {
      AUTHENTIK_RADIUS__EAP_CERTIFICATE: await write('server.pem', server.certPem),
      AUTHENTIK_RADIUS__EAP_KEY: await write('server.key', server.keyPem),
      AUTHENTIK_RADIUS__EAP_CLIENT_CA: await write('ca.pem', `${authority.caPem}${branchPem}`),
      ...(crlPem === undefined ? {} : { AUTHENTIK_RADIUS__EAP_CLIENT_CRL: await write('list.crl', crlPem) }),
      ...env,
    },
  });
}
type Started = Awaited<ReturnType<typeof start>>;
const login = (radius: Started, client: Issued, more: object = {}) =>
  eapolTest(radius.port, { eap: 'TLS', identity: 'anonymous', caPem: authority.caPem, client, ...more });

describe('eapol_test', () => {
  for (const tls of ['1.2', '1.3'] as const)
    for (const fragmentBytes of [undefined, 300, 200])
      test(`EAP-TLS ${tls} checked here, fragments of ${fragmentBytes ?? 'any'} bytes: the common name is the user`, async () => {
        await using radius = await start();
        const fragments = fragmentBytes === undefined ? {} : { fragmentBytes };
        const result = await login(radius, await authority.issue('alice'), { tls, ...fragments });
        expect([result.isSuccess, result.hasKeys], result.output.slice(-3000)).toEqual([true, true]);
        expect(radius.core.flows()).toBe(0);
        expect(JSON.parse(radius.core.seen('assert_login')[0]?.body ?? '{}')).toEqual({
          username: 'alice',
          method: 'certificate',
        });
      });

  test('the core decides about access: a good certificate of somebody who is denied', async () => {
    await using radius = await start();
    expect((await login(radius, await authority.issue('mallory'))).isSuccess).toBe(false);
    expect(await radius.metrics()).toMatch(/reason="access_denied"[^}]*\} 1/);
  });

  test('an e-mail address of the certificate names the user where that is configured', async () => {
    await using radius = await start({ AUTHENTIK_RADIUS__EAP_USER_FIELD: 'email' });
    const client = await authority.issue('Alice', { names: 'email:alice@example.test' });
    expect((await login(radius, client)).isSuccess).toBe(true);
    expect((await login(radius, await authority.issue('alice'))).isSuccess).toBe(false);
    expect(JSON.stringify(radius.log.lines)).toContain('has no email to name a user');
  });

  for (const [what, issue, reason] of [
    ['an expired one', () => authority.issue('alice', { days: -1 }), 'expired on'],
    ['a self-signed one', () => selfSignedCertificate(), 'not meant for client authentication'],
    ['one of a server', () => authority.issue('alice', { purpose: 'server' }), 'not meant for client authentication'],
    ['an authority’s own', () => authority.issue('alice', { isAuthority: true }), 'is an authority'],
  ] as const)
    test(`${what} is refused, and nothing is asked of the core`, async () => {
      await using radius = await start();
      expect((await login(radius, await issue())).isSuccess).toBe(false);
      expect(JSON.stringify(radius.log.lines.filter(({ event }) => event === 'EAP failed'))).toContain(reason);
      expect(radius.core.seen('assert_login')).toEqual([]);
    });

  test('an authority below the configured one: its clients pass with it in their chain, not without', async () => {
    const own = await authority.issue('Branch CA', { isAuthority: true, pathLength: 0 });
    await using branch = await createTestAuthority('Branch CA', own);
    const client = await branch.issue('alice');
    const chained = { ...client, certPem: `${client.certPem}${own.certPem}` };
    for (const tls of ['1.2', '1.3'] as const) {
      await using radius = await start();
      const result = await login(radius, chained, { tls });
      expect([result.isSuccess, result.hasKeys], result.output.slice(-3000)).toEqual([true, true]);
    }
    await using radius = await start();
    expect((await login(radius, client)).isSuccess).toBe(false);
    expect(JSON.stringify(radius.log.lines)).toContain('no configured authority has signed it (issuer CN=Branch CA)');
    await using trusting = await start({}, undefined, own.certPem);
    expect((await login(trusting, client)).isSuccess).toBe(true);
  });

  test('an authority below it that has ended, is none, or stands too deep is refused', async () => {
    const ended = await authority.issue('Branch CA', { isAuthority: true, days: -1 });
    const none = await authority.issue('Branch CA');
    const shallow = await authority.issue('Branch CA', { isAuthority: true, pathLength: 0 });
    await using branch = await createTestAuthority('Branch CA', shallow);
    const deep = await branch.issue('Desk CA', { isAuthority: true });
    await using radius = await start();
    const cases = [
      [[ended], 'CN=Branch CA expired on'],
      [[none], 'the issuer CN=Branch CA is no authority'],
      [[deep, shallow], 'the issuer CN=Branch CA must not have authorities below it'],
    ] as const;
    for (const [[nearest, ...others], reason] of cases) {
      await using issuer = await createTestAuthority('', nearest);
      const client = await issuer.issue('alice');
      const certPem = [client, nearest, ...others].map((one) => one.certPem).join('');
      expect((await login(radius, { ...client, certPem })).isSuccess).toBe(false);
      expect(JSON.stringify(radius.log.lines)).toContain(reason);
    }
  });

  test('revocation lists of both authorities: a revoked branch lets nobody in, and so does a branch without a list', async () => {
    const own = await authority.issue('Branch CA', { isAuthority: true });
    await using branch = await createTestAuthority('Branch CA', own);
    const client = await branch.issue('alice');
    const chained = { ...client, certPem: `${client.certPem}${own.certPem}` };
    await using listless = await start({}, await authority.revoke([]));
    expect((await login(listless, chained)).isSuccess).toBe(false);
    expect(JSON.stringify(listless.log.lines)).toContain('there is no revocation list of CN=Branch CA');
    const lists = async (revoked: readonly Issued[]) => `${await authority.revoke(revoked)}${await branch.revoke([])}`;
    await using whole = await start({}, await lists([]), own.certPem);
    expect((await login(whole, chained)).isSuccess).toBe(true);
    await using revoked = await start({}, await lists([own]), own.certPem);
    expect((await login(revoked, chained)).isSuccess).toBe(false);
    expect(JSON.stringify(revoked.log.lines)).toContain('the certificate is revoked');
  });

  test('one that has signed itself is refused, whatever it says it is for', async () => {
    await using own = await createTestAuthority('alice');
    const { certPem, keyPem } = await own.issue('alice');
    await using radius = await start();
    expect((await login(radius, { certPem: `${certPem}${own.caPem}`, keyPem })).isSuccess).toBe(false);
    expect(JSON.stringify(radius.log.lines)).toContain('no configured authority has signed it (issuer CN=alice)');
  });

  test('one of another authority is refused', async () => {
    await using other = await createTestAuthority('Other CA');
    await using radius = await start();
    expect((await login(radius, await other.issue('alice'))).isSuccess).toBe(false);
    expect(JSON.stringify(radius.log.lines)).toContain('no configured authority has signed it (issuer CN=Other CA)');
  });

  test('revocation lists: a revoked one is refused, another passes; a list that has run out lets nobody in', async () => {
    const [bad, good] = [await authority.issue('alice'), await authority.issue('alice')];
    await using radius = await start({}, await authority.revoke([bad]));
    expect((await login(radius, bad)).isSuccess).toBe(false);
    expect(JSON.stringify(radius.log.lines)).toContain('the certificate is revoked');
    expect((await login(radius, good)).isSuccess).toBe(true);
    await using late = await start({}, await authority.revoke([], -1));
    expect((await login(late, good)).isSuccess).toBe(false);
    expect(JSON.stringify(late.log.lines)).toContain('has run out');
  });

  test('a renewed file is used after a refresh; one that has become wrong leaves the last good in force', async () => {
    const client = await authority.issue('alice');
    const folder = await temporaryFolder();
    onTestFinished(() => folder[Symbol.asyncDispose]());
    const file = join(folder.path, 'ca.pem');
    await writeFile(file, authority.caPem);
    await using radius = await start({ AUTHENTIK_RADIUS__EAP_CLIENT_CA: file });
    await writeFile(file, 'nonsense');
    await radius.refresh();
    expect((await login(radius, client)).isSuccess).toBe(true);
    await using other = await createTestAuthority('Other CA');
    await writeFile(file, other.caPem);
    await radius.refresh();
    expect((await login(radius, client)).isSuccess).toBe(false);
  });
});

test('a list that nobody configured has signed is no list', async () => {
  await using other = await createTestAuthority('Other CA');
  const crlPem = await other.revoke([]);
  await expect(createAuthority({ caPem: authority.caPem, crlPem, userField: 'cn' })).rejects.toThrow(
    'no configured authority has signed the revocation list of CN=Other CA',
  );
});

test('a certificate that was good before is looked at again: its dates, and the list of today', async () => {
  const [good, other] = [await authority.issue('alice'), await authority.issue('bob')];
  const own = new X509Certificate(good.certPem);
  const files = { caPem: authority.caPem, crlPem: undefined, userField: 'cn' } as const;
  const judging = await createAuthority(files);
  const now = Date.now();
  const claim = { kind: 'claim', claim: { kind: 'local_certificate', username: 'alice' } };
  expect([judging.judge(own, now), judging.judge(own, now)]).toEqual([claim, claim]);
  expect(judging.judge(own, Date.parse(own.validTo) + 1)).toMatchObject({ kind: 'refused' });
  expect(judging.judge(own, Date.parse(own.validFrom) - 1)).toMatchObject({ kind: 'refused' });
  expect(judging.judge(new X509Certificate(other.certPem), now)).toMatchObject({ claim: { username: 'bob' } });
});
