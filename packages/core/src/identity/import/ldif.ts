// LDIF (RFC 2849) as slapcat, ldapsearch and Active Directory exports write it.
import { keepHash } from './hashes.ts';
import { type Directory, type ImportedGroup, importFault, type Person } from './people.ts';

type Entry = ReadonlyMap<string, readonly string[]>;

const people = ['person', 'inetorgperson', 'organizationalperson', 'posixaccount', 'account', 'user'];
const groups = ['groupofnames', 'groupofuniquenames', 'posixgroup', 'group', 'groupofmembers'];
const numbers = ['uidnumber', 'gidnumber'];
const kept: Readonly<Record<string, string>> = {
  uidnumber: 'uidNumber',
  gidnumber: 'gidNumber',
  homedirectory: 'homeDirectory',
  loginshell: 'loginShell',
  givenname: 'givenName',
  sn: 'sn',
  telephonenumber: 'telephoneNumber',
  title: 'title',
  description: 'description',
  userprincipalname: 'upn',
  sshpublickey: 'sshPublicKey',
};

/** @throws GatewayError `ERR_CORE_IMPORT` */
export function readLdif(text: string): Directory {
  const entries = readEntries(text);
  const warnings: string[] = [];
  const isOne = (entry: Entry, classes: readonly string[]) =>
    (entry.get('objectclass') ?? []).some((name) => classes.includes(name.toLowerCase()));
  const groupEntries = entries.filter((entry) => isOne(entry, groups));
  const personEntries = entries.filter(
    (entry) => isOne(entry, people) && !isOne(entry, groups) && nameOf(entry) !== '',
  );
  const memberships = membershipsOf(groupEntries);
  return {
    people: personEntries.map((entry) => personOf(entry, memberships, warnings)),
    groups: groupEntries.map((entry) => groupOf(entry, memberships)),
    warnings,
  };
}

const first = (entry: Entry, ...names: readonly string[]): string =>
  names.map((name) => entry.get(name)?.[0]).find((value) => value !== undefined && value !== '') ?? '';
const nameOf = (entry: Entry) => first(entry, 'uid', 'samaccountname', 'cn');
const foldDn = (dn: string) => dn.toLowerCase().replaceAll(/\s*([,=+])\s*/g, '$1');

function personOf(entry: Entry, memberships: ReadonlyMap<string, string[]>, warnings: string[]): Person {
  const username = nameOf(entry);
  const dn = first(entry, 'dn');
  const hashes = entry.get('userpassword') ?? [];
  const password = hashes.map(keepHash).find((hash) => hash !== undefined);
  if (hashes.length > 0 && password === undefined)
    warnings.push(`${username}: the hash of the password cannot be kept (${schemeOf(hashes[0] ?? '')})`);
  const control = Number(first(entry, 'useraccountcontrol') || 0);
  return {
    username,
    name: first(entry, 'displayname', 'cn', 'gecos') || username,
    email: first(entry, 'mail'),
    isActive: (control & 2) === 0 && first(entry, 'nsaccountlock').toLowerCase() !== 'true',
    password,
    groups: [...new Set([...(memberships.get(foldDn(dn)) ?? []), ...(memberships.get(`uid:${username}`) ?? [])])],
    attributes: { ...attributesOf(entry), distinguishedName: dn },
  };
}

const schemeOf = (hash: string) => /^\{[^}]*\}/.exec(hash)?.[0] ?? 'no scheme';

function groupOf(entry: Entry, memberships: ReadonlyMap<string, string[]>): ImportedGroup {
  const gid = first(entry, 'gidnumber');
  const description = first(entry, 'description');
  return {
    name: first(entry, 'cn'),
    attributes: {
      ...(gid === '' ? {} : { gidNumber: Number(gid) }),
      ...(description === '' ? {} : { description }),
    },
    parents: memberships.get(foldDn(first(entry, 'dn'))) ?? [],
  };
}

/** Folded DN, or `uid:<name>`, → names of the groups it is a member of. */
function membershipsOf(entries: readonly Entry[]): ReadonlyMap<string, string[]> {
  const found = new Map<string, string[]>();
  const add = (key: string, group: string) => found.set(key, [...(found.get(key) ?? []), group]);
  for (const entry of entries) {
    const group = first(entry, 'cn');
    for (const dn of [...(entry.get('member') ?? []), ...(entry.get('uniquemember') ?? [])]) add(foldDn(dn), group);
    for (const uid of entry.get('memberuid') ?? []) add(`uid:${uid}`, group);
  }
  return found;
}

function attributesOf(entry: Entry): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [name, as] of Object.entries(kept)) {
    const values = entry.get(name) ?? [];
    if (values.length === 0) continue;
    const read = numbers.includes(name) ? values.map(Number) : values;
    found[as] = read.length === 1 ? read[0] : read;
  }
  return found;
}

function readEntries(text: string): Entry[] {
  const unfolded = text.replaceAll('\r\n', '\n').replaceAll(/\n /g, '');
  const blocks = unfolded
    .split(/\n{2,}/)
    .map((block) => block.split('\n').filter((line) => line !== '' && !line.startsWith('#')));
  return blocks.filter((lines) => lines.some((line) => /^dn:/i.test(line))).map(readEntry);
}

function readEntry(lines: readonly string[]): Entry {
  const entry = new Map<string, string[]>();
  for (const line of lines) {
    const [, name = '', encoding, value = ''] = /^([\w;.-]+):([:<]?)\s*(.*)$/.exec(line) ?? [];
    if (name === '') throw importFault(`this is no line of LDIF: ${line.slice(0, 60)}`, lines[0] ?? '');
    if (encoding === '<') throw importFault('values behind URLs are not read', lines[0] ?? '');
    const key = name.split(';')[0]?.toLowerCase() ?? '';
    if (key === 'changetype' && value !== 'add')
      throw importFault('it is a list of changes, no directory', lines[0] ?? '');
    const plain = encoding === ':' ? Buffer.from(value, 'base64').toString('utf8') : value;
    entry.set(key, [...(entry.get(key) ?? []), plain]);
  }
  return entry;
}
