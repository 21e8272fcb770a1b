// The real `eapol_test` of wpa_supplicant as a device that logs in by EAP. Used by tests.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';

export interface EapolTest {
  readonly eap: 'TLS' | 'TTLS' | 'PEAP' | 'MD5';
  readonly tls?: '1.2' | '1.3';
  /** Inner method; PAP in TTLS and GTC in PEAP unless given. */
  readonly inner?: 'PAP' | 'GTC' | 'MSCHAPV2';
  readonly identity?: string;
  /** Outside the tunnel; of another realm unless given. */
  readonly anonymous?: string;
  readonly password?: string;
  readonly fragmentBytes?: number;
  readonly caPem?: string;
  readonly client?: { readonly certPem: string; readonly keyPem: string };
  readonly secret?: string;
  /** Further logins after the first. */
  readonly repeat?: number;
}

export interface EapolResult {
  readonly isSuccess: boolean;
  /** Our keys and the device's are the same. */
  readonly hasKeys: boolean;
  /** In how many of the logins. */
  readonly keys: number;
  readonly output: string;
}

export async function eapolTest(port: number, test: EapolTest): Promise<EapolResult> {
  await using folder = await temporaryFolder();
  const write = async (name: string, text: string | undefined) => {
    if (text === undefined) return undefined;
    await writeFile(join(folder.path, name), text);
    return join(folder.path, name);
  };
  const ca = await write('ca.pem', test.caPem);
  const certificate = await write('client.pem', test.client?.certPem);
  const key = await write('client.key', test.client?.keyPem);
  const phase1 = [
    test.tls === '1.2' ? 'tls_disable_tlsv1_3=1' : 'tls_disable_tlsv1_3=0',
    ...(test.eap === 'PEAP' ? ['peaplabel=0'] : []),
  ];
  const hasTunnel = test.eap === 'TTLS' || test.eap === 'PEAP';
  const settings: Readonly<Record<string, string | undefined>> = {
    ssid: '"x"',
    key_mgmt: 'WPA-EAP',
    eap: test.eap,
    identity: `"${test.identity ?? 'alice'}"`,
    anonymous_identity: hasTunnel ? `"${test.anonymous ?? 'anonymous@example.test'}"` : undefined,
    password: `"${test.password ?? 's3cr3t'}"`,
    ca_cert: ca && `"${ca}"`,
    client_cert: certificate && `"${certificate}"`,
    private_key: key && `"${key}"`,
    phase1: `"${phase1.join(' ')}"`,
    phase2: hasTunnel ? `"auth=${test.inner ?? (test.eap === 'TTLS' ? 'PAP' : 'GTC')}"` : undefined,
    fragment_size: test.fragmentBytes === undefined ? undefined : String(test.fragmentBytes),
  };
  const lines = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [`  ${name}=${value}`],
  );
  const file = await write('eapol.conf', `network={\n${lines.join('\n')}\n}\n`);
  const args = [
    '-c',
    file ?? '',
    '-a',
    '127.0.0.1',
    '-p',
    String(port),
    '-s',
    test.secret ?? 'testing123',
    '-t',
    test.repeat === undefined ? '8' : '60',
    '-r',
    String(test.repeat ?? 0),
  ];
  const child = spawn('eapol_test', args, { cwd: folder.path, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await once(child, 'close');
  const [, keys = 0, wrong = 0] = /MPPE keys OK: (\d+)\s+mismatch: (\d+)/.exec(output)?.map(Number) ?? [];
  return { isSuccess: /^SUCCESS$/m.test(output), hasKeys: keys > 0 && wrong === 0, keys, output };
}
