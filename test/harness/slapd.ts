// OpenLDAP's slapd with a configuration and entries of the caller's, filled before it starts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, isListening } from '@gatehouse/daemon/testing';
import { runTool } from './run-tool.ts';
import { until } from './until.ts';

/** Debian puts it where users have no path to. */
export const slapdFile = '/usr/sbin/slapd';

export interface SlapdSetup {
  /** Of its own; its configuration is put there. */
  readonly folder: string;
  /** Content of slapd.conf. */
  readonly configuration: string;
  /** What is added to which database before the start. */
  readonly entries: readonly { readonly suffix: string; readonly ldifFile: string }[];
}

export interface Slapd extends AsyncDisposable {
  readonly port: number;
  /** Of LDAPS; useful where the configuration names a certificate. */
  readonly securePort: number;
  readonly pid: number;
}

/** @throws when entries cannot be added, with slapadd's complaint, or it does not come up */
export async function startSlapd({ folder, configuration, entries }: SlapdSetup): Promise<Slapd> {
  const config = join(folder, 'slapd.conf');
  await writeFile(config, configuration);
  for (const { suffix, ldifFile } of entries) {
    const added = await runTool('/usr/sbin/slapadd', ['-q', '-f', config, '-b', suffix, '-l', ldifFile]);
    if (added.code !== 0) throw new Error(`slapadd failed: ${added.stderr}`);
  }
  const [port, securePort] = [await freePort(), await freePort()];
  const urls = `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${securePort}`;
  const child = spawn(slapdFile, ['-f', config, '-h', urls, '-d', '0'], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await until(() => isListening(port));
  return {
    port,
    securePort,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
