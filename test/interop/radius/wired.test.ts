// Wired 802.1X as it is in an office: hostapd as the switch on one end of a cable, wpa_supplicant as the computer on the other,
// in a network namespace of its own, and `gatehouse radius` in front of our core behind the switch.
import { spawnSync } from 'node:child_process';
import { testPassword, testRadiusSecret } from '@gatehouse/core/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { type Site, startProgram, startSite } from './site.ts';

const ip = (...args: string[]) => spawnSync('ip', args, { encoding: 'utf8' });
const name = `gh${process.pid % 100_000}`;
const [port, station] = [`${name}p`, `${name}s`];

/** Namespaces and cables need root and a kernel that lets us; elsewhere the tests are skipped, and counted. */
function hasCable(): boolean {
  if (ip('netns', 'add', name).status !== 0) return false;
  const isMade = ip('link', 'add', port, 'type', 'veth', 'peer', 'name', station, 'netns', name).status === 0;
  if (!isMade) ip('netns', 'del', name);
  return isMade;
}

const isMissing = ['hostapd', 'wpa_supplicant', 'ip'].map(skipWithout).includes(true) || !hasCable();

let site: Site;
beforeAll(async () => {
  if (isMissing) return;
  ip('link', 'set', port, 'up');
  ip('-n', name, 'link', 'set', station, 'up');
  site = await startSite(
    'attributes: [{ set: { Tunnel-Type:1: VLAN, Tunnel-Medium-Type:1: IEEE-802, Tunnel-Private-Group-Id:1: 20 } }]',
  );
});
afterAll(async () => {
  if (isMissing) return;
  ip('link', 'del', port);
  ip('netns', 'del', name);
  await site[Symbol.asyncDispose]();
});

/** Plugs the computer in. @returns what the switch and the computer have said */
async function plugIn(network: Readonly<Record<string, string>>, expected: RegExp) {
  const { folder, radius, write } = site;
  const switchFile = await write(
    'hostapd.conf',
    [
      `interface=${port}`,
      'driver=wired',
      'logger_stdout=-1',
      'logger_stdout_level=0',
      'ieee8021x=1',
      'use_pae_group_addr=1',
      'eap_reauth_period=0',
      'own_ip_addr=127.0.0.1',
      'nas_identifier=switch-1',
      'auth_server_addr=127.0.0.1',
      `auth_server_port=${radius.bound('radius').port}`,
      `auth_server_shared_secret=${testRadiusSecret}`,
      '',
    ].join('\n'),
  );
  const lines = Object.entries({ key_mgmt: 'IEEE8021X', eapol_flags: '0', ...network }).map(
    ([key, value]) => `  ${key}=${value}`,
  );
  const stationFile = await write('wpa.conf', `ap_scan=0\nnetwork={\n${lines.join('\n')}\n}\n`);
  await using hostapd = startProgram('hostapd', ['-dd', switchFile], folder);
  await hostapd.printed(/AP-ENABLED/);
  const words = ['netns', 'exec', name, 'wpa_supplicant', '-D', 'wired', '-i', station, '-c', stationFile];
  await using supplicant = startProgram('ip', words, folder);
  await supplicant.printed(expected);
  if (expected === success) await hostapd.printed(/: authorizing port/);
  return { computer: supplicant.output(), network: hostapd.output() };
}

const success = /CTRL-EVENT-CONNECTED/;
const failure = /CTRL-EVENT-EAP-FAILURE/;
const quoted = (text: string) => `"${text}"`;
const ca = () => quoted(`${site.folder}/ca.pem`);

describe.skipIf(isMissing)('hostapd and wpa_supplicant', () => {
  for (const tls of ['1.2', '1.3'])
    test(`PEAP/MSCHAPv2 over TLS ${tls} with a Wi-Fi secret: the port opens`, async () => {
      const { network } = await plugIn(
        {
          eap: 'PEAP',
          identity: quoted('ada'),
          password: quoted(site.wifiSecret),
          ca_cert: ca(),
          phase1: quoted(`peaplabel=0 tls_disable_tlsv1_3=${tls === '1.2' ? 1 : 0}`),
          phase2: quoted('auth=MSCHAPV2'),
        },
        success,
      );
      expect(network).toMatch(/Attribute 81 \(Tunnel-Private-Group-Id\)|VLAN ID 20|attr.*81/i);
    });

  test('EAP-TTLS/PAP with the password: the port opens', async () => {
    await plugIn(
      {
        eap: 'TTLS',
        identity: quoted('ada'),
        anonymous_identity: quoted('anonymous'),
        password: quoted(testPassword),
        ca_cert: ca(),
        phase2: quoted('auth=PAP'),
      },
      success,
    );
  });

  test('EAP-TLS with a certificate of the authority: the port opens', async () => {
    const client = await site.authority.issue('ada');
    await plugIn(
      {
        eap: 'TLS',
        identity: quoted('anonymous'),
        ca_cert: ca(),
        client_cert: quoted(await site.write('client.pem', client.certPem)),
        private_key: quoted(await site.write('client.key', client.keyPem)),
      },
      success,
    );
  });

  test('a wrong secret, and a server that the computer does not trust: the port stays shut', async () => {
    const peap = { eap: 'PEAP', identity: quoted('ada'), phase2: quoted('auth=MSCHAPV2') };
    const { network } = await plugIn({ ...peap, password: quoted('wrong'), ca_cert: ca() }, failure);
    expect(network).not.toContain(': authorizing port');
    const other = await site.write('other.pem', (await site.authority.issue('other')).certPem);
    await plugIn({ ...peap, password: quoted(site.wifiSecret), ca_cert: quoted(other) }, failure);
  });
});
