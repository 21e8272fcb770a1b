// The reference: OpenLDAP's slapd with mdb, what our server sends as its entries, and an index on all that is asked for.
import { spawn } from 'node:child_process';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyPair } from '@gatehouse/daemon/tls';
import { freePort, isListening, runTool, until } from '../../harness/index.ts';
import { accountsBase, type DirectoryCopy } from './copy.ts';

export interface Slapd extends AsyncDisposable {
  readonly port: number;
  readonly securePort: number;
  readonly pid: number;
  readonly version: string;
}

const slapdFile = '/usr/sbin/slapd';

export interface SlapdOptions {
  /** Of its own; files are put there. */
  readonly folder: string;
  readonly copy: DirectoryCopy;
  readonly base: string;
  /** Of `cn=root` below the base, whom no access rule is looked up for. */
  readonly password: string;
  /** Attributes with an index of their parts; one for equality is there on all four that are asked for. */
  readonly indexedParts: readonly string[];
  readonly tls: KeyPair;
}

export async function startSlapd(options: SlapdOptions): Promise<Slapd> {
  const { folder, copy, base, tls } = options;
  await access(slapdFile);
  for (const name of ['db', 'accounts']) await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'cert.pem'), tls.certPem);
  await writeFile(join(folder, 'key.pem'), tls.keyPem);
  const config = join(folder, 'slapd.conf');
  await writeFile(config, configuration(options));
  await load(config, base, copy.ldifFile);
  await load(config, accountsBase, copy.accountFile);
  const [port, securePort] = [await freePort(), await freePort()];
  const urls = `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${securePort}`;
  const child = spawn(slapdFile, ['-f', config, '-h', urls, '-d', '0'], { stdio: 'ignore' });
  await until(() => isListening(port));
  const ended = new Promise((done) => child.once('exit', done));
  const version = /OpenLDAP: slapd (\S+)/.exec((await runTool(slapdFile, ['-VV'])).stderr)?.[1] ?? 'unknown';
  return {
    port,
    securePort,
    pid: child.pid ?? 0,
    version,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function load(config: string, suffix: string, ldifFile: string): Promise<void> {
  const added = await runTool('/usr/sbin/slapadd', ['-q', '-f', config, '-b', suffix, '-l', ldifFile]);
  if (added.code !== 0) throw new Error(`slapadd failed: ${added.stderr}`);
}

function configuration({ folder, copy, base, password, indexedParts }: SlapdOptions): string {
  return [
    `include ${copy.schemaFile}`,
    `pidfile ${folder}/slapd.pid`,
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    'sizelimit unlimited',
    'threads 16',
    'loglevel 0',
    `TLSCertificateFile ${folder}/cert.pem`,
    `TLSCertificateKeyFile ${folder}/key.pem`,
    'database mdb',
    `suffix "${base}"`,
    `rootdn "cn=root,${base}"`,
    `rootpw "${password}"`,
    `directory ${folder}/db`,
    'maxsize 8589934592',
    'lastmod off', // times are those that were copied, and no others
    equalityIndexes(indexedParts),
    ...indexedParts.map((name) => `index ${name} eq,sub`),
    'access to * by * read',
    'database mdb',
    `suffix "${accountsBase}"`,
    `directory ${folder}/accounts`,
    'lastmod off',
    'index objectClass eq',
    'access to * by anonymous auth',
    '',
  ].join('\n');
}

/** An attribute has one line of indexes. */
function equalityIndexes(indexedParts: readonly string[]): string {
  return `index ${['objectClass', 'uid', 'cn', 'mail'].filter((name) => !indexedParts.includes(name)).join(',')} eq`;
}
