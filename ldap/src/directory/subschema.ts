// `cn=subschema` (RFC 4512 §4.2; ldap.md §9.3): generated from the attribute types that entries use, so that it defines
// every attribute that is ever sent.
import type { DnKey } from '@gatehouse/wire/ldap';
import type { AttributeMap } from './attribute-map.ts';
import { type AttributeType, attribute, type Syntax } from './attribute-types.ts';
import { type Entry, PlainEntry } from './entry.ts';

const syntaxes: Readonly<Record<Syntax, { readonly oid: string; readonly text: string; readonly rule: string }>> = {
  directoryString: { oid: '1.3.6.1.4.1.1466.115.121.1.15', text: 'Directory String', rule: 'caseIgnoreMatch' },
  dn: { oid: '1.3.6.1.4.1.1466.115.121.1.12', text: 'DN', rule: 'distinguishedNameMatch' },
  integer: { oid: '1.3.6.1.4.1.1466.115.121.1.27', text: 'INTEGER', rule: 'integerMatch' },
  boolean: { oid: '1.3.6.1.4.1.1466.115.121.1.7', text: 'Boolean', rule: 'booleanMatch' },
  generalizedTime: { oid: '1.3.6.1.4.1.1466.115.121.1.24', text: 'Generalized Time', rule: 'generalizedTimeMatch' },
  oid: { oid: '1.3.6.1.4.1.1466.115.121.1.38', text: 'OID', rule: 'objectIdentifierMatch' },
  uuid: { oid: '1.3.6.1.1.16.1', text: 'UUID', rule: 'UUIDMatch' },
};

const matchingRules: readonly (readonly [string, string, Syntax])[] = [
  ['2.5.13.0', 'objectIdentifierMatch', 'oid'],
  ['2.5.13.1', 'distinguishedNameMatch', 'dn'],
  ['2.5.13.2', 'caseIgnoreMatch', 'directoryString'],
  ['2.5.13.3', 'caseIgnoreOrderingMatch', 'directoryString'],
  ['2.5.13.4', 'caseIgnoreSubstringsMatch', 'directoryString'],
  ['2.5.13.5', 'caseExactMatch', 'directoryString'],
  ['2.5.13.13', 'booleanMatch', 'boolean'],
  ['2.5.13.14', 'integerMatch', 'integer'],
  ['2.5.13.15', 'integerOrderingMatch', 'integer'],
  ['2.5.13.27', 'generalizedTimeMatch', 'generalizedTime'],
  ['2.5.13.28', 'generalizedTimeOrderingMatch', 'generalizedTime'],
  ['1.3.6.1.1.16.2', 'UUIDMatch', 'uuid'],
];

interface ObjectClass {
  readonly oid: string;
  readonly name: string;
  readonly sup?: string;
  readonly kind: 'ABSTRACT' | 'STRUCTURAL' | 'AUXILIARY';
  readonly must?: readonly string[];
  readonly may?: readonly string[];
}

const own = '1.3.6.1.4.1.26027.1.1';
const groupMay = [
  'cn',
  'gidNumber',
  'member',
  'msDS-memberTransitive',
  'memberOf',
  'sAMAccountName',
  'uid',
  'ak-superuser',
];
const classes: readonly ObjectClass[] = [
  {
    oid: '2.5.6.0',
    name: 'top',
    kind: 'ABSTRACT',
    must: ['objectClass'],
    may: [
      'cn',
      'commonName',
      'description',
      'displayName',
      'distinguishedName',
      'memberOf',
      'msDS-memberOfTransitive',
      'name',
    ],
  },
  { oid: '2.5.6.6', name: 'person', sup: 'top', kind: 'STRUCTURAL', must: ['cn'], may: ['sn'] },
  {
    oid: '2.5.6.7',
    name: 'organizationalPerson',
    sup: 'person',
    kind: 'STRUCTURAL',
    may: ['ou', 'mail'],
  },
  { oid: '2.5.6.9', name: 'groupOfNames', sup: 'top', kind: 'STRUCTURAL', must: ['cn', 'member'], may: ['ou'] },
  {
    oid: '2.5.6.17',
    name: 'groupOfUniqueNames',
    sup: 'top',
    kind: 'STRUCTURAL',
    must: ['cn'],
    may: ['uniqueMember', 'ou'],
  },
  {
    oid: '1.2.840.113556.1.5.9',
    name: 'user',
    sup: 'organizationalPerson',
    kind: 'STRUCTURAL',
    may: [
      'name',
      'displayName',
      'uid',
      'mail',
      'sAMAccountName',
      'pwdChangedTime',
      'createTimestamp',
      'modifyTimestamp',
    ],
  },
  {
    oid: '1.3.6.1.1.1.2.0',
    name: 'posixAccount',
    sup: 'top',
    kind: 'AUXILIARY',
    may: ['cn', 'description', 'homeDirectory', 'uid', 'uidNumber', 'gidNumber'],
  },
  {
    oid: '2.16.840.1.113730.3.2.2',
    name: 'inetOrgPerson',
    sup: 'user',
    kind: 'STRUCTURAL',
    may: ['uidNumber', 'gidNumber', 'displayName', 'homeDirectory'],
  },
  { oid: '2.5.6.5', name: 'organizationalUnit', sup: 'top', kind: 'STRUCTURAL', must: ['ou'] },
  { oid: '1.2.840.113556.1.5.8', name: 'group', sup: 'top', kind: 'AUXILIARY', may: groupMay },
  {
    oid: '1.3.6.1.1.1.2.2',
    name: 'posixGroup',
    sup: 'top',
    kind: 'AUXILIARY',
    may: ['cn', 'description', 'gidNumber', 'memberUid'],
  },
  { oid: '1.2.840.113556.1.5.67', name: 'domain', sup: 'top', kind: 'STRUCTURAL', may: ['dc'] },
  { oid: '1.3.6.1.4.1.1466.344', name: 'dcObject', sup: 'top', kind: 'AUXILIARY', must: ['dc'] },
  { oid: '2.16.840.1.113719.1.1.6.1.16', name: 'nsContainer', sup: 'top', kind: 'STRUCTURAL', may: ['cn'] },
  {
    oid: '2.5.20.1',
    name: 'subSchema',
    sup: 'top',
    kind: 'STRUCTURAL',
    may: ['dITContentRules', 'attributeTypes', 'objectClasses', 'matchingRules', 'ldapSyntaxes'],
  },
  {
    oid: `${own}.1`,
    name: 'goauthentik.io/ldap/user',
    sup: 'organizationalPerson',
    kind: 'STRUCTURAL',
    may: ['ak-superuser', 'ak-active', 'sAMAccountName'],
  },
  { oid: `${own}.5`, name: 'goauthentik.io/ldap/group', sup: 'top', kind: 'AUXILIARY', may: groupMay },
  { oid: `${own}.6`, name: 'goauthentik.io/ldap/virtual-group', sup: 'top', kind: 'AUXILIARY', may: groupMay },
];

const operationalUsage = 'NO-USER-MODIFICATION USAGE directoryOperation';

/**
 * @param custom attributes that users and groups of the core carry
 * @param map what a policy adds to them, and hides; standard names stay defined, as classes refer to them
 */
export function subschemaEntry(custom: readonly AttributeType[], map?: AttributeMap): Entry {
  const unique = new Map(Object.values(attribute).map((type) => [type.name, type]));
  return new PlainEntry({
    kind: 'subschema',
    dn: 'cn=subschema',
    key: 'cn=subschema' as DnKey,
    attributes: [
      { type: attribute.objectClass, values: ['top', 'subSchema'] },
      { type: attribute.cn, values: ['subschema'] },
      {
        type: attribute.ldapSyntaxes,
        values: Object.values(syntaxes).map(({ oid, text }) => `( ${oid} DESC '${text}' )`),
      },
      {
        type: attribute.matchingRules,
        values: matchingRules.map(([oid, name, syntax]) => `( ${oid} NAME '${name}' SYNTAX ${syntaxes[syntax].oid} )`),
      },
      {
        type: attribute.dITContentRules,
        values: classes.slice(0, 8).map(({ oid, name }) => `( ${oid} NAME '${name}' )`),
      },
      { type: attribute.attributeTypes, values: [...unique.values(), ...shownTypes(custom, map)].map(describeType) },
      { type: attribute.objectClasses, values: classes.map(describeClass) },
    ],
  });
}

function shownTypes(custom: readonly AttributeType[], map: AttributeMap | undefined): readonly AttributeType[] {
  if (map === undefined) return custom;
  const others = custom.filter(({ name }) => !map.named.has(name.toLowerCase()));
  return [...others, ...map.named.values()].filter((type) => !map.hides(type));
}

/** Names with a dot or slash are no descriptors (RFC 4512 §1.4); ours have none, custom ones lost theirs. */
function describeType({ name, oid, syntax, singleValue, returned }: AttributeType, at: number): string {
  const { oid: syntaxOid, rule } = syntaxes[syntax];
  const number = oid === '' ? `${own}.1000.${at}` : oid;
  const single = singleValue ? ' SINGLE-VALUE' : '';
  const usage = returned === 'operational' ? ` ${operationalUsage}` : '';
  return `( ${number} NAME '${name}' EQUALITY ${rule} SYNTAX ${syntaxOid}${single}${usage} )`;
}

function describeClass({ oid, name, sup, kind, must = [], may = [] }: ObjectClass): string {
  const parts = [`( ${oid} NAME '${name}'`];
  if (sup !== undefined) parts.push(`SUP ${sup}`);
  parts.push(kind);
  if (must.length > 0) parts.push(`MUST ( ${must.join(' $ ')} )`);
  if (may.length > 0) parts.push(`MAY ( ${may.join(' $ ')} )`);
  return `${parts.join(' ')} )`;
}
