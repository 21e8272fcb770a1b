// A provider as the LDAP server uses it: its names parsed once (ldap.md §4, §5.1).
import type { LdapProviderRow } from '@gatehouse/contract/rest';
import { type DnKey, dnKeyOf, escapeValue } from '@gatehouse/wire/ldap';

export interface NamedDn {
  readonly dn: string;
  readonly key: DnKey;
}

export interface Provider {
  readonly pk: number;
  readonly name: string;
  /** As configured, case kept. */
  readonly base: NamedDn;
  /** `ou=users,…` and so on, in lower case. */
  readonly users: NamedDn;
  readonly groups: NamedDn;
  readonly virtualGroups: NamedDn;
  readonly bindFlow: string;
  readonly unbindFlow: string | null;
  readonly applicationSlug: string;
  readonly certificate: string | undefined;
  readonly tlsServerName: string;
  readonly uidStart: number;
  readonly gidStart: number;
  readonly searchMode: 'direct' | 'cached';
  readonly bindMode: 'direct' | 'cached';
  readonly mfaSupport: boolean;
}

/** `undefined` for a base DN that is none: such a provider serves nothing. */
export function providerFromApi(row: LdapProviderRow): Provider | undefined {
  const baseKey = dnKeyOf(row.base_dn);
  if (baseKey === undefined || baseKey === '') return undefined;
  const lower = row.base_dn.toLowerCase();
  const container = (ou: string): NamedDn => ({ dn: `ou=${ou},${lower}`, key: below(`ou=${ou}`, baseKey) });
  return {
    pk: row.pk,
    name: row.name,
    base: { dn: row.base_dn, key: baseKey },
    users: container('users'),
    groups: container('groups'),
    virtualGroups: container('virtual-groups'),
    bindFlow: row.bind_flow_slug,
    unbindFlow: row.unbind_flow_slug,
    applicationSlug: row.application_slug,
    certificate: row.certificate ?? undefined,
    tlsServerName: row.tls_server_name ?? '',
    uidStart: row.uid_start_number,
    gidStart: row.gid_start_number,
    searchMode: row.search_mode,
    bindMode: row.bind_mode,
    mfaSupport: row.mfa_support,
  };
}

/** DN of an entry in a container, escaped where RFC 4514 wants it. */
export function entryDn(name: string, container: NamedDn): string {
  return `cn=${escapeValue(name)},${container.dn}`;
}

/** DN of a user's entry, as WhoAmI tells it. */
export function userDn(username: string, provider: Provider): string {
  return entryDn(username, provider.users);
}

function below(rdn: string, parent: DnKey): DnKey {
  return `${rdn},${parent}` as DnKey; // both parts are normalised
}
