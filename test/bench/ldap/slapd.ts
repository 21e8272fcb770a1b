// The reference: OpenLDAP's slapd with mdb, indexes on what is asked for, and the same entries.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyPair } from '@gatehouse/daemon/tls';
import { freePort, isListening, runTool, until } from '../../harness/index.ts';

export interface Person {
  /** In the core. */
  readonly pk: number;
  readonly username: string;
  readonly uid: string;
  readonly name: string;
  readonly mail: string;
}

export interface Slapd extends AsyncDisposable {
  readonly port: number;
  readonly securePort: number;
  readonly pid: number;
  readonly version: string;
}

const slapdFile = '/usr/sbin/slapd';
const base = 'dc=ldap,dc=goauthentik,dc=io';

export interface SlapdOptions {
  /** Of its own; files are put there. */
  readonly folder: string;
  readonly people: readonly Person[];
  readonly password: string;
  /** Attributes with equality and substring indexes, besides `uid` and `objectClass`. */
  readonly indexed?: readonly string[];
  readonly tls?: KeyPair;
}

export async function startSlapd({
  folder,
  people,
  password,
  indexed = ['cn', 'mail'],
  tls,
}: SlapdOptions): Promise<Slapd> {
  await access(slapdFile);
  await mkdir(join(folder, 'db'), { recursive: true });
  const config = join(folder, 'slapd.conf');
  if (tls !== undefined) {
    await writeFile(join(folder, 'cert.pem'), tls.certPem);
    await writeFile(join(folder, 'key.pem'), tls.keyPem);
  }
  await writeFile(config, configuration({ folder, password, indexed, secure: tls !== undefined }));
  const ldif = join(folder, 'people.ldif');
  await writeFile(ldif, entries(people, password));
  const added = await runTool('/usr/sbin/slapadd', ['-q', '-f', config, '-l', ldif]);
  if (added.code !== 0) throw new Error(`slapadd failed: ${added.stderr}`);
  const [port, securePort] = [await freePort(), await freePort()];
  const urls = [`ldap://127.0.0.1:${port}`, ...(tls === undefined ? [] : [`ldaps://127.0.0.1:${securePort}`])];
  const child = spawn(slapdFile, ['-f', config, '-h', urls.join(' '), '-d', '0'], { stdio: 'ignore' });
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

interface Configuration {
  readonly folder: string;
  readonly password: string;
  readonly indexed: readonly string[];
  readonly secure: boolean;
}

function configuration({ folder, password, indexed, secure }: Configuration): string {
  return [
    ...['core', 'cosine', 'inetorgperson'].map((name) => `include /etc/ldap/schema/${name}.schema`),
    `pidfile ${folder}/slapd.pid`,
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    'sizelimit unlimited',
    'threads 16',
    'loglevel 0',
    ...(secure ? [`TLSCertificateFile ${folder}/cert.pem`, `TLSCertificateKeyFile ${folder}/key.pem`] : []),
    'database mdb',
    `suffix "${base}"`,
    `rootdn "cn=root,${base}"`,
    `rootpw "${password}"`,
    `directory ${folder}/db`,
    'maxsize 1073741824',
    'index objectClass,uid eq',
    ...(indexed.length === 0 ? [] : [`index ${indexed.join(',')} eq,sub`]),
    'access to attrs=userPassword by anonymous auth by * none',
    'access to * by * read',
    '',
  ].join('\n');
}

function entries(people: readonly Person[], password: string): string {
  const salt = randomBytes(8);
  const digest = createHash('sha1').update(password).update(salt).digest();
  const hash = `{SSHA}${Buffer.concat([digest, salt]).toString('base64')}`;
  const head = [
    `dn: ${base}\nobjectClass: dcObject\nobjectClass: organization\ndc: ldap\no: x\n`,
    `dn: ou=users,${base}\nobjectClass: organizationalUnit\nou: users\n`,
  ];
  const rows = people.map(({ username, uid, name, mail }) =>
    [
      `dn: cn=${username},ou=users,${base}`,
      ...['top', 'person', 'organizationalPerson', 'inetOrgPerson'].map((one) => `objectClass: ${one}`),
      `cn: ${username}`,
      `sn: ${name}`,
      `displayName: ${name}`,
      `uid: ${uid}`,
      `mail: ${mail}`,
      `description: ${'x'.repeat(200)}`,
      `userPassword: ${hash}`,
      '',
    ].join('\n'),
  );
  return [...head, ...rows].join('\n');
}
