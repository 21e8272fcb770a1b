// The entries that are there whatever the core holds: root DSE, domain, containers (ldap.md §9.1, §9.2, §9.4).
import { controlOid, type DnKey, extendedOid } from '@gatehouse/wire/ldap';
import type { NamedDn, Provider } from '../providers/provider.ts';
import { attribute } from './attribute-types.ts';
import { type Entry, type EntryAttribute, PlainEntry } from './entry.ts';

/** Markers by which some clients choose their dialect; kept for those that look for them. */
const capabilities = [800, 1791, 1670, 1880, 1851, 1920, 1935, 2080, 2237].map(
  (number) => `1.2.840.113556.1.4.${number}`,
);

const supportedControls = [
  controlOid.pagedResults,
  controlOid.manageDsaIT,
  controlOid.domainScope,
  controlOid.authorizationIdentityRequest,
  controlOid.passwordPolicy,
  controlOid.sortRequest,
  controlOid.sortResponse,
  controlOid.vlvRequest,
  controlOid.vlvResponse,
  controlOid.assertion,
  controlOid.matchedValues,
  controlOid.subentries,
];
const supportedExtensions = [extendedOid.startTls, extendedOid.whoAmI, extendedOid.cancel];
/** All operational attributes (RFC 3673), absolute true and false filters (RFC 4526). */
const supportedFeatures = ['1.3.6.1.4.1.4203.1.5.1', '1.3.6.1.4.1.4203.1.5.3'];

export interface ServerFacts {
  readonly version: string;
  /** Over TLS only: PLAIN shows the password. */
  readonly saslMechanisms: readonly string[];
  /** Whether passwords can be changed here. */
  readonly passwordModify: boolean;
}

/** What an anonymous client may see: enough to find the base and to bind. */
export function anonymousRoot(providers: readonly Provider[], facts: ServerFacts): Entry {
  return root([
    { type: attribute.objectClass, values: ['top'] },
    { type: attribute.rootEntryDN, values: [''] },
    { type: attribute.rootSubschemaSubentry, values: ['cn=subschema'] },
    { type: attribute.namingContexts, values: [...new Set(providers.map(({ base }) => base.dn.toLowerCase()))] },
    { type: attribute.description, values: ['This LDAP server requires an authenticated session.'] },
    ...abilities(facts),
  ]);
}

/** What a bound client sees of the provider it is bound under. */
export function boundRoot(provider: Provider, facts: ServerFacts): Entry {
  return root(domainAttributes(provider, facts));
}

function root(attributes: readonly EntryAttribute[]): Entry {
  return new PlainEntry({ kind: 'root', dn: '', key: '' as DnKey, attributes });
}

function abilities({ version, saslMechanisms, passwordModify }: ServerFacts): EntryAttribute[] {
  const extensions = passwordModify ? [...supportedExtensions, extendedOid.passwordModify] : supportedExtensions;
  return [
    { type: attribute.supportedLDAPVersion, values: ['3'] },
    { type: attribute.supportedControl, values: supportedControls },
    { type: attribute.supportedExtension, values: extensions },
    { type: attribute.supportedFeatures, values: supportedFeatures },
    { type: attribute.supportedSASLMechanisms, values: saslMechanisms },
    { type: attribute.vendorName, values: ['goauthentik.io'] },
    { type: attribute.vendorVersion, values: [`authentik LDAP Outpost Version ${version}`] },
  ].filter(({ values }) => values.length > 0);
}

function domainAttributes({ base }: Provider, facts: ServerFacts): EntryAttribute[] {
  const lower = base.dn.toLowerCase();
  return [
    { type: attribute.objectClass, values: ['top'] },
    { type: attribute.rootEntryDN, values: [''] },
    { type: attribute.rootSubschemaSubentry, values: ['cn=subschema'] },
    { type: attribute.namingContexts, values: [lower] },
    { type: attribute.rootDomainNamingContext, values: [lower] },
    { type: attribute.defaultNamingContext, values: [lower] },
    { type: attribute.supportedCapabilities, values: capabilities },
    ...abilities(facts),
  ];
}

export function domainEntry(provider: Provider, facts: ServerFacts): Entry {
  const { base } = provider;
  const dc = /^dc=([^,]*)/i.exec(base.dn)?.[1];
  const classes = ['top', 'domain', ...(dc === undefined ? [] : ['dcObject'])];
  const shared = domainAttributes(provider, facts).filter(({ type }) => type !== attribute.objectClass);
  return new PlainEntry({
    kind: 'domain',
    dn: base.dn,
    key: base.key,
    attributes: [
      { type: attribute.objectClass, values: classes },
      ...(dc === undefined ? [] : [{ type: attribute.dc, values: [dc] }]),
      { type: attribute.distinguishedName, values: [base.dn] },
      ...shared,
      { type: attribute.hasSubordinates, values: ['TRUE'] },
      { type: attribute.structuralObjectClass, values: ['domain'] },
    ],
  });
}

export function containerEntries({ users, groups, virtualGroups }: Provider): Entry[] {
  return [container(users, 'users'), container(groups, 'groups'), container(virtualGroups, 'virtual-groups')];

  function container({ dn, key }: NamedDn, ou: string): Entry {
    return new PlainEntry({
      kind: 'container',
      dn,
      key,
      attributes: [
        { type: attribute.distinguishedName, values: [dn] },
        { type: attribute.objectClass, values: ['top', 'nsContainer', 'organizationalUnit'] },
        { type: attribute.commonName, values: [ou] },
        { type: attribute.cn, values: [ou] },
        { type: attribute.ou, values: [ou] },
        { type: attribute.entryDN, values: [dn] },
        { type: attribute.hasSubordinates, values: ['TRUE'] },
        { type: attribute.structuralObjectClass, values: ['organizationalUnit'] },
        { type: attribute.subschemaSubentry, values: ['cn=subschema'] },
      ],
    });
  }
}
