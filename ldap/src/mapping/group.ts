// A group of the core as an entry (ldap.md §9.6): what is the same under every provider.
import type { GroupRow } from '@gatehouse/contract/rest';
import { attribute } from '../directory/attribute-types.ts';
import type { EntryAttribute } from '../directory/entry.ts';
import { type CustomTypes, customAttributes, withCustom } from './custom-attributes.ts';
import { ownNumbers } from './numbers.ts';
import type { EntryRecord } from './user.ts';

export const groupClasses: readonly string[] = [
  'group',
  'groupOfUniqueNames',
  'groupOfNames',
  'goauthentik.io/ldap/group',
  'posixGroup',
];

export function groupRecord(group: GroupRow, types: CustomTypes): EntryRecord {
  const generated: EntryAttribute[] = [
    { type: attribute.cn, values: [group.name] },
    { type: attribute.sAMAccountName, values: [group.name] },
    { type: attribute.uid, values: [group.pk] },
    { type: attribute.akSuperuser, values: [group.is_superuser ? 'true' : 'false'] },
  ];
  const custom = customAttributes(types, group.attributes);
  return {
    withStar: [...withCustom(generated, custom), ...ownNumbers(group.attributes, ['uidNumber', 'gidNumber'])],
    byName: [{ type: attribute.entryUUID, values: [group.pk] }],
  };
}
