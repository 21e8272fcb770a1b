// A directory as slapd can load it: every entry as our server sends it, and a schema made of our own subschema. What slapd does
// not take is changed as little as can be, and `comparable` changes our answers alike: names of classes have no slashes there,
// values are never empty, booleans are never written small (so they are text), and what the base says of the server itself
// belongs to the root.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Access, type FoundEntry, readEntries } from './entries.ts';
import { searchOp } from './load.ts';

/** What our server sends without being asked; the last two are operational with slapd, so they are asked for by name. */
export const sent = ['*', 'createTimestamp', 'modifyTimestamp'];

export interface DirectoryCopy {
  readonly schemaFile: string;
  readonly ldifFile: string;
  /** The account, below `dc=accounts`. */
  readonly accountFile: string;
}

export interface CopyOptions {
  readonly folder: string;
  readonly base: string;
  /** Who may bind beside the root: a name in `ou=users`. The entry with its password is kept in a tree of its own, so that what is searched has no more values than ours. */
  readonly account: string;
  readonly password: string;
}

export const accountsBase = 'dc=accounts';

export async function copyDirectory(from: Access, options: CopyOptions): Promise<DirectoryCopy> {
  const { folder, base } = options;
  const schemaFile = join(folder, 'gatehouse.schema');
  await writeFile(schemaFile, await schemaOf(from));
  const ldifFile = join(folder, 'entries.ldif');
  const file = createWriteStream(ldifFile);
  await readEntries(from, searchOp(base, '(objectClass=*)', sent), (entry) => {
    file.write(ldifOf(comparable(entry)));
  });
  file.end();
  await once(file, 'finish');
  const accountFile = join(folder, 'account.ldif');
  await writeFile(accountFile, await accountOf(from, options));
  return { schemaFile, ldifFile, accountFile };
}

/** Without what only one of the two servers can say. Types and values keep their order. */
export function comparable({ dn, attributes }: FoundEntry): FoundEntry {
  const kept = attributes.flatMap(({ type, values }) => {
    if (onlyOurs.has(type)) return [];
    const texts = values.map(textOf).filter((value) => value !== '');
    return texts.length === 0 ? [] : [{ type, values: type === 'objectClass' ? texts.map(classNameOf) : texts }];
  });
  return { dn, attributes: kept };
}

/** Of the base alone, and another name of `cn` that containers have. */
const onlyOurs = new Set(
  [
    'commonName entryDN subschemaSubentry namingContexts rootDomainNamingContext defaultNamingContext supportedCapabilities',
    'supportedLDAPVersion supportedControl supportedExtension supportedFeatures vendorName vendorVersion',
  ].flatMap((names) => names.split(' ')),
);

/** As many octets as before. */
const classNameOf = (name: string) => name.replace(/[^A-Za-z0-9-]/g, '-');

const textOf = (value: string | Uint8Array) =>
  typeof value === 'string' ? value : Buffer.from(value).toString('utf8');

function ldifOf({ dn, attributes }: FoundEntry): string {
  const lines = attributes.flatMap(({ type, values }) => values.map((value) => lineOf(type, textOf(value))));
  return `${[lineOf('dn', dn), ...lines].join('\n')}\n\n`;
}

/** RFC 2849: what is no safe string goes in base64. */
function lineOf(name: string, value: string): string {
  const isSafe = /^[\x21-\x39\x3b\x3d-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value);
  return isSafe ? `${name}: ${value}` : `${name}:: ${Buffer.from(value, 'utf8').toString('base64')}`;
}

async function accountOf(from: Access, { base, account, password }: CopyOptions): Promise<string> {
  const salt = randomBytes(8);
  const digest = createHash('sha1').update(password).update(salt).digest();
  const hash = `{SSHA}${Buffer.concat([digest, salt]).toString('base64')}`;
  const rows = [`dn: ${accountsBase}\nobjectClass: domain\ndc: accounts\n\n`];
  await readEntries(from, searchOp(`cn=${account},ou=users,${base}`, '(objectClass=*)', sent), (entry) => {
    const { attributes } = comparable(entry);
    const secret = { type: 'userPassword', values: [hash] };
    rows.push(ldifOf({ dn: `cn=${account},${accountsBase}`, attributes: [...attributes, secret] }));
  });
  return rows.join('');
}

/** Types that every slapd has of itself. */
const builtIn = new Set(
  [
    'objectClass cn commonName name uid uidNumber gidNumber description userPassword distinguishedName createTimestamp',
    'modifyTimestamp entryDN entryUUID hasSubordinates structuralObjectClass subschemaSubentry supportedLDAPVersion',
    'supportedControl supportedExtension supportedFeatures supportedSASLMechanisms namingContexts vendorName',
    'vendorVersion ldapSyntaxes matchingRules dITContentRules attributeTypes objectClasses',
  ].flatMap((names) => names.split(' ')),
);
/** An entry has one line of structural classes there. */
const structural = new Set(['groupOfNames', 'organizationalUnit', 'domain', 'person']);
const structuralBelowPerson = new Set(['organizationalPerson', 'user', 'inetOrgPerson']);

async function schemaOf(from: Access): Promise<string> {
  const found: FoundEntry[] = [];
  await readEntries(from, { ...searchOp('cn=subschema', '(objectClass=subschema)'), scope: 'baseObject' }, (entry) => {
    found.push(entry);
  });
  const valuesOf = (wanted: string) =>
    found.flatMap(({ attributes }) => attributes.flatMap(({ type, values }) => (type === wanted ? values : [])));
  const types = valuesOf('attributeTypes').map((value) => definitionOf(textOf(value)));
  const classes = valuesOf('objectClasses').map((value) => definitionOf(textOf(value)));
  const others = types.filter(({ name }) => !builtIn.has(name));
  const anything = [
    ...others.map(({ name }) => name),
    'name',
    'uid',
    'uidNumber',
    'gidNumber',
    'description',
    'distinguishedName',
    'userPassword',
  ];
  return [
    ...others.map(({ oid, name, rest }) => `attributetype ( ${oid} NAME '${name}' ${looser(rest)}`),
    ...classes.flatMap(({ oid, name }) => classOf(oid, name, anything)),
    '',
  ].join('\n');
}

function definitionOf(text: string) {
  const [, oid = '', name = '', rest = ''] = /^\( (\S+) NAME '([^']+)' (.*)$/s.exec(text) ?? [];
  return { oid, name, rest };
}

/** Text can be searched by its parts and ordered; what our server keeps as operational can be loaded. */
function looser(definition: string): string {
  const text = 'EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15';
  return definition
    .replace(/EQUALITY (?:caseIgnoreMatch|booleanMatch) SYNTAX \S+/, text)
    .replace(' NO-USER-MODIFICATION USAGE directoryOperation', '');
}

function classOf(oid: string, name: string, anything: readonly string[]): string[] {
  if (name === 'top' || name === 'subSchema') return []; // its own
  const may = `MAY ( cn $ ${anything.join(' $ ')} )`;
  const own = (kind: string) => `objectclass ( ${oid} NAME '${classNameOf(name)}' ${kind} )`;
  if (structural.has(name)) return [own(`SUP top STRUCTURAL ${may}`)];
  if (!structuralBelowPerson.has(name)) return [own('SUP top AUXILIARY')];
  return [
    own(`SUP ${name === 'inetOrgPerson' ? 'user' : name === 'user' ? 'organizationalPerson' : 'person'} STRUCTURAL`),
  ];
}
