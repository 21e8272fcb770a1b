// EAP-TLS whose certificates the core judges, in its mutual TLS stage: set up by the blueprint of radius/docs, with eapol_test as
// the device, openssl as the authority, and `gatehouse radius` as a process in between.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startTestCore, type TestCore, testPassword } from '@gatehouse/core/testing';
import {
  createTestAuthority,
  type Issued,
  type IssueOptions,
  type TestAuthority,
  temporaryFolder,
} from '@gatehouse/daemon/testing';
import { type EapolTest, eapolTest } from '@gatehouse/radius/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarted, type RunningDaemon, skipWithout, startDaemon, until } from '../../harness/index.ts';

const example = new URL('../../../radius/docs/eap-tls.yaml', import.meta.url);

describe.skipIf(skipWithout('eapol_test'))('client certificates judged by the core', { timeout: 120_000 }, () => {
  const started = createStarted();
  let core: TestCore;
  let radius: RunningDaemon;
  let authority: TestAuthority;

  beforeAll(async () => {
    const folder = started.use(await temporaryFolder());
    const write = (name: string, text: string) => writeFile(join(folder.path, name), text);
    authority = started.use(await createTestAuthority('Devices'));
    const server = await authority.issue('radius.example.test', { purpose: 'server', key: 'rsa' });
    await write('devices-ca.pem', authority.caPem);
    await write('server.pem', server.certPem);
    await write('server.key', server.keyPem);
    await write('secret', 'testing123');
    const blueprint = (await readFile(example, 'utf8'))
      .replaceAll('/etc/gatehouse/wifi', folder.path)
      .replace('10.20.0.0/16', '127.0.0.0/8');
    const blueprintsDir = join(folder.path, 'blueprints');
    await mkdir(blueprintsDir);
    await writeFile(join(blueprintsDir, 'wifi.yaml'), blueprint);
    core = started.use(await startTestCore({ blueprintsDir }));
    const { results } = await core.call<{ results: { token_identifier: string }[] }>(
      'GET',
      '/outposts/instances/?name=wifi',
    );
    const { key } = await core.call<{ key: string }>('GET', `/core/tokens/${results[0]?.token_identifier}/view_key/`);
    radius = started.use(await startDaemon('radius', { env: { AUTHENTIK_HOST: core.url, AUTHENTIK_TOKEN: key } }));
    await until(() => radius.lines.some(({ event }) => event === 'Update providers'));
  }, 120_000);
  afterAll(() => started[Symbol.asyncDispose]());

  const login = (client: Issued | undefined, more: Partial<EapolTest> = {}) =>
    eapolTest(radius.bound('radius').port, {
      eap: 'TLS',
      identity: 'anonymous',
      caPem: authority.caPem,
      ...(client === undefined ? {} : { client }),
      ...more,
    });
  const user = async (username: string) =>
    (await core.call<{ results: { pk: number }[] }>('GET', `/core/users/?username=${username}`)).results[0]?.pk ?? 0;
  const newest = async (action: string) =>
    (
      await core.call<{ results: { context: Record<string, unknown>; client_ip: string }[] }>(
        'GET',
        `/events/events/?action=${action}&ordering=-created&page_size=1`,
      )
    ).results[0];

  for (const tls of ['1.2', '1.3'] as const)
    describe(`TLS ${tls}`, () => {
      test('radius C70: a good certificate: accepted with keys, as the user it names, whatever the identity outside', async () => {
        const result = await login(await authority.issue('ada'), { tls });
        expect([result.isSuccess, result.hasKeys], result.output.slice(-3000)).toEqual([true, true]);
        expect(await newest('login')).toMatchObject({
          client_ip: '127.0.0.1',
          context: {
            auth_method: 'mtls',
            auth_method_args: { certificate: { subject: 'CN=ada', issuer: 'CN=Devices' } },
          },
        });
      });

      const refusals: [string, () => Promise<Issued>, string][] = [
        ['of an unknown authority', () => issueOf('Strangers', 'ada'), 'no configured authority has signed it'],
        ['of one with the same name', () => issueOf('Devices', 'ada'), 'no configured authority has signed it'],
        ['that has expired', () => authority.issue('ada', { days: -1 }), 'expired on'],
        ['of a server', () => authority.issue('ada', { purpose: 'server' }), 'not meant for client authentication'],
        ['of nobody we know', () => authority.issue('nobody'), 'nobody has the name nobody'],
      ];
      test.each(refusals)(
        'radius C71: a certificate %s is rejected, and the core’s event says why',
        async (_, issue, reason) => {
          const result = await login(await issue(), { tls, identity: 'ada' });
          expect([result.isSuccess, result.keys]).toEqual([false, 0]);
          expect((await newest('login_failed'))?.context).toMatchObject({ reason: expect.stringContaining(reason) });
        },
      );

      test('somebody who is disabled is rejected at the next login, and let in when active again', async () => {
        const client = await authority.issue('grace');
        const set = async (is_active: boolean) =>
          core.call('PATCH', `/core/users/${await user('grace')}/`, { is_active });
        expect((await login(client, { tls })).isSuccess).toBe(true);
        await set(false);
        expect((await login(client, { tls })).isSuccess).toBe(false);
        expect((await newest('login_failed'))?.context).toMatchObject({ reason: 'grace is not active' });
        await set(true);
        expect((await login(client, { tls })).isSuccess).toBe(true);
      });

      test('somebody whom the application does not let in is rejected', async () => {
        const { pk } = await core.call<{ pk: string }>('GET', '/core/applications/wifi/');
        const binding = { target: pk, user: await user('ada'), order: 0 };
        const { pk: made } = await core.call<{ pk: string }>('POST', '/policies/bindings/', binding);
        expect((await login(await authority.issue('grace'), { tls })).isSuccess).toBe(false);
        expect((await login(await authority.issue('ada'), { tls })).isSuccess).toBe(true);
        await core.call('DELETE', `/policies/bindings/${made}/`);
        expect((await login(await authority.issue('grace'), { tls })).isSuccess).toBe(true);
      });

      test('by the same provider somebody without a certificate logs in by password, nobody by name alone', async () => {
        const byPassword = (password: string) => login(undefined, { tls, eap: 'TTLS', identity: 'ada', password });
        expect((await byPassword(testPassword)).isSuccess).toBe(true);
        expect((await byPassword('wrong')).isSuccess).toBe(false);
        expect((await byPassword('')).isSuccess).toBe(false);
      });
    });

  async function issueOf(name: string, commonName: string, options: IssueOptions = {}): Promise<Issued> {
    await using other = await createTestAuthority(name);
    return await other.issue(commonName, options);
  }

  test('the authority taken away in the core: nobody gets in by certificate any more', async () => {
    const client = await authority.issue('ada');
    expect((await login(client)).isSuccess).toBe(true);
    const { results } = await core.call<{ results: { pk: string }[] }>('GET', '/stages/mtls/?name=wifi-certificate');
    const { certificate_authorities } = await core.call<{ certificate_authorities: string[] }>(
      'PATCH',
      `/stages/mtls/${results[0]?.pk}/`,
      { certificate_authorities: [] },
    );
    expect(certificate_authorities).toEqual([]);
    expect((await login(client)).isSuccess).toBe(false);
  });
});
