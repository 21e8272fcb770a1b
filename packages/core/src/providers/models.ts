// Providers that outposts serve (core.md §4.2–§4.5): one table, one kind each.
import { sql } from 'kysely';
import { z } from 'zod';
import { randomId, randomUpper } from '../identity/random.ts';
import {
  choice,
  column,
  duration,
  type Field,
  flag,
  integer,
  line,
  type ModelId,
  reference,
  setting,
  text,
} from '../models/field.ts';
import { exactly, isTruthText, ofSetting } from '../models/filters.ts';
import { InvalidInput, invalidField, message } from '../models/invalid.ts';
import { defineModel, type Filter, type Model, type Row } from '../models/model.ts';
import { compilePattern } from '../models/pattern.ts';
import type { Connection } from '../models/unit.ts';
import { assignmentsOf, outpostNames } from './assignments.ts';

interface ProviderKind {
  readonly id: ModelId;
  readonly noun: string;
  readonly path: string;
  readonly component: string;
  readonly fields: Readonly<Record<string, Field>>;
  readonly permissions?: Model['permissions'];
  readonly prepare?: Model['prepare'];
  /** Whether outposts serve it. */
  readonly outposts?: boolean;
}

const flowReference = (name: string, required: boolean) =>
  reference({ name, in: 'column', table: 'flows', key: 'uuid', required });
const certificate = reference({ name: 'certificate', in: 'setting', table: 'certificates', key: 'uuid' });

const used = sql<boolean>`id in (select provider from applications where provider is not null)`;

/** Filters by the application that a provider is the main one of. */
export const ofApplication: Readonly<Record<string, Filter>> = {
  application__isnull: ([value = '']) => (isTruthText(value) ? sql<boolean>`not ${used}` : used),
  application: (values) =>
    sql<boolean>`id in (select provider from applications where pbm_uuid::text in (${sql.join([...values])}))`,
};

function providerModel<const Own extends ProviderKind['fields']>(kind: ProviderKind & { readonly fields: Own }) {
  const { id, noun, path, component, permissions, prepare } = kind;
  const fields: Own = kind.fields;
  return defineModel({
    id,
    noun,
    nouns: `${noun}s`,
    table: 'providers',
    kind: id,
    key: 'id',
    keyType: 'integer',
    path: `/providers/${path}/`,
    component,
    ...(permissions === undefined ? {} : { permissions }),
    fields: {
      name: column('name', line),
      authentication_flow: flowReference('authentication_flow', false),
      authorization_flow: flowReference('authorization_flow', true),
      invalidation_flow: flowReference('invalidation_flow', true),
      property_mappings: {
        ...setting(z.array(z.string()), { initial: [] }),
        references: { table: 'property_mappings', key: 'uuid' },
      },
      ...fields,
    },
    search: ['name'],
    order: ['name'],
    filters: { name: exactly('name'), client_id: ofSetting('client_id'), ...ofApplication },
    ...(prepare === undefined ? {} : { prepare }),
    derived: {
      assigned_application_slug: z.string().nullable(),
      assigned_application_name: z.string().nullable(),
      assigned_backchannel_application_slug: z.string().nullable(),
      assigned_backchannel_application_name: z.string().nullable(),
      ...(kind.outposts === true ? { outpost_set: z.array(z.string()) } : {}),
    },
    async derive(deps, rows) {
      const assigned = await assignmentsOf(
        deps,
        rows.map((row) => Number(row['id'])),
      );
      const outposts = await outpostNames(deps, rows);
      return rows.map((row) => ({
        ...assigned.get(Number(row['id'])),
        ...(kind.outposts === true ? { outpost_set: outposts.get(Number(row['id'])) ?? [] } : {}),
      }));
    },
  });
}

const mode = choice('direct', 'cached');

export const ldapProviderModel = providerModel({
  id: 'authentik_providers_ldap.ldapprovider',
  noun: 'LDAP Provider',
  path: 'ldap',
  component: 'ak-provider-ldap-form',
  permissions: ['search_full_directory'],
  outposts: true,
  fields: {
    base_dn: setting(line, { initial: 'DC=ldap,DC=goauthentik,DC=io' }),
    certificate,
    tls_server_name: setting(text, { initial: '' }),
    uid_start_number: setting(integer, { initial: 2000 }),
    gid_start_number: setting(integer, { initial: 4000 }),
    search_mode: setting(mode, { initial: 'direct' }),
    bind_mode: setting(mode, { initial: 'direct' }),
    mfa_support: setting(flag, { initial: true }),
  },
});

export const radiusProviderModel = providerModel({
  id: 'authentik_providers_radius.radiusprovider',
  noun: 'Radius Provider',
  path: 'radius',
  component: 'ak-provider-radius-form',
  outposts: true,
  fields: {
    client_networks: setting(line, { initial: '0.0.0.0/0, ::/0' }),
    shared_secret: setting(line, { draw: () => randomId() }),
    mfa_support: setting(flag, { initial: true }),
    certificate,
    // Beyond: proofs that the outpost checks itself (outposts/radius-logins.ts).
    wifi_secrets: setting(flag, { initial: false }),
    local_certificates: setting(flag, { initial: false }),
  },
});

const redirectUri = z.object({
  matching_mode: z.enum(['strict', 'regex']),
  url: z.string(),
  redirect_uri_type: z.enum(['authorization', 'logout']).default('authorization'),
});
export type RedirectUri = z.infer<typeof redirectUri>;

const grants = [
  'authorization_code',
  'implicit',
  'hybrid',
  'refresh_token',
  'client_credentials',
  'password',
  'urn:ietf:params:oauth:grant-type:device_code',
] as const;

const oauthFields = {
  client_type: setting(choice('confidential', 'public'), { initial: 'confidential' }),
  /** Empty: every one that is served. */
  grant_types: setting(z.array(choice(...grants)), { initial: [] }),
  client_id: setting(line.max(255), { draw: () => randomId() }),
  client_secret: setting(z.string().max(255), { draw: () => randomId(128) }),
  access_code_validity: setting(duration, { initial: 'minutes=1' }),
  access_token_validity: setting(duration, { initial: 'hours=1' }),
  refresh_token_validity: setting(duration, { initial: 'days=30' }),
  refresh_token_threshold: setting(duration, { initial: 'seconds=0' }),
  include_claims_in_id_token: setting(flag, { initial: true }),
  signing_key: reference({ name: 'signing_key', in: 'setting', table: 'certificates', key: 'uuid' }),
  encryption_key: reference({ name: 'encryption_key', in: 'setting', table: 'certificates', key: 'uuid' }),
  redirect_uris: setting(z.array(redirectUri), { initial: [] }),
  logout_uri: setting(text, { initial: '' }),
  logout_method: setting(choice('backchannel', 'frontchannel'), { initial: 'backchannel' }),
  sub_mode: setting(choice('hashed_user_id', 'user_id', 'user_uuid', 'user_username', 'user_email', 'user_upn'), {
    initial: 'hashed_user_id',
  }),
  issuer_mode: setting(choice('per_provider', 'global'), { initial: 'per_provider' }),
  jwt_federation_sources: setting(z.array(z.string()), { initial: [] }),
  jwt_federation_providers: setting(z.array(z.number()), { initial: [] }),
} as const;

export const oauthProviderModel = providerModel({
  id: 'authentik_providers_oauth2.oauth2provider',
  noun: 'OAuth2/OpenID Provider',
  path: 'oauth2',
  component: 'ak-provider-oauth2-form',
  fields: oauthFields,
  async prepare(_unit, values) {
    const uris = values['redirect_uris'];
    for (const uri of Array.isArray(uris) ? uris : []) {
      if (uri.matching_mode === 'regex' && compilePattern(uri.url) === undefined)
        throw invalidField('redirect_uris', `Invalid Regex Pattern: ${uri.url}`);
    }
    return values;
  },
});

const webUrl = z.union([z.literal(''), z.url({ protocol: /^https?$/, error: 'Enter a valid URL.' })]);
const { client_id, redirect_uris, grant_types: _grantTypes, ...proxyOauthFields } = oauthFields;

export const proxyProviderModel = providerModel({
  id: 'authentik_providers_proxy.proxyprovider',
  noun: 'Proxy Provider',
  path: 'proxy',
  component: 'ak-provider-proxy-form',
  outposts: true,
  fields: {
    ...proxyOauthFields,
    client_id: { ...client_id, readOnly: true },
    redirect_uris: { ...redirect_uris, readOnly: true },
    internal_host: setting(webUrl, { initial: '' }),
    external_host: setting(webUrl),
    internal_host_ssl_validation: setting(flag, { initial: true }),
    certificate,
    skip_path_regex: setting(text, { initial: '' }),
    basic_auth_enabled: setting(flag, { initial: false }),
    basic_auth_password_attribute: setting(text, { initial: '' }),
    basic_auth_user_attribute: setting(text, { initial: '' }),
    mode: setting(choice('proxy', 'forward_single', 'forward_domain'), { initial: 'proxy' }),
    intercept_header_auth: setting(flag, { initial: true }),
    cookie_secret: setting(line, { draw: () => randomUpper(), hidden: true }),
    cookie_domain: setting(text, { initial: '' }),
    access_token_validity: setting(duration, { initial: 'hours=24' }),
  },
  async prepare({ db }, values, existing) {
    const before = settingsOf(existing);
    const after = { ...before, ...values };
    const errors: Record<string, string[]> = {};
    if (after['mode'] === 'proxy' && (after['internal_host'] ?? '') === '')
      errors['internal_host'] = ['Internal host cannot be empty when forward auth is disabled.'];
    if (after['external_host'] === '') errors['external_host'] = [message.blank];
    if (after['basic_auth_enabled'] === true)
      for (const name of ['basic_auth_password_attribute', 'basic_auth_user_attribute'])
        if ((after[name] ?? '') === '')
          errors[name] = ['User and password attributes must be set when basic auth is enabled.'];
    if (Object.keys(errors).length > 0) throw new InvalidInput(errors);
    const host = String(after['external_host']).replace(/\/+$/, '');
    return {
      ...values,
      client_type: 'confidential',
      signing_key: null,
      include_claims_in_id_token: true,
      property_mappings: await withForcedMappings(db, after['property_mappings']),
      redirect_uris: callbacksOf(host),
    };
  },
});

const forcedMappings = [
  'goauthentik.io/providers/oauth2/scope-openid',
  'goauthentik.io/providers/oauth2/scope-profile',
  'goauthentik.io/providers/oauth2/scope-email',
  'goauthentik.io/providers/oauth2/scope-entitlements',
  'goauthentik.io/providers/proxy/scope-proxy',
];

/** The five that a proxy cannot do without are added to what was chosen (core.md §4.4). */
async function withForcedMappings(db: Connection, chosen: unknown): Promise<string[]> {
  const rows = await db.selectFrom('property_mappings').select('uuid').where('managed', 'in', forcedMappings).execute();
  return [...new Set([...(Array.isArray(chosen) ? chosen.map(String) : []), ...rows.map(({ uuid }) => uuid)])];
}

/** Where the proxy lets a login come back to (core.md §4.4). */
function callbacksOf(host: string): RedirectUri[] {
  const marker = '?X-authentik-auth-callback=true';
  const strict = (url: string): RedirectUri => ({
    matching_mode: 'strict',
    url,
    redirect_uri_type: 'authorization',
  });
  return [strict(`${host}/outpost.goauthentik.io/callback${marker}`), strict(`${host}${marker}`)];
}

export function settingsOf(row: Row | undefined): Readonly<Record<string, unknown>> {
  const settings = row?.['settings'];
  return typeof settings === 'object' && settings !== null ? { ...settings } : {};
}

export const providerModels: readonly Model[] = [
  ldapProviderModel,
  radiusProviderModel,
  oauthProviderModel,
  proxyProviderModel,
];
