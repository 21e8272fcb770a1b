// What outposts ask for, as the OpenAPI document tells it; `provider-rows.ts` types the rows by the vendor’s client.
import { z } from 'zod';
import { anything, moment, names } from '../api/answers.ts';
import { decisionShape } from '../policies/answers.ts';

const served = { pk: z.int(), name: z.string(), certificate: z.string().nullable() };

/** Providers, by kind of outpost. */
export const servedShapes = {
  ldap: z.object({
    ...served,
    base_dn: z.string(),
    bind_flow_slug: z.string(),
    unbind_flow_slug: z.string().nullable(),
    application_slug: z.string(),
    tls_server_name: z.string(),
    uid_start_number: z.int(),
    gid_start_number: z.int(),
    search_mode: z.enum(['direct', 'cached']),
    bind_mode: z.enum(['direct', 'cached']),
    mfa_support: z.boolean(),
  }),
  radius: z.object({
    ...served,
    application_slug: z.string(),
    auth_flow_slug: z.string(),
    client_networks: z.string(),
    shared_secret: z.string(),
    mfa_support: z.boolean(),
    wifi_secrets: z.boolean(),
    local_certificates: z.boolean(),
  }),
  proxy: z.object({
    ...served,
    internal_host: z.string(),
    external_host: z.string(),
    internal_host_ssl_validation: z.boolean(),
    client_id: z.string(),
    client_secret: z.string(),
    oidc_configuration: anything,
    cookie_secret: z.string(),
    cookie_domain: z.string(),
    skip_path_regex: z.string(),
    basic_auth_enabled: z.boolean(),
    basic_auth_password_attribute: z.string(),
    basic_auth_user_attribute: z.string(),
    mode: z.string(),
    access_token_validity: z.number(),
    intercept_header_auth: z.boolean(),
    scopes_to_request: names,
    assigned_application_slug: z.string(),
    assigned_application_name: z.string(),
  }),
};

/** Whether a user may use a directory, and search all of it. */
export const directoryAccessShape = z.object({ has_search_permission: z.boolean(), access: decisionShape });

/** Whether a user may use a network, and with which attributes. */
export const radiusAccessShape = z.object({ attributes: z.string().nullable().optional(), access: decisionShape });

/** The configuration of a new outpost. */
export const outpostDefaultsShape = z.object({ config: anything });

/** A running process of an outpost. */
export const instanceShape = z.object({
  uid: z.string(),
  last_seen: moment,
  version: z.string().nullable(),
  version_should: z.string(),
  version_outdated: z.boolean(),
  build_hash: z.string(),
  build_hash_should: z.string(),
  golang_version: z.string(),
  openssl_enabled: z.boolean(),
  openssl_version: z.string(),
  fips_enabled: z.boolean().nullable(),
  hostname: z.string(),
});
