// A user of the core as an entry, and its virtual group (ldap.md §9.5, §9.6): what is the same under every provider.
import { createHash } from 'node:crypto';
import type { UserRow } from '@gatehouse/contract/rest';
import { attribute, formatGeneralizedTime } from '../directory/attribute-types.ts';
import type { EntryAttribute } from '../directory/entry.ts';
import { type CustomTypes, customAttributes, withCustom } from './custom-attributes.ts';
import { ownNumbers } from './numbers.ts';

export const userClasses: readonly string[] = [
  'top',
  'person',
  'organizationalPerson',
  'inetOrgPerson',
  'user',
  'posixAccount',
  'goauthentik.io/ldap/user',
];
export const virtualClasses: readonly string[] = [
  'group',
  'groupOfUniqueNames',
  'groupOfNames',
  'goauthentik.io/ldap/group',
  'posixGroup',
  'goauthentik.io/ldap/virtual-group',
];

/** Attributes that go out with `*`, and those that are asked for by name. */
export interface EntryRecord {
  readonly withStar: readonly EntryAttribute[];
  readonly byName: readonly EntryAttribute[];
}

/** Numbers are in it only if they are the user's own; names of groups and DNs depend on who shows the entry. */
export function userRecord(user: UserRow, types: CustomTypes): EntryRecord {
  const generated: EntryAttribute[] = [
    { type: attribute.cn, values: [user.username] },
    { type: attribute.sAMAccountName, values: [user.username] },
    { type: attribute.uid, values: [user.uid] },
    { type: attribute.name, values: [user.name] },
    { type: attribute.displayName, values: [user.name] },
    { type: attribute.sn, values: [user.name] },
    { type: attribute.mail, values: [user.email] },
    { type: attribute.akActive, values: [user.is_active ? 'TRUE' : 'FALSE'] },
    { type: attribute.akSuperuser, values: [user.is_superuser ? 'TRUE' : 'FALSE'] },
    { type: attribute.homeDirectory, values: [`/home/${user.username}`] },
    ...timestamps(user),
  ];
  const custom = customAttributes(types, user.attributes, (text) => expandName(text, user.username));
  return {
    withStar: [...withCustom(generated, custom), ...ownNumbers(user.attributes, ['uidNumber', 'gidNumber'])],
    byName: [{ type: attribute.entryUUID, values: [user.uuid] }],
  };
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
export function virtualUuid(userUuid: string): string {
  const namespace = Buffer.from(userUuid.replaceAll('-', ''), 'hex');
  const hash = createHash('sha1').update(namespace).update('virtual-group').digest().subarray(0, 16);
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
