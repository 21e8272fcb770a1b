// The rows an outpost reads, with runtime checks of exactly the fields that are used (core-contract §3). Unknown keys pass.
import { z } from 'zod';

const attributes = z.record(z.string(), z.unknown()).default({});

export const outpostRow = z.object({
  pk: z.string(),
  name: z.string(),
  type: z.string(),
  refresh_interval_s: z.number().catch(300),
  managed: z.string().nullish(),
  config: z.record(z.string(), z.unknown()).catch({}),
});
export type OutpostRow = z.infer<typeof outpostRow>;

export const rootConfigRow = z.object({ cache_timeout_flows: z.number().default(300) });
export type RootConfigRow = z.infer<typeof rootConfigRow>;

export const ldapProviderRow = z.object({
  pk: z.number(),
  name: z.string(),
  base_dn: z.string().default('DC=ldap,DC=goauthentik,DC=io'),
  bind_flow_slug: z.string(),
  unbind_flow_slug: z.string().nullable(),
  application_slug: z.string(),
  certificate: z.string().nullish(),
  tls_server_name: z.string().nullish(),
  uid_start_number: z.number().default(2000),
  gid_start_number: z.number().default(4000),
  search_mode: z.enum(['direct', 'cached']).default('direct'),
  bind_mode: z.enum(['direct', 'cached']).default('direct'),
  mfa_support: z.boolean().default(true),
});
export type LdapProviderRow = z.infer<typeof ldapProviderRow>;

export const radiusProviderRow = z.object({
  pk: z.number(),
  name: z.string(),
  application_slug: z.string(),
  auth_flow_slug: z.string(),
  client_networks: z.string().default('0.0.0.0/0, ::/0'),
  shared_secret: z.string().default(''),
  mfa_support: z.boolean().default(true),
  certificate: z.string().nullish(),
  /** Beyond: proofs that the outpost checks itself; only our own core knows them. */
  wifi_secrets: z.boolean().default(false),
  local_certificates: z.boolean().default(false),
});
export type RadiusProviderRow = z.infer<typeof radiusProviderRow>;

export const proxyProviderRow = z.object({
  pk: z.number(),
  name: z.string(),
  internal_host: z.string().default(''),
  external_host: z.string(),
  internal_host_ssl_validation: z.boolean().default(true),
  client_id: z.string().default(''),
  client_secret: z.string().default(''),
  oidc_configuration: z.object({
    issuer: z.string(),
    authorization_endpoint: z.string(),
    token_endpoint: z.string(),
    userinfo_endpoint: z.string(),
    end_session_endpoint: z.string(),
    introspection_endpoint: z.string(),
    jwks_uri: z.string(),
    id_token_signing_alg_values_supported: z.array(z.string()),
  }),
  cookie_secret: z.string().default(''),
  cookie_domain: z.string().default(''),
  certificate: z.string().nullish(),
  skip_path_regex: z.string().default(''),
  basic_auth_enabled: z.boolean().default(false),
  basic_auth_password_attribute: z.string().default(''),
  basic_auth_user_attribute: z.string().default(''),
  mode: z.enum(['proxy', 'forward_single', 'forward_domain']).default('proxy'),
  access_token_validity: z.number().nullable(),
  intercept_header_auth: z.boolean().default(true),
  scopes_to_request: z.array(z.string()),
  assigned_application_slug: z.string(),
  assigned_application_name: z.string(),
});
export type ProxyProviderRow = z.infer<typeof proxyProviderRow>;

export const userRow = z.object({
  pk: z.number(),
  username: z.string(),
  name: z.string(),
  is_active: z.boolean().default(true),
  is_superuser: z.boolean(),
  groups: z.array(z.string()).default([]),
  groups_obj: z
    .array(z.object({ pk: z.string(), name: z.string() }))
    .nullable()
    .default([]),
  email: z.string().default(''),
  attributes,
  uid: z.string(),
  uuid: z.string(),
  type: z.string().default('internal'),
  date_joined: z.string(),
  last_updated: z.string(),
  password_change_date: z.string(),
});
export type UserRow = z.infer<typeof userRow>;

export const groupRow = z.object({
  pk: z.string(),
  num_pk: z.number(),
  name: z.string(),
  is_superuser: z.boolean().default(false),
  parents: z.array(z.string()).default([]),
  users: z.array(z.number()).default([]),
  users_obj: z
    .array(z.object({ pk: z.number(), username: z.string() }))
    .nullable()
    .default([]),
  children: z.array(z.string()).nullable().default([]),
  children_obj: z
    .array(z.object({ pk: z.string(), name: z.string() }))
    .nullable()
    .default([]),
  parents_obj: z
    .array(z.object({ pk: z.string(), name: z.string() }))
    .nullable()
    .default([]),
  attributes,
});
export type GroupRow = z.infer<typeof groupRow>;

/** `/outposts/sync/` of our own core (core.md §23.2): what has changed since a cursor, and what is gone. */
export const syncRow = z.object({
  cursor: z.string(),
  reset: z.boolean(),
  users: z.object({ changed: z.array(userRow), gone: z.array(z.number()) }),
  groups: z.object({ changed: z.array(groupRow), gone: z.array(z.string()) }),
});

export const certificateRow = z.object({
  pk: z.string(),
  name: z.string(),
  fingerprint_sha256: z.string().nullable(),
  cert_expiry: z.string().nullish(),
});
export const certificateData = z.object({ data: z.string() });

export const brandRow = z.object({
  brand_uuid: z.string(),
  domain: z.string(),
  default: z.boolean().default(false),
  web_certificate: z.string().nullish(),
  client_certificates: z.array(z.string()).default([]),
});
export type BrandRow = z.infer<typeof brandRow>;

export const accessCheckRow = z.object({
  access: z.object({ passing: z.boolean() }),
  has_search_permission: z.boolean().default(false),
  attributes: z.string().nullish(),
});
export type AccessCheckRow = z.infer<typeof accessCheckRow>;

const namedGroups = z
  .array(z.object({ name: z.string() }))
  .catch([])
  .default([]);

export const currentUserRow = z.object({
  user: z.object({
    pk: z.number(),
    username: z.string(),
    email: z.string().default(''),
    uid: z.string().default(''),
    groups: namedGroups,
  }),
});

/** `GET /outposts/radius/<pk>/wifi_secrets/` of our own core: NT hashes of a user's Wi-Fi secrets. */
export const wifiSecretsRow = z.object({
  secrets: z.array(z.object({ pk: z.string(), nt_hash: z.string().regex(/^[\da-f]{32}$/) })),
});

/** `POST /outposts/radius/<pk>/assert_login/` of our own core. */
export const assertedLoginRow = z.object({
  access: z.object({ passing: z.boolean() }),
  attributes: z.string().nullish(),
  user: z.object({ pk: z.number(), username: z.string(), groups: namedGroups }).optional(),
  session: z.object({ id: z.string() }).optional(),
});
export type AssertedLoginRow = z.infer<typeof assertedLoginRow>;

/** `GET /outposts/radius/<pk>/explain/` of our own core: what a login of this user would get. */
export const explainedAccessRow = z.object({
  access: z.object({ passing: z.boolean() }),
  attributes: z.string().nullish(),
  user: z.object({ pk: z.number(), username: z.string(), groups: namedGroups }).nullable(),
});
export type ExplainedAccessRow = z.infer<typeof explainedAccessRow>;

export const pageRow = z.object({
  pagination: z.object({ next: z.number(), count: z.number() }),
  results: z.array(z.unknown()),
});
