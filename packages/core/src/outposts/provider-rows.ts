// Rows of `/outposts/{ldap,radius,proxy}/` (core-contract §3.3–§3.5), typed by the vendor's client.
import type { Wire } from '@gatehouse/contract/rest';
import type { LDAPOutpostConfig, ProxyOutpostConfig, RadiusOutpostConfig } from '@goauthentik/api';
import type { CoreDeps } from '../deps.ts';
import { scopeMappingModel } from '../mappings/models.ts';
import { durationMs } from '../models/duration.ts';
import type { Model, Row } from '../models/model.ts';
import { fieldValue } from '../models/represent.ts';
import { type Assignment, assignmentsOf } from '../providers/assignments.ts';
import { ldapProviderModel, proxyProviderModel, radiusProviderModel } from '../providers/models.ts';

type OutpostType = 'ldap' | 'radius' | 'proxy';

interface Source {
  readonly row: Row;
  readonly assignment: Assignment | undefined;
  readonly flows: ReadonlyMap<unknown, string>;
  readonly brandInvalidation: string | null;
  /** Scope of each mapping, by its key. */
  readonly scopes: ReadonlyMap<unknown, string>;
  readonly baseUrl: string;
}

export async function providerRows(
  deps: CoreDeps,
  type: OutpostType,
  rows: readonly Row[],
  baseUrl: string,
): Promise<readonly Row[]> {
  const { kysely } = deps.database;
  const assigned = await assignmentsOf(
    deps,
    rows.map((row) => Number(row['id'])),
  );
  const flows = new Map<unknown, string>(
    (await kysely.selectFrom('flows').select(['uuid', 'slug']).execute()).map(({ uuid, slug }) => [uuid, slug]),
  );
  const brand = await kysely
    .selectFrom('brands')
    .select('flow_invalidation')
    .where('default', '=', true)
    .executeTakeFirst();
  const brandInvalidation = flows.get(brand?.flow_invalidation) ?? null;
  const scopes = type === 'proxy' ? await scopesByMapping(deps) : new Map<unknown, string>();
  const make = makers[type];
  return rows.map((row) => ({
    ...make({ row, assignment: assigned.get(Number(row['id'])), flows, brandInvalidation, scopes, baseUrl }),
  }));
}

async function scopesByMapping({ database }: CoreDeps): Promise<ReadonlyMap<unknown, string>> {
  const rows = await database.kysely
    .selectFrom('property_mappings')
    .select(['uuid', 'settings'])
    .where('kind', '=', scopeMappingModel.id)
    .execute();
  return new Map(rows.map(({ uuid, settings }) => [uuid, String(settings['scope_name'])]));
}

const makers: Readonly<Record<OutpostType, (source: Source) => object>> = {
  ldap: ldapRow,
  radius: radiusRow,
  proxy: proxyRow,
};

const reader = (model: Model, row: Row) => ({
  text: (name: string) => String(fieldValue(model, row, name) ?? ''),
  number: (name: string) => Number(fieldValue(model, row, name)),
  flag: (name: string) => fieldValue(model, row, name) === true,
  nullable: (name: string) => {
    const value = fieldValue(model, row, name);
    return typeof value === 'string' ? value : null;
  },
});

const mode = (value: string) => (value === 'cached' ? 'cached' : 'direct');

function ldapRow({ row, assignment, flows, brandInvalidation }: Source) {
  const { text, number, flag, nullable } = reader(ldapProviderModel, row);
  return {
    pk: Number(row['id']),
    name: String(row['name']),
    base_dn: text('base_dn'),
    bind_flow_slug: flows.get(row['authorization_flow']) ?? '',
    unbind_flow_slug: flows.get(row['invalidation_flow']) ?? brandInvalidation,
    application_slug: assignment?.assigned_backchannel_application_slug ?? assignment?.assigned_application_slug ?? '',
    certificate: nullable('certificate'),
    tls_server_name: text('tls_server_name'),
    uid_start_number: number('uid_start_number'),
    gid_start_number: number('gid_start_number'),
    search_mode: mode(text('search_mode')),
    bind_mode: mode(text('bind_mode')),
    mfa_support: flag('mfa_support'),
  } satisfies Omit<Wire<LDAPOutpostConfig>, 'search_mode' | 'bind_mode'> & Record<'search_mode' | 'bind_mode', string>;
}

function radiusRow({ row, assignment, flows }: Source) {
  const { text, flag, nullable } = reader(radiusProviderModel, row);
  return {
    pk: Number(row['id']),
    name: String(row['name']),
    application_slug: assignment?.assigned_application_slug ?? '',
    auth_flow_slug: flows.get(row['authorization_flow']) ?? '',
    client_networks: text('client_networks'),
    shared_secret: text('shared_secret'),
    mfa_support: flag('mfa_support'),
    certificate: nullable('certificate'),
    wifi_secrets: flag('wifi_secrets'),
    local_certificates: flag('local_certificates'),
  } satisfies Wire<RadiusOutpostConfig> & Record<'wifi_secrets' | 'local_certificates', boolean>;
}

function proxyRow({ row, assignment, scopes, baseUrl }: Source) {
  const { text, flag, nullable } = reader(proxyProviderModel, row);
  const slug = assignment?.assigned_application_slug ?? '';
  return {
    pk: Number(row['id']),
    name: String(row['name']),
    internal_host: text('internal_host'),
    external_host: text('external_host'),
    internal_host_ssl_validation: flag('internal_host_ssl_validation'),
    client_id: text('client_id'),
    client_secret: text('client_secret'),
    oidc_configuration: oidcConfiguration(baseUrl, slug),
    cookie_secret: text('cookie_secret'),
    cookie_domain: text('cookie_domain'),
    certificate: nullable('certificate'),
    skip_path_regex: text('skip_path_regex'),
    basic_auth_enabled: flag('basic_auth_enabled'),
    basic_auth_password_attribute: text('basic_auth_password_attribute'),
    basic_auth_user_attribute: text('basic_auth_user_attribute'),
    mode: text('mode'),
    access_token_validity: durationMs(text('access_token_validity')) / 1000,
    intercept_header_auth: flag('intercept_header_auth'),
    scopes_to_request: scopesOf(fieldValue(proxyProviderModel, row, 'property_mappings'), scopes),
    assigned_application_slug: slug,
    assigned_application_name: assignment?.assigned_application_name ?? '',
  } satisfies Omit<Wire<ProxyOutpostConfig>, 'mode'> & { mode: string };
}

function scopesOf(mappings: unknown, scopes: Source['scopes']): string[] {
  const found = Array.isArray(mappings) ? mappings.map((mapping) => scopes.get(mapping)) : [];
  return [...new Set(found.filter((scope) => scope !== undefined))].sort();
}

function oidcConfiguration(baseUrl: string, slug: string) {
  const root = `${baseUrl}application/o/`;
  return {
    issuer: `${root}${slug}/`,
    authorization_endpoint: `${root}authorize/`,
    token_endpoint: `${root}token/`,
    userinfo_endpoint: `${root}userinfo/`,
    end_session_endpoint: `${root}${slug}/end-session/`,
    introspection_endpoint: `${root}introspect/`,
    jwks_uri: `${root}${slug}/jwks/`,
    response_types_supported: ['code'],
    id_token_signing_alg_values_supported: ['HS256'],
    subject_types_supported: ['public'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
  };
}
