// A group of the core as an entry (ldap.md §9.6).
import type { GroupRow } from '@gatehouse/contract/rest';
import { attribute } from '../directory/attribute-types.ts';
import type { Entry, EntryAttribute } from '../directory/entry.ts';
import { entryDn, type Provider } from '../providers/provider.ts';
import { type CustomTypes, customAttributes, withCustom } from './custom-attributes.ts';
import { ownNumber } from './numbers.ts';
import { keyOf } from './user.ts';

const groupClasses = [
  'group',
  'groupOfUniqueNames',
  'groupOfNames',
  'goauthentik.io/ldap/group',
  'posixGroup',
] as const;

export interface GroupRelations {
  readonly memberNames: readonly string[];
  readonly childNames: readonly string[];
  readonly parentNames: readonly string[];
}

export function groupEntry(group: GroupRow, relations: GroupRelations, provider: Provider, types: CustomTypes): Entry {
  const dn = entryDn(group.name, provider.groups);
  const members = [
    ...relations.memberNames.map((name) => entryDn(name, provider.users)),
    ...relations.childNames.map((name) => entryDn(name, provider.groups)),
  ];
  const gidNumber = ownNumber(group.attributes, 'gidNumber') ?? String(provider.gidStart + group.num_pk);
  const generated: EntryAttribute[] = [
    { type: attribute.objectClass, values: groupClasses },
    { type: attribute.cn, values: [group.name] },
    { type: attribute.sAMAccountName, values: [group.name] },
    { type: attribute.uid, values: [group.pk] },
    { type: attribute.gidNumber, values: [gidNumber] },
    { type: attribute.member, values: members },
    { type: attribute.memberOf, values: relations.parentNames.map((name) => entryDn(name, provider.groups)) },
    { type: attribute.akSuperuser, values: [group.is_superuser ? 'true' : 'false'] },
  ];
  const custom = customAttributes(types, group.attributes).map((given) =>
    given.type === attribute.gidNumber ? { type: given.type, values: [gidNumber] } : given,
  );
  const byName: EntryAttribute[] = [
    { type: attribute.uniqueMember, values: members },
    { type: attribute.memberUid, values: relations.memberNames },
    { type: attribute.entryDN, values: [dn] },
    { type: attribute.entryUUID, values: [group.pk] },
    { type: attribute.structuralObjectClass, values: ['groupOfNames'] },
    { type: attribute.hasSubordinates, values: ['FALSE'] },
    { type: attribute.subschemaSubentry, values: ['cn=subschema'] },
  ];
  return {
    kind: 'group',
    dn,
    key: keyOf(dn),
    parent: provider.groups.key,
    attributes: [...withCustom(generated, custom), ...byName],
  };
}
