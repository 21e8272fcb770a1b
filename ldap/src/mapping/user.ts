// A user of the core as an entry, and its virtual group (ldap.md §9.5, §9.6).

import { createHash } from 'node:crypto';
import type { UserRow } from '@gatehouse/contract/rest';
import { type DnKey, dnKeyOf } from '@gatehouse/wire/ldap';
import { attribute, formatGeneralizedTime } from '../directory/attribute-types.ts';
import type { Entry, EntryAttribute } from '../directory/entry.ts';
import { entryDn, type Provider } from '../providers/provider.ts';
import { type CustomTypes, customAttributes, withCustom } from './custom-attributes.ts';
import { ownNumber } from './numbers.ts';

const userClasses = [
  'top',
  'person',
  'organizationalPerson',
  'inetOrgPerson',
  'user',
  'posixAccount',
  'goauthentik.io/ldap/user',
] as const;
const virtualClasses = [
  'group',
  'groupOfUniqueNames',
  'groupOfNames',
  'goauthentik.io/ldap/group',
  'posixGroup',
  'goauthentik.io/ldap/virtual-group',
] as const;

/** `groupNames`: of the user's direct groups, in order. */
export function userEntry(user: UserRow, groupNames: readonly string[], provider: Provider, types: CustomTypes): Entry {
  const dn = entryDn(user.username, provider.users);
  const { uidNumber, gidNumber } = numbersOf(user, provider);
  const generated: EntryAttribute[] = [
    { type: attribute.objectClass, values: userClasses },
    { type: attribute.cn, values: [user.username] },
    { type: attribute.sAMAccountName, values: [user.username] },
    { type: attribute.uid, values: [user.uid] },
    { type: attribute.name, values: [user.name] },
    { type: attribute.displayName, values: [user.name] },
    { type: attribute.sn, values: [user.name] },
    { type: attribute.mail, values: [user.email] },
    { type: attribute.akActive, values: [user.is_active ? 'TRUE' : 'FALSE'] },
    { type: attribute.akSuperuser, values: [user.is_superuser ? 'TRUE' : 'FALSE'] },
    { type: attribute.memberOf, values: groupNames.map((name) => entryDn(name, provider.groups)) },
    { type: attribute.uidNumber, values: [uidNumber] },
    { type: attribute.gidNumber, values: [gidNumber] },
    { type: attribute.homeDirectory, values: [`/home/${user.username}`] },
    ...timestamps(user),
  ];
  const custom = customAttributes(types, user.attributes, (text) => expandName(text, user.username)).map((given) =>
    given.type === attribute.uidNumber || given.type === attribute.gidNumber
      ? { type: given.type, values: [given.type === attribute.uidNumber ? uidNumber : gidNumber] }
      : given,
  );
  const operational: EntryAttribute[] = [
    { type: attribute.entryDN, values: [dn] },
    { type: attribute.entryUUID, values: [user.uuid] },
    { type: attribute.structuralObjectClass, values: ['inetOrgPerson'] },
    { type: attribute.hasSubordinates, values: ['FALSE'] },
    { type: attribute.subschemaSubentry, values: ['cn=subschema'] },
  ];
  return {
    kind: 'user',
    dn,
    key: keyOf(dn),
    parent: provider.users.key,
    attributes: [...withCustom(generated, custom), ...operational],
    userPk: user.pk,
  };
}

/** The group that consists of one user, as POSIX clients want it. */
export function virtualGroupEntry(user: UserRow, provider: Provider): Entry {
  const dn = entryDn(user.username, provider.virtualGroups);
  const member = entryDn(user.username, provider.users);
  return {
    kind: 'virtual group',
    dn,
    key: keyOf(dn),
    parent: provider.virtualGroups.key,
    attributes: [
      { type: attribute.objectClass, values: virtualClasses },
      { type: attribute.cn, values: [user.username] },
      { type: attribute.sAMAccountName, values: [user.username] },
      { type: attribute.uid, values: [user.uid] },
      { type: attribute.gidNumber, values: [numbersOf(user, provider).gidNumber] },
      { type: attribute.member, values: [member] },
      { type: attribute.memberOf, values: [] },
      { type: attribute.akSuperuser, values: ['false'] },
      { type: attribute.uniqueMember, values: [member] },
      { type: attribute.memberUid, values: [user.username] },
      { type: attribute.entryDN, values: [dn] },
      { type: attribute.entryUUID, values: [virtualUuid(user.uuid)] },
      { type: attribute.structuralObjectClass, values: ['groupOfNames'] },
      { type: attribute.hasSubordinates, values: ['FALSE'] },
      { type: attribute.subschemaSubentry, values: ['cn=subschema'] },
    ],
    userPk: user.pk,
  };
}

function numbersOf(user: UserRow, { uidStart }: Provider) {
  const uidNumber = ownNumber(user.attributes, 'uidNumber') ?? String(uidStart + user.pk);
  return { uidNumber, gidNumber: ownNumber(user.attributes, 'gidNumber') ?? uidNumber };
}

function timestamps(user: UserRow): EntryAttribute[] {
  const times = [
    [attribute.pwdChangedTime, user.password_change_date],
    [attribute.createTimestamp, user.date_joined],
    [attribute.modifyTimestamp, user.last_updated],
  ] as const;
  return times.flatMap(([type, iso]) => {
    const text = formatGeneralizedTime(iso);
    return text === undefined ? [] : [{ type, values: [text] }];
  });
}

/** `%s` is the user name; `%%` is a percent sign where there is a `%s`. */
function expandName(text: string, username: string): string {
  return text.includes('%s') ? text.replace(/%[s%]/g, (verb) => (verb === '%s' ? username : '%')) : text;
}

/** UUIDv5 over the user's UUID (RFC 9562 §5.5), so that it stays the same for ever. */
function virtualUuid(userUuid: string): string {
  const namespace = Buffer.from(userUuid.replaceAll('-', ''), 'hex');
  const hash = createHash('sha1').update(namespace).update('virtual-group').digest().subarray(0, 16);
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** DNs made by us always parse; the raw text would only make the entry unfindable. */
export function keyOf(dn: string): DnKey {
  return dnKeyOf(dn) ?? (dn.toLowerCase() as DnKey);
}
