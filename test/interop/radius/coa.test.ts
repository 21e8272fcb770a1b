// Sessions on a device that are changed or ended while they run (RFC 5176; radius.md B10), from our own core to FreeRADIUS as
// the device, which checks every authenticator and prints what it was told. Logins are radclient's and eapol_test's.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testPassword, testRadiusSecret } from '@gatehouse/core/testing';
import { readLocalPage } from '@gatehouse/daemon/health';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { eapolTest, radclient } from '@gatehouse/radius/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarted, skipWithout, until } from '../../harness/index.ts';
import { type FreeRadius, startFreeRadius } from './freeradius.ts';
import { type Site, startSite } from './site.ts';

const isMissing = ['radclient', 'eapol_test', 'freeradius'].map(skipWithout).includes(true);
const started = createStarted();
let site: Site;
let nas: FreeRadius;
let folder: string;

/** The device refuses a filter that it does not have. */
const device = `if (&Filter-Id && &Filter-Id == "unknown") {
      reject
    }
    ok`;
const policyOf = (mode: string, rules: string) => `clients:
  - { networks: [127.0.0.0/8], coa: true, coa_port: ${nas.coaPort}, coa_on_change: ${mode} }
attributes:
${rules}`;
const vlans = `  - groups: [engineers]
    set: { "Tunnel-Type:1": VLAN, "Tunnel-Medium-Type:1": IEEE-802, "Tunnel-Private-Group-Id:1": "30" }
  - groups: [strangers]
    set: { Filter-Id: unknown }
  - set: { "Tunnel-Type:1": VLAN, "Tunnel-Medium-Type:1": IEEE-802, "Tunnel-Private-Group-Id:1": "20" }
`;

beforeAll(async () => {
  if (isMissing) return;
  folder = started.use(await temporaryFolder()).path;
  nas = started.use(await startFreeRadius({ folder, secret: testRadiusSecret, coa: device }));
  const env = { TMPDIR: folder, AUTHENTIK_RADIUS__EAP_RESUMPTION: '1h' };
  site = started.use(await startSite(policyOf('change', vlans), env));
}, 120_000);
afterAll(() => started[Symbol.asyncDispose]());

interface User {
  readonly pk: number;
  readonly name: string;
}

async function makeUser(name: string): Promise<User> {
  const { pk } = await site.core.call<{ pk: number }>('POST', '/core/users/', { username: name, name });
  await site.core.call('POST', `/core/users/${pk}/set_password/`, { password: testPassword });
  return { pk, name };
}

async function addTo(group: string, user: User): Promise<string> {
  const { pk } = await site.core.call<{ pk: string }>('POST', '/core/groups/', { name: group });
  await site.core.call('POST', `/core/groups/${pk}/add_user/`, { pk: user.pk });
  return pk;
}

async function login({ name }: User): Promise<string> {
  const words = `User-Name=${name},User-Password="${testPassword}",Calling-Station-Id=02-00-00-00-00-01,NAS-Port=7,MA`;
  const { code, output } = await radclient(site.radius.bound('radius').port, words, { secret: testRadiusSecret });
  expect(code).toBe('Access-Accept');
  return output;
}

/** What the device has printed of requests of this kind about this user. */
function told(kind: 'CoA' | 'Disconnect', { name }: User): string[] {
  const packets = nas.output().split(/(?=\(\d+\) Received )/);
  return packets.filter((one) => one.includes(`Received ${kind}-Request`) && one.includes(`User-Name = "${name}"`));
}
const counted = async () => (await readLocalPage(join(folder, 'authentik-metrics.sock'), '/metrics')) ?? '';

describe.skipIf(isMissing)('FreeRADIUS as the device', () => {
  test('radius B10: another group is another VLAN: the running session gets it by a CoA-Request', async () => {
    const user = await makeUser('mover');
    expect(await login(user)).toContain('Tunnel-Private-Group-Id:1 = "20"');
    const group = await addTo('engineers', user);
    await until(() => told('CoA', user).length === 1, 15_000);
    const [packet = ''] = told('CoA', user);
    for (const part of [
      'Tunnel-Private-Group-Id:1 = "30"',
      'Tunnel-Type:1 = VLAN',
      'NAS-Port = 7',
      'Message-Authenticator = ',
    ])
      expect(packet).toContain(part);
    expect(packet).toContain('Calling-Station-Id = "02-00-00-00-00-01"');
    await until(async () => /coa_total\{type="coa",result="ack"\} 1/.test(await counted()), 15_000);

    await site.core.call('POST', `/core/groups/${group}/remove_user/`, { pk: user.pk });
    await until(() => told('CoA', user).length === 2, 15_000);
    expect(told('CoA', user)[1]).toContain('Tunnel-Private-Group-Id:1 = "20"');
    expect(told('Disconnect', user)).toEqual([]);

    await site.core.call('PATCH', `/core/users/${user.pk}/`, { is_active: false });
    await until(() => told('Disconnect', user).length === 1, 15_000);
  });

  test('a change that concerns nobody’s attributes is told to no device', async () => {
    const user = await makeUser('stayer');
    await login(user);
    await site.core.call('PATCH', `/core/users/${user.pk}/`, { name: 'Stayer the Second' });
    const mark = await makeUser('after-stayer'); // whose change comes behind it
    await login(mark);
    await addTo('engineers-too', mark);
    await site.core.call('PATCH', `/core/users/${mark.pk}/`, { is_active: false });
    await until(() => told('Disconnect', mark).length === 1, 15_000);
    expect([...told('CoA', user), ...told('Disconnect', user)]).toEqual([]);
  });

  test('a device that refuses goes on as before with change, and is told to disconnect with change_or_disconnect', async () => {
    const user = await makeUser('stranger');
    await login(user);
    await addTo('strangers', user);
    await until(() => told('CoA', user).length === 1, 15_000);
    await until(() => site.radius.lines.some(({ event }) => event === 'session not changed'), 15_000);
    expect(told('Disconnect', user)).toEqual([]);

    await writePolicy('change_or_disconnect', vlans.replace('Filter-Id: unknown', 'Class: other'));
    const second = await makeUser('stranger2');
    await login(second);
    await writePolicy(
      'change_or_disconnect',
      vlans.replace('groups: [strangers]\n    set: { Filter-Id', 'set: { Filter-Id'),
    );
    await until(() => told('Disconnect', second).length === 1, 15_000);
    expect(told('CoA', second)).toHaveLength(1);
    expect(told('CoA', second)[0]).toContain('Filter-Id = "unknown"');
  });

  test('an attribute that shall be gone cannot be told: the session is ended', async () => {
    await writePolicy('change_or_disconnect', '  - set: { Filter-Id: one, Class: two }\n');
    const user = await makeUser('loser');
    await login(user);
    await writePolicy('change_or_disconnect', '  - set: { Class: two }\n');
    await until(() => told('Disconnect', user).length === 1, 15_000);
    expect(told('CoA', user)).toEqual([]);
  });

  test('who would be let in no longer is disconnected, although the session in the core goes on', async () => {
    const user = await makeUser('outsider');
    await login(user);
    const { pk: group } = await site.core.call<{ pk: string }>('POST', '/core/groups/', { name: 'insiders' });
    const found = await site.core.call<{ results: { pk: string }[] }>('GET', '/core/applications/?slug=network');
    const binding = { target: found.results[0]?.pk, group, order: 0 };
    const { pk } = await site.core.call<{ pk: string }>('POST', '/policies/bindings/', binding);
    await until(() => told('Disconnect', user).length === 1, 15_000);
    await site.core.call('DELETE', `/policies/bindings/${pk}/`);
  });

  test('R16: a user is disabled while a device resumes its session: the next resumption is refused', async () => {
    const user = await makeUser('roamer');
    const running = eapolTest(site.radius.bound('radius').port, {
      eap: 'TTLS',
      identity: user.name,
      password: testPassword,
      caPem: site.authority.caPem,
      secret: testRadiusSecret,
      repeat: 10_000,
    });
    await until(async () => /eap_total\{method="ttls",result="resumed"\} \d/.test(await counted()), 30_000);
    await site.core.call('PATCH', `/core/users/${user.pk}/`, { is_active: false });
    expect((await running).isSuccess).toBe(false);
  });
});

/** Puts another policy file in force. */
async function writePolicy(mode: string, rules: string): Promise<void> {
  const seen = site.radius.lines.filter(({ event }) => event === 'policy in force').length;
  await writeFile(site.env['AUTHENTIK_RADIUS__POLICY_FILE'] ?? '', policyOf(mode, rules));
  process.kill(site.radius.pid ?? 0, 'SIGUSR1');
  await until(() => site.radius.lines.filter(({ event }) => event === 'policy in force').length > seen, 15_000);
}
