// One provider as the proxy works with it: everything that can be worked out once per refresh is (proxy.md §1.3, §17.6).
// Made from the core's row by `applicationFromApi`; immutable, replaced whole when anything of it changes.
import type { ProxyProviderRow } from '@gatehouse/contract/rest';
import { Secret } from '@gatehouse/daemon/config';
import { proxyError } from '../errors.ts';
import { type Asserter, createAsserter } from '../identity/assertion.ts';
import { headerMapping } from '../identity/header-mapping.ts';
import type { HeaderSource } from '../identity/identity-headers.ts';
import { type CoreHosts, type Endpoints, resolveEndpoints } from '../oidc/endpoints.ts';
import type { RedirectRules } from '../oidc/redirect-target.ts';
import type { TokenRules } from '../oidc/verify.ts';
import { bareDomain, parseAuthority, parseScheme } from '../request/host-name.ts';
import { prefix } from '../request/reserved.ts';
import { type AccessRules, accessRules } from '../rules/access-rules.ts';
import type { ApplicationRow } from '../rules/rule-file.ts';
import { upstreamTls } from '../rules/upstream-tls.ts';
import { type CookieSettings, sessionCookieName } from '../sessions/cookie.ts';
import { createSeal, type Seal } from '../sessions/seal.ts';
import type { Locatable } from './lookup.ts';
import { parseSkipRules, type SkipRules } from './skip-rules.ts';

export interface Application extends Locatable {
  readonly pk: number;
  readonly slug: string;
  readonly title: string;
  /** As configured; origin and path of the application's public face. */
  readonly externalHost: URL;
  /** The first of the upstreams; absent in the forward modes. */
  readonly upstream: UpstreamTarget | undefined;
  readonly upstreams: readonly UpstreamTarget[];
  /** Longest wait for an upstream to begin its answer; `undefined`: any. */
  readonly answerMs: number | undefined;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly stateKey: { readonly clientId: string; readonly cookieSecret: string };
  readonly scopes: readonly string[];
  readonly endpoints: Endpoints;
  readonly tokenRules: TokenRules;
  readonly redirectRules: RedirectRules;
  readonly redirectUri: string;
  readonly cookie: CookieSettings;
  readonly seals: Seals;
  readonly skipRules: SkipRules;
  /** Of the rule file. */
  readonly rules: AccessRules;
  readonly interceptHeaderAuth: boolean;
  /** Longest life of a session of header credentials. */
  readonly sessionLifeMs: number;
  readonly headerSource: HeaderSource;
  readonly asserter: Asserter;
  readonly certificate: string | undefined;
  /** The row it was made from, to see whether anything changed. */
  readonly fingerprint: string;
}

export interface UpstreamTarget {
  readonly origin: string;
  readonly verifyTls: boolean;
  /** Share among several upstreams; 1 by default. */
  readonly weight?: number;
  readonly tls?: UpstreamTls;
  readonly check?: UpstreamCheck;
}

/** Whether it is alive is found out without waiting for a request. */
export interface UpstreamCheck {
  /** Asked with GET, alive by any 2xx or 3xx; without it a connection is enough. */
  readonly path: string | undefined;
  readonly everyMs: number;
  readonly timeoutMs: number;
}

export interface UpstreamTls {
  /** PEM; the system's authorities where it is missing. */
  readonly ca: string | undefined;
  /** PEM of our own certificate and key, for upstreams that ask for one. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Name that the certificate must have; by default the upstream's host. */
  readonly serverName: string | undefined;
}

export interface Seals {
  readonly session: Seal;
  readonly login: Seal;
}

export interface ApplicationContext {
  readonly hosts: CoreHosts;
  readonly outpostName: string;
  readonly version: string;
  readonly onLargeHeaders?: NonNullable<HeaderSource['onLarge']>;
}

/**
 * @param own what the rule file says of it
 * @throws GatewayError `ERR_PROXY_PROVIDER_INVALID` when its hosts cannot be used; `ERR_PROXY_RULES_INVALID` when files that
 * the rule file names cannot be read
 */
export function applicationFromApi(
  row: ProxyProviderRow,
  context: ApplicationContext,
  own?: ApplicationRow,
): Application {
  const externalHost = parseUrl(row.external_host, row.name, 'external host');
  const scheme = parseScheme(externalHost.protocol.slice(0, -1));
  const authority = parseAuthority(externalHost.host);
  if (scheme === undefined || authority === undefined) throw unusable(row.name, 'external host', row.external_host);
  const upstreams = row.mode === 'proxy' ? upstreamsOf(row, own) : [];
  const [upstream] = upstreams;
  const endpoints = resolveEndpoints(row.oidc_configuration, context.hosts);
  const clientSecret = new Secret(row.client_secret);
  return {
    pk: row.pk,
    name: row.name,
    slug: row.assigned_application_slug,
    title: row.assigned_application_name,
    mode: row.mode,
    external: { scheme, authority },
    externalHost,
    cookieDomain: row.cookie_domain,
    upstream,
    upstreams,
    answerMs: own?.answer_timeout,
    clientId: row.client_id,
    clientSecret,
    stateKey: { clientId: row.client_id, cookieSecret: row.cookie_secret },
    scopes: [...new Set(row.scopes_to_request)],
    endpoints,
    tokenRules: {
      algorithms: row.oidc_configuration.id_token_signing_alg_values_supported,
      issuers: endpoints.issuers,
      clientId: row.client_id,
      clientSecret,
      jwksUri: endpoints.jwks,
    },
    redirectRules: { externalHost: externalHost.href, mode: row.mode, cookieDomain: row.cookie_domain },
    redirectUri: redirectUriOf(externalHost),
    cookie: {
      name: sessionCookieName(row.client_id),
      domain: bareDomain(row.cookie_domain),
      secure: scheme === 'https',
    },
    seals: { session: createSeal(row.cookie_secret, 'session'), login: createSeal(row.cookie_secret, 'login') },
    skipRules: parseSkipRules(row.skip_path_regex, row.mode === 'forward_domain' ? 'url' : 'path'),
    rules: accessRules(own?.rules ?? []),
    interceptHeaderAuth: row.intercept_header_auth,
    sessionLifeMs: ((row.access_token_validity ?? 3_600) + 1) * 1000,
    headerSource: {
      ...headerSource(row, endpoints.jwks, context),
      mapping: headerMapping(own?.headers),
      ...(context.onLargeHeaders === undefined ? {} : { onLarge: context.onLargeHeaders }),
    },
    asserter: createAsserter(row.cookie_secret, {
      issuer: externalHost.origin,
      audience: upstream?.origin ?? externalHost.origin,
    }),
    certificate: row.certificate ?? undefined,
    fingerprint: fingerprintOf(row, context, own),
  };
}

/**
 * The registered form (§6.4): below Ext where its path ends in a slash or is empty, else Ext itself with the signature,
 * because the core's URL joining would replace the last segment.
 */
function redirectUriOf(externalHost: URL): string {
  const signature = '?X-authentik-auth-callback=true';
  const base = externalHost.origin + externalHost.pathname;
  return externalHost.pathname.endsWith('/') ? `${base}${prefix.slice(1)}/callback${signature}` : base + signature;
}

function headerSource(
  row: ProxyProviderRow,
  jwksUri: string,
  context: ApplicationContext,
): Omit<HeaderSource, 'mapping'> {
  const basicAuth = {
    userAttribute: row.basic_auth_user_attribute,
    passwordAttribute: row.basic_auth_password_attribute,
  };
  return {
    jwksUri,
    outpostName: context.outpostName,
    providerName: row.name,
    applicationSlug: row.assigned_application_slug,
    version: context.version,
    basicAuth: row.basic_auth_enabled ? basicAuth : undefined,
  };
}

function upstreamsOf(row: ProxyProviderRow, own: ApplicationRow | undefined): UpstreamTarget[] {
  const given = own?.upstreams ?? [];
  const urls = given.length === 0 ? [{ url: row.internal_host, weight: 1, check: undefined }] : given;
  const verifyTls = row.internal_host_ssl_validation;
  const tls = own?.upstream_tls === undefined ? {} : { tls: upstreamTls(own.upstream_tls) };
  return urls.map(({ url, weight, check }) => {
    const checked = check === undefined ? {} : { check };
    return { origin: parseUrl(url, row.name, 'internal host').origin, verifyTls, weight, ...tls, ...checked };
  });
}

/** Everything an application is made of, to see whether it changed. */
export function fingerprintOf(row: ProxyProviderRow, context: ApplicationContext, own?: ApplicationRow): string {
  return JSON.stringify([row, context, own]);
}

function parseUrl(text: string, provider: string, what: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw unusable(provider, what, text);
}

function unusable(provider: string, what: string, text: string) {
  return proxyError('ERR_PROXY_PROVIDER_INVALID', `Provider "${provider}" has the ${what} "${text}".`);
}
