// The policy file: what it may hold, what of it holds for whom, and that a wrong one changes nothing.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { captureLogger, temporaryFolder } from '@gatehouse/daemon/testing';
import { createDictionary, createPacketKey, decodePacket, signRequest } from '@gatehouse/wire/radius';
import { describe, expect, onTestFinished, test } from 'vitest';
import { describeAttributes } from '../attributes/describe.ts';
import { radclient } from '../testing/radclient.ts';
import { p1, settings, startTestRadius, users } from '../testing/start.ts';
import { readPolicy } from './document.ts';
import { createPolicy } from './policy.ts';

const example = `
clients:
  - application: wifi
    challenge: true
  - application: wifi
    networks: 10.0.0.0/8
    require_message_authenticator: yes
    on_core_failure: reject
  - networks: [10.1.0.0/16, "2001:db8::/32"]
    secret: another secret
    require_message_authenticator: no
attributes:
  - groups: staff
    application: wifi
    set:
      Tunnel-Type:1: VLAN
      Tunnel-Medium-Type:1: IEEE-802
      Tunnel-Private-Group-Id:1: 20
      Cisco-AVPair: [a=1, b=2]
  - groups: [staff, guests]
    set: { Class: network, Tunnel-Private-Group-Id:1: "30" }
  - set: { Session-Timeout: 3600, Attribute-241: "0x0101" }
`;

async function policyOf(text: string) {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const path = join(folder.path, 'policy.yaml');
  await writeFile(path, text);
  const policy = createPolicy(path, settings, captureLogger());
  return { policy, path };
}

test('the more specific entry has the last word, and says so', async () => {
  const { policy } = await policyOf(example);
  await policy.refresh();
  expect(policy.refine('wifi', '10.2.0.1').settings).toEqual({
    ...settings,
    challenge: true,
    requireMessageAuthenticator: 'yes',
    onCoreFailure: 'reject',
  });
  const special = policy.refine('wifi', '10.1.0.1');
  expect(special.settings).toMatchObject({
    challenge: true,
    requireMessageAuthenticator: 'no',
    onCoreFailure: 'reject',
  });
  const request = { code: 4, identifier: 1, authenticator: Buffer.alloc(16), attributes: [] };
  expect(special.key && signRequest(request, special.key)).toEqual(
    signRequest(request, createPacketKey('another secret')),
  );
  expect(policy.refine('vpn', '192.0.2.1')).toEqual({ settings });
  expect(policy.refine('vpn', '2001:db8::1').key).toBeDefined();
  expect(policy.explainSettings('wifi', '10.2.0.1')).toContainEqual({
    name: 'on_core_failure',
    value: 'reject',
    from: 'clients entry 2',
  });
});

test('attributes of a group: the first rule that sets a name has it, and the core before all', async () => {
  const { policy } = await policyOf(example);
  await policy.refresh();
  expect(describeAttributes(policy.attributes('wifi', { groups: ['staff'] }, []))).toEqual([
    'Tunnel-Type:1 = VLAN',
    'Tunnel-Medium-Type:1 = IEEE-802',
    'Tunnel-Private-Group-Id:1 = 20',
    'Cisco-AVPair = a=1',
    'Cisco-AVPair = b=2',
    'Class = 0x6e6574776f726b',
    'Session-Timeout = 3600',
    'Frag-Status = 0x01',
  ]);
  expect(describeAttributes(policy.attributes('vpn', { groups: ['guests'] }, []))).toContain(
    'Tunnel-Private-Group-Id:1 = 30',
  );
  expect(policy.attributes('vpn', { groups: [] }, [{ type: 27, value: Buffer.of(0, 0, 0, 1) }])).toHaveLength(1);
  expect(policy.explain('wifi', { groups: ['staff'] }, []).find(({ text }) => text === '30')?.shadowed).toBe(
    'rule 1 has set it',
  );
});

describe('what is wrong is told with its place', () => {
  test.each([
    ['clients: [{ networks: 300.0.0.0/8 }]', /clients\[0\]\.networks.*/],
    ['clients: [{ requiremessage: yes }]', /clients\[0\] Unrecognized key: "requiremessage"/],
    [
      'attributes: [{ set: { Tunel-Type: VLAN } }]',
      /attributes\[0\]\.set\.Tunel-Type: "Tunel-Type" is in no dictionary/,
    ],
    ['attributes: [{ set: { Tunnel-Type: VLANs } }]', /"VLANs" is not an integer/],
    ['attributes: [{ set: { Class:1: x } }]', /Class has no tag/],
    ['attributes: [{ set: { Tunnel-Type:77: VLAN } }]', /the tag of Tunnel-Type must be 0–31/],
    ['attributes: [{ set: { Framed-IP-Address: 1.2.3 } }]', /"1.2.3" is not an IPv4 address/],
    [`attributes: [{ set: { Filter-Id: ${'x'.repeat(254)} } }]`, /254 bytes; 1–253 fit/],
    ['clients: [', /Flow sequence/],
  ])('%s', (text, expected) => {
    expect(() => readPolicy(text, 'policy.yaml', createDictionary())).toThrow(expected);
  });
});

test('a file that has become wrong leaves the earlier one in force; a good one counts at the next refresh', async () => {
  const { policy, path } = await policyOf('attributes: [{ set: { Class: one } }]');
  await policy.refresh();
  await writeFile(path, 'attributes: [{ set: { Clas: two } }]');
  await expect(policy.refresh()).rejects.toMatchObject({ code: 'ERR_RADIUS_POLICY' });
  expect(describeAttributes(policy.attributes('x', { groups: [] }, []))).toEqual(['Class = 0x6f6e65']);
  await writeFile(path, 'attributes: [{ set: { Class: two } }]');
  await policy.refresh();
  expect(describeAttributes(policy.attributes('x', { groups: [] }, []))).toEqual(['Class = 0x74776f']);
});

test('RFC 6929 §2.3: attributes inside attributes: radclient reads what the file says, and we what radclient writes', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const path = join(folder.path, 'policy.yaml');
  const inside = '{ IP-Port-Type = 1, IP-Port-Limit = 1000, IP-Port-Ext-IPv4-Addr = 192.0.2.1 }';
  await writeFile(path, `attributes: [{ set: { IP-Port-Limit-Info: "${inside}", Frag-Status: More-Data-Request } }]`);
  await using radius = await startTestRadius({ env: { AUTHENTIK_RADIUS__POLICY_FILE: path } });
  const { output } = await radclient(radius.port, 'User-Name=alice,User-Password=s3cr3t,MA');
  for (const line of [
    'IP-Port-Type = 1',
    'IP-Port-Limit = 1000',
    'IP-Port-Ext-IPv4-Addr = 192.0.2.1',
    'Frag-Status = More-Data-Request',
  ])
    expect(output).toContain(line);

  const device = createSocket('udp4').bind(0, '127.0.0.1');
  onTestFinished(() => void device.close());
  await once(device, 'listening');
  const received = once(device, 'message');
  const written = 'IP-Port-Type=1,IP-Port-Limit=1000,IP-Port-Ext-IPv4-Addr=192.0.2.1,Frag-Status=More-Data-Request';
  const asking = radclient(device.address().port, `User-Name=alice,${written}`, { timeoutS: 1 });
  const [bytes] = await received;
  expect(describeAttributes(decodePacket(bytes).attributes)).toEqual(
    expect.arrayContaining([`IP-Port-Limit-Info = ${inside}`, 'Frag-Status = More-Data-Request']),
  );
  await asking;
});

test('a login of a member gets the VLAN of the group, and a change counts after a refresh', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const path = join(folder.path, 'policy.yaml');
  const write = (vlan: number) =>
    writeFile(
      path,
      `attributes: [{ groups: staff, set: { Tunnel-Type:1: VLAN, Tunnel-Private-Group-Id:1: ${vlan} } }]`,
    );
  await write(20);
  await using radius = await startTestRadius({
    providers: [{ ...p1, attributes: null }],
    users: { ...users, alice: { password: 's3cr3t', groups: ['staff'] } },
    env: { AUTHENTIK_RADIUS__POLICY_FILE: path },
  });
  const login = async (name: string, password: string) =>
    (await radclient(radius.port, `User-Name=${name},User-Password="${password}",MA`)).output;
  expect(await login('alice', 's3cr3t')).toContain('Tunnel-Private-Group-Id:1 = "20"');
  expect(await login('erin', 'pa;ss')).not.toContain('Tunnel');
  await write(30);
  await radius.refresh();
  expect(await login('alice', 's3cr3t')).toContain('Tunnel-Private-Group-Id:1 = "30"');
});

test('a device of its own secret, and one that is held to Message-Authenticator alone', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const path = join(folder.path, 'policy.yaml');
  await writeFile(
    path,
    'clients: [{ networks: 127.0.0.2/32, secret: own-secret }, { networks: 127.0.0.3/32, require_message_authenticator: "yes" }]',
  );
  await using radius = await startTestRadius({ providers: [p1], env: { AUTHENTIK_RADIUS__POLICY_FILE: path } });
  const from = (address: string, secret: string, more = ',MA') =>
    radclient(radius.port, `User-Name=alice,User-Password=s3cr3t,Packet-Src-IP-Address=${address}${more}`, {
      secret,
      timeoutS: 1,
    });
  expect((await from('127.0.0.2', 'own-secret')).code).toBe('Access-Accept');
  expect((await from('127.0.0.2', 'testing123')).code).toBe('none');
  expect((await from('127.0.0.3', 'testing123', '')).code).toBe('none');
  expect((await from('127.0.0.3', 'testing123')).code).toBe('Access-Accept');
  expect((await from('127.0.0.1', 'testing123', '')).code).toBe('Access-Accept');
});

test.each(['policy.md', 'home-servers.md'])('what %s shows can be read', async (page) => {
  const text = await readFile(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  const example = /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
  const { clients, attributes, realms } = readPolicy(example, page, createDictionary());
  expect(clients.length + realms.length).toBeGreaterThan(0);
  expect(attributes.length).toBeGreaterThan(0);
});
