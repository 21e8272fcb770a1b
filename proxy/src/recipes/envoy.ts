// Envoy, ext_authz over HTTP (proxy.md §14.5): the filters of an HTTP connection manager.
import { passedHeaderNames } from './passed-headers.ts';
import type { RecipeSite } from './recipe.ts';

/** Needs clusters `app` and `outpost`, and a route of `/outpost.goauthentik.io/` to the latter. */
export function envoy({ outpost }: RecipeSite): string {
  const names = [...passedHeaderNames.map((name) => name.toLowerCase()), 'x-forwarded-host'];
  const removed = names.map((name) => `{ remove: ${name} }`).join(', ');
  return `# A client's X_Authentik_Email is the same header to many applications.
common_http_protocol_options: { headers_with_underscores_action: DROP_HEADER }
upgrade_configs: [ { upgrade_type: websocket } ]
http_filters:
- name: envoy.filters.http.header_mutation
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
    mutations: { request_mutations: [ ${removed} ] }
- name: envoy.filters.http.ext_authz
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
    transport_api_version: V3
    failure_mode_allow: false
    allowed_headers: { patterns: [ { exact: cookie }, { exact: accept }, { exact: authorization }, { exact: x-forwarded-proto },
      { exact: x-requested-with }, { exact: user-agent }, { exact: upgrade }, { prefix: sec-fetch- } ] }
    http_service:
      path_prefix: /outpost.goauthentik.io/auth/envoy
      server_uri: { uri: "http://${outpost}", cluster: outpost, timeout: 5s }
      authorization_response:
        allowed_upstream_headers: { patterns: [ { prefix: x-authentik- } ] }
        allowed_client_headers_on_success: { patterns: [ { exact: set-cookie } ] }
- name: envoy.filters.http.router
  typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
`;
}
