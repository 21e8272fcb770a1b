// Which host each OIDC endpoint is reached under (proxy.md §7.1): browsers may know the core by another name than we do.
// Resolved once per provider and refresh.
export interface OidcConfiguration {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly end_session_endpoint: string;
  readonly introspection_endpoint: string;
  readonly jwks_uri: string;
}

export interface Endpoints {
  /** For browsers. */
  readonly authorization: string;
  readonly endSession: string;
  /** For us. */
  readonly token: string;
  readonly introspection: string;
  readonly revocation: string;
  readonly jwks: string;
  /** Every issuer that may have stamped a token: same path, any name of the core. */
  readonly issuers: readonly string[];
  /** Headers of token and introspection calls, so that the core stamps the issuer browsers know. */
  readonly backChannelHeaders: Readonly<Record<string, string>>;
}

export interface CoreHosts {
  /** `AUTHENTIK_HOST_BROWSER`, or empty. */
  readonly browser: string;
  /** `config.authentik_host` of the outpost object, or empty. */
  readonly configured: string;
}

export function resolveEndpoints(given: OidcConfiguration, hosts: CoreHosts): Endpoints {
  const browser = originOf(hosts.browser);
  const stamped = browser ?? originOf(hosts.configured);
  const forBrowser = (url: string) => (browser === undefined ? url : rebase(url, browser));
  const origins = [originOf(given.issuer), browser, originOf(hosts.configured)];
  const issuers = origins.filter((one) => one !== undefined).map((origin) => rebase(given.issuer, origin));
  return {
    authorization: forBrowser(given.authorization_endpoint),
    endSession: forBrowser(given.end_session_endpoint),
    token: given.token_endpoint,
    introspection: given.introspection_endpoint,
    revocation: new URL('../revoke/', given.token_endpoint).href,
    jwks: given.jwks_uri,
    issuers: [...new Set([given.issuer, ...issuers])],
    backChannelHeaders: stamped === undefined ? {} : backChannelHeaders(given.token_endpoint, stamped),
  };
}

function backChannelHeaders(delivered: string, stamped: URL): Readonly<Record<string, string>> {
  if (new URL(delivered).host === stamped.host) return { host: stamped.host };
  return { host: stamped.host, 'x-forwarded-proto': stamped.protocol.slice(0, -1) };
}

function originOf(text: string): URL | undefined {
  return text !== '' && URL.canParse(text) ? new URL(text) : undefined;
}

/** Scheme and host of `origin`, everything else as delivered. */
function rebase(url: string, origin: URL): string {
  const moved = new URL(url);
  moved.protocol = origin.protocol;
  moved.host = origin.host;
  if (origin.port === '') moved.port = '';
  return moved.href;
}
