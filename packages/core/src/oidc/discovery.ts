// What clients find out by themselves (core.md §17.2): addresses follow the request's host; only what works is advertised.
import type { ApiRequest } from '../api/request.ts';
import { baseUrlOf } from '../api/web-path.ts';
import type { CoreDeps } from '../deps.ts';
import { claimsOf, scopesOf } from './claims.ts';
import type { Client } from './client.ts';
import { grantTypes } from './grant-types.ts';
import { algorithmOf, encryption } from './signing.ts';

export function issuerOf(deps: CoreDeps, request: ApiRequest, { issuer_mode, application }: Client): string {
  const base = baseUrlOf(deps, request);
  return issuer_mode === 'global' ? base : `${base}application/o/${application.slug}/`;
}

const standardClaims = ['sub', 'iss', 'aud', 'exp', 'iat', 'auth_time', 'acr', 'amr', 'nonce'];

export async function discovery(deps: CoreDeps, request: ApiRequest, client: Client): Promise<object> {
  const root = `${baseUrlOf(deps, request)}application/o/`;
  const own = `${root}${client.application.slug}/`;
  const scopes = scopesOf(client);
  const claims = Object.keys(await claimsOf(deps, client, undefined, { scopes }));
  return {
    issuer: issuerOf(deps, request, client),
    authorization_endpoint: `${root}authorize/`,
    token_endpoint: `${root}token/`,
    userinfo_endpoint: `${root}userinfo/`,
    end_session_endpoint: `${own}end-session/`,
    introspection_endpoint: `${root}introspect/`,
    revocation_endpoint: `${root}revoke/`,
    device_authorization_endpoint: `${root}device/`,
    jwks_uri: `${own}jwks/`,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    frontchannel_logout_supported: true,
    frontchannel_logout_session_supported: true,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: [...grantTypes.keys()],
    id_token_signing_alg_values_supported: [await algorithmOf(deps, client)],
    ...(client.encryption_key === null
      ? {}
      : {
          id_token_encryption_alg_values_supported: [encryption.alg],
          id_token_encryption_enc_values_supported: [encryption.enc],
        }),
    subject_types_supported: ['public'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    acr_values_supported: ['goauthentik.io/providers/oauth2/default'],
    scopes_supported: [...new Set(['openid', ...scopes])],
    request_parameter_supported: false,
    claims_supported: [...new Set([...standardClaims, ...claims])],
    claims_parameter_supported: false,
    code_challenge_methods_supported: ['plain', 'S256'],
  };
}
