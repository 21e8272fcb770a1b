// The reference: OpenLDAP's slapd with mdb, what our server sends as its entries, and an index on all that is asked for.
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyPair } from '@gatehouse/daemon/tls';
import { runTool, type Slapd, slapdFile, startSlapd } from '../../harness/index.ts';
import { accountsBase, type DirectoryCopy } from './copy.ts';

export interface ReferenceSlapd extends Slapd {
  readonly version: string;
}

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

export async function startReferenceSlapd(options: SlapdOptions): Promise<ReferenceSlapd> {
  const { folder, copy, base, tls } = options;
  await access(slapdFile);
  for (const name of ['db', 'accounts']) await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'cert.pem'), tls.certPem);
  await writeFile(join(folder, 'key.pem'), tls.keyPem);
  const slapd = await startSlapd({
    folder,
    configuration: configuration(options),
    entries: [
      { suffix: base, ldifFile: copy.ldifFile },
      { suffix: accountsBase, ldifFile: copy.accountFile },
    ],
  });
  const version = /OpenLDAP: slapd (\S+)/.exec((await runTool(slapdFile, ['-VV'])).stderr)?.[1] ?? 'unknown';
  return { ...slapd, version };
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
