// slapd with the entries that another LDAP server shows, for comparing answers.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { startSlapd } from '../../harness/index.ts';

export interface CopiedEntry {
  readonly dn: string;
  readonly attributes: Readonly<Record<string, readonly string[]>>;
}

export interface SlapdCopy extends AsyncDisposable {
  readonly url: string;
  readonly name: string;
  readonly password: string;
}

/** Types that slapd's own schema files lack, or define without an order. */
const schema = `
attributetype ( 1.3.6.1.4.1.99999.1 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch
  ORDERING caseIgnoreOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.4 NAME 'memberOf' EQUALITY distinguishedNameMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )
objectclass ( 1.3.6.1.4.1.99999.5 NAME 'copiedEntry' SUP top STRUCTURAL MUST cn MAY ( sn $ displayName $ mail $
  description $ employeeType $ sAMAccountName $ uidNumber $ gidNumber $ memberOf $ member ) )
`;

export async function startSlapdCopy(base: string, entries: readonly CopiedEntry[]): Promise<SlapdCopy> {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  await mkdir(at('db'));
  await writeFile(at('copied.schema'), schema);
  await writeFile(at('entries.ldif'), [...containers(base), ...entries.map(ldifOf)].join('\n'));
  const root = { name: `cn=root,${base}`, password: 'secret of the copy' };
  const configuration = [
    ...['core', 'cosine', 'inetorgperson'].map((name) => `include /etc/ldap/schema/${name}.schema`),
    `include ${at('copied.schema')}`,
    `pidfile ${at('slapd.pid')}`,
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    'sizelimit unlimited',
    'database mdb',
    `suffix "${base}"`,
    `rootdn "${root.name}"`,
    `rootpw "${root.password}"`,
    `directory ${at('db')}`,
    '',
  ].join('\n');
  const filled = [{ suffix: base, ldifFile: at('entries.ldif') }];
  const slapd = await startSlapd({ folder: folder.path, configuration, entries: filled });
  return {
    url: `ldap://127.0.0.1:${slapd.port}`,
    ...root,
    async [Symbol.asyncDispose]() {
      await slapd[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function containers(base: string): string[] {
  const units = ['users', 'groups'].map((ou) => `dn: ou=${ou},${base}\nobjectClass: organizationalUnit\nou: ${ou}\n`);
  return [`dn: ${base}\nobjectClass: dcObject\nobjectClass: organization\ndc: ldap\no: x\n`, ...units];
}

function ldifOf({ dn, attributes }: CopiedEntry): string {
  const encoded = (text: string) => Buffer.from(text, 'utf8').toString('base64');
  const lines = Object.entries(attributes).flatMap(([type, values]) =>
    values.map((value) => `${type}:: ${encoded(value)}`),
  );
  return [`dn:: ${encoded(dn)}`, 'objectClass: copiedEntry', ...lines, ''].join('\n');
}
