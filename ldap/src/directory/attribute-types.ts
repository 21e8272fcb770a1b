// Attribute types: names, syntaxes and how values are compared (RFC 4517, RFC 4519; ldap.md §9.3, §9.8). Entries refer to
// these objects, so comparing a type is comparing a reference.
import { dnKeyOf, foldValue } from '@gatehouse/wire/ldap';

export type Syntax = 'directoryString' | 'dn' | 'integer' | 'boolean' | 'generalizedTime' | 'oid' | 'uuid';

export interface AttributeType {
  readonly name: string;
  /** Empty for custom attributes. */
  readonly oid: string;
  readonly syntax: Syntax;
  readonly singleValue: boolean;
  /** `with *`: everywhere; `by name`: only when asked for, or with `+`; `only by name`: it costs something to tell. */
  readonly returned: 'with *' | 'by name' | 'only by name' | 'operational';
}

const define = (
  name: string,
  oid: string,
  syntax: Syntax,
  singleValue: boolean,
  returned: AttributeType['returned'] = 'with *',
): AttributeType => ({ name, oid, syntax, singleValue, returned });

const own = '1.3.6.1.4.1.26027.1.1';
const single = true;
const multi = false;

/** Every attribute that entries can have of themselves. */
export const attribute = {
  objectClass: define('objectClass', '2.5.4.0', 'oid', multi),
  cn: define('cn', '2.5.4.3', 'directoryString', single),
  commonName: define('commonName', '', 'directoryString', single),
  sn: define('sn', '2.5.4.4', 'directoryString', single),
  ou: define('ou', '2.5.4.11', 'directoryString', multi),
  dc: define('dc', '0.9.2342.19200300.100.1.25', 'directoryString', single),
  description: define('description', '2.5.4.13', 'directoryString', multi),
  name: define('name', '1.2.840.113556.1.4.1', 'directoryString', single),
  displayName: define('displayName', '1.2.840.113556.1.2.13', 'directoryString', single),
  mail: define('mail', '0.9.2342.19200300.100.1.3', 'directoryString', single),
  uid: define('uid', '0.9.2342.19200300.100.1.1', 'directoryString', single),
  sAMAccountName: define('sAMAccountName', '1.2.840.113556.1.4.221', 'directoryString', single),
  homeDirectory: define('homeDirectory', '1.2.840.113556.1.4.44', 'directoryString', single),
  uidNumber: define('uidNumber', '1.3.6.1.1.1.1.0', 'integer', single),
  gidNumber: define('gidNumber', '1.3.6.1.1.1.1.1', 'integer', single),
  memberUid: define('memberUid', '1.3.6.1.1.1.1.12', 'directoryString', multi, 'by name'),
  member: define('member', '2.5.4.31', 'dn', multi),
  uniqueMember: define('uniqueMember', '2.5.4.50', 'dn', multi, 'by name'),
  /** Effective membership, by way of groups in groups, under the names that Active Directory has for it. */
  memberTransitive: define('msDS-memberTransitive', '1.2.840.113556.1.4.2238', 'dn', multi, 'only by name'),
  memberOfTransitive: define('msDS-memberOfTransitive', '1.2.840.113556.1.4.2236', 'dn', multi, 'only by name'),
  memberOf: define('memberOf', '1.2.840.113556.1.2.102', 'dn', multi),
  akActive: define('ak-active', `${own}.3`, 'boolean', single),
  akSuperuser: define('ak-superuser', `${own}.2`, 'boolean', single),
  pwdChangedTime: define('pwdChangedTime', '1.3.6.1.4.1.42.2.27.8.1.16', 'generalizedTime', single),
  createTimestamp: define('createTimestamp', '2.5.18.1', 'generalizedTime', single),
  modifyTimestamp: define('modifyTimestamp', '2.5.18.2', 'generalizedTime', single),
  distinguishedName: define('distinguishedName', '2.5.4.49', 'dn', single),
  entryDN: define('entryDN', '1.3.6.1.1.20', 'dn', single, 'operational'),
  /** Of the root DSE and the domain, where clients have always found it without asking. */
  rootEntryDN: define('entryDN', '1.3.6.1.1.20', 'dn', single),
  entryUUID: define('entryUUID', '1.3.6.1.1.16.4', 'uuid', single, 'operational'),
  hasSubordinates: define('hasSubordinates', '2.5.18.9', 'boolean', single, 'operational'),
  structuralObjectClass: define('structuralObjectClass', '2.5.21.9', 'oid', single, 'operational'),
  subschemaSubentry: define('subschemaSubentry', '2.5.18.10', 'dn', single, 'operational'),
  rootSubschemaSubentry: define('subschemaSubentry', '2.5.18.10', 'dn', single),
  supportedLDAPVersion: define('supportedLDAPVersion', '1.3.6.1.4.1.1466.101.120.15', 'integer', multi),
  supportedCapabilities: define('supportedCapabilities', '1.2.840.113556.1.4.1395', 'oid', multi),
  supportedControl: define('supportedControl', '1.3.6.1.4.1.1466.101.120.13', 'oid', multi),
  supportedExtension: define('supportedExtension', '1.3.6.1.4.1.1466.101.120.7', 'oid', multi),
  supportedFeatures: define('supportedFeatures', '1.3.6.1.4.1.4203.1.3.5', 'oid', multi),
  supportedSASLMechanisms: define('supportedSASLMechanisms', '1.3.6.1.4.1.1466.101.120.14', 'directoryString', multi),
  namingContexts: define('namingContexts', '1.3.6.1.4.1.1466.101.120.5', 'dn', multi),
  rootDomainNamingContext: define('rootDomainNamingContext', '1.2.840.113556.1.4.2002', 'dn', single),
  defaultNamingContext: define('defaultNamingContext', '1.2.840.113556.1.4.2003', 'dn', single),
  vendorName: define('vendorName', '1.3.6.1.1.4', 'directoryString', single),
  vendorVersion: define('vendorVersion', '1.3.6.1.1.5', 'directoryString', single),
  ldapSyntaxes: define('ldapSyntaxes', '1.3.6.1.4.1.1466.101.120.16', 'directoryString', multi),
  matchingRules: define('matchingRules', '2.5.21.4', 'directoryString', multi),
  dITContentRules: define('dITContentRules', '2.5.21.2', 'directoryString', multi),
  attributeTypes: define('attributeTypes', '2.5.21.5', 'directoryString', multi),
  objectClasses: define('objectClasses', '2.5.21.6', 'directoryString', multi),
} as const;

const aliases: Readonly<Record<string, keyof typeof attribute>> = {
  'goauthentik.io/ldap/active': 'akActive',
  'goauthentik.io/ldap/superuser': 'akSuperuser',
};

const known = new Map<string, readonly AttributeType[]>();
for (const type of Object.values(attribute)) {
  for (const name of [type.name.toLowerCase(), type.oid]) {
    if (name !== '') known.set(name, [...(known.get(name) ?? []), type]);
  }
}
for (const [alias, name] of Object.entries(aliases)) known.set(alias, [attribute[name]]);

/** The types that a description in a request can mean; language options are ignored. Custom types are asked of the view. */
export function knownTypes(description: string): readonly AttributeType[] {
  return known.get(baseName(description)) ?? [];
}

/** Lower-case name without options. */
export function baseName(description: string): string {
  const at = description.indexOf(';');
  return (at === -1 ? description : description.slice(0, at)).toLowerCase();
}

/** A type for an attribute that administrators made up. */
export function customType(name: string): AttributeType {
  return define(name, '', 'directoryString', multi);
}

/** Text by which values of the syntax are equal; `undefined` for an assertion that the syntax does not allow. */
export function normalise(syntax: Syntax, value: string): string | undefined {
  switch (syntax) {
    case 'dn':
      return dnKeyOf(value) ?? foldValue(value);
    case 'integer':
      return /^-?\d{1,30}$/.test(value.trim()) ? BigInt(value.trim()).toString() : undefined;
    case 'generalizedTime': {
      const ms = parseGeneralizedTime(value);
      return ms === undefined ? undefined : String(ms);
    }
    case 'uuid':
      return value.replaceAll('-', '').toLowerCase();
    case 'boolean':
    case 'oid':
    case 'directoryString':
      return foldValue(value);
  }
}

/** Order of two values that {@link normalise} has passed. */
export function compareNormalised(syntax: Syntax, one: string, other: string): number {
  if (syntax === 'integer' || syntax === 'generalizedTime') {
    const [left, right] = [BigInt(one), BigInt(other)];
    return left < right ? -1 : left > right ? 1 : 0;
  }
  return one < other ? -1 : one > other ? 1 : 0;
}

/** RFC 4517 §3.3.13; milliseconds since 1970, `undefined` for what is no time. */
export function parseGeneralizedTime(value: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)?)?(?:[.,](\d+))?(Z|[+-]\d\d(?:\d\d)?)$/.exec(value.trim());
  if (match === null) return undefined;
  const [, year, month, day, hour, minute = '0', second = '0', fraction = '', zone = 'Z'] = match;
  const base = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const unitMs = match[6] === undefined ? (match[5] === undefined ? 3_600_000 : 60_000) : 1_000;
  const offset = zone === 'Z' ? 0 : zoneMinutes(zone);
  const ms = base + Math.floor(Number(`0.${fraction === '' ? '0' : fraction}`) * unitMs) - offset * 60_000;
  return Number.isFinite(ms) ? ms : undefined;
}

function zoneMinutes(zone: string): number {
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5) || '0');
  return zone.startsWith('-') ? -minutes : minutes;
}

/** `YYYYMMDDhhmmssZ`, fraction cut. */
export function formatGeneralizedTime(iso: string): string | undefined {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? undefined : `${at.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
}
