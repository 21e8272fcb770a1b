// Identity headers (proxy.md §9.2–9.4): a flat list of names and values, made once per identity and used for the upstream
// request in proxy mode and for the answer in the forward modes. All twelve are always there, empty where unknown, so that
// a reverse proxy overwrites what a client sent (GO-2026-4639).
import type { Claims } from '../oidc/claims.ts';
import { encodedValue, fieldKey, isFieldName } from './field.ts';
import type { HeaderMapping } from './header-mapping.ts';

export const identityHeaderNames = [
  'X-Authentik-Username',
  'X-Authentik-Groups',
  'X-Authentik-Entitlements',
  'X-Authentik-Email',
  'X-Authentik-Name',
  'X-Authentik-Uid',
  'X-Authentik-Jwt',
  'X-Authentik-Meta-Jwks',
  'X-Authentik-Meta-Outpost',
  'X-Authentik-Meta-Provider',
  'X-Authentik-Meta-App',
  'X-Authentik-Meta-Version',
] as const;

/** What of the provider and this outpost shows in the headers. */
export interface HeaderSource {
  readonly jwksUri: string;
  readonly outpostName: string;
  readonly providerName: string;
  readonly applicationSlug: string;
  readonly version: string;
  readonly mapping: HeaderMapping;
  /** Told of identities whose headers are over the budget: servers behind us refuse large heads. */
  readonly onLarge?: (claims: Claims, bytes: number) => void;
  readonly basicAuth: { readonly userAttribute: string; readonly passwordAttribute: string } | undefined;
}

/** Whether a mapping may set this name at all. */
export function isAssertable(name: string): boolean {
  return !refusedAdditional.has(fieldKey(name));
}

/** Names that an attribute may not set (§9.4): routing, framing, cookies, and everything we assert ourselves. */
const refusedAdditional = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'cookie',
  'te',
  'trailer',
  'keep-alive',
  'expect',
  'set-cookie',
]);

export function identityHeaders(claims: Claims, source: HeaderSource): string[] {
  const { mapping } = source;
  const values = [
    claims.preferredUsername,
    mapping.groups(claims).join('|'),
    claims.entitlements.join('|'),
    claims.email,
    claims.name,
    claims.sub,
    claims.rawToken,
    source.jwksUri,
    source.outpostName,
    source.providerName,
    source.applicationSlug,
    source.version,
  ];
  const additional = [...additionalHeaders(claims), ...mapping.extra(claims)];
  const authorization = basicAuthorization(claims, source);
  const named = [
    ...identityHeaderNames.map((name, at) => [name, values[at] ?? ''] as const),
    ...(authorization === undefined || hasAuthorization(additional) ? [] : [['Authorization', authorization] as const]),
    ...additional,
  ];
  // What is left out is told as empty: a header that is missing could be the client's own.
  const flat = named.flatMap(([name, value]) => [
    name,
    mapping.keeps(name) ? encodedValue(value, mapping.encoding) : '',
  ]);
  const bytes = flat.reduce((sum, item) => sum + item.length + 2, 0);
  if (bytes > mapping.budgetBytes) source.onLarge?.(claims, bytes);
  return flat;
}

function hasAuthorization(headers: readonly (readonly [string, string])[]): boolean {
  return headers.some(([name]) => fieldKey(name) === 'authorization');
}

/** The same names with empty values, for an allowed request without a login. */
export function emptyIdentityHeaders(): string[] {
  return identityHeaderNames.flatMap((name) => [name, '']);
}

function basicAuthorization(claims: Claims, { basicAuth }: HeaderSource): string | undefined {
  if (basicAuth === undefined || !claims.akProxy.present) return undefined;
  const { userAttributes } = claims.akProxy;
  const password = own(userAttributes, basicAuth.passwordAttribute);
  if (typeof password !== 'string' || password === '') return undefined;
  const user = own(userAttributes, basicAuth.userAttribute);
  const pair = `${typeof user === 'string' ? user : claims.email}:${password}`;
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}

function additionalHeaders({ akProxy }: Claims): (readonly [string, string])[] {
  const wanted = own(akProxy.userAttributes, 'additionalHeaders');
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) return [];
  return Object.entries(wanted).flatMap(([name, given]) => {
    const key = fieldKey(name);
    const value = additionalValue(given);
    const isRefused = !isFieldName(name) || !isAssertable(name) || key.startsWith('x-authentik-');
    return value === undefined || isRefused ? [] : [[canonicalName(name), value] as const];
  });
}

function additionalValue(given: unknown): string | undefined {
  if (typeof given === 'string') return given;
  if (typeof given === 'number' || typeof given === 'boolean') return String(given);
  if (!Array.isArray(given)) return undefined;
  return given
    .map(additionalValue)
    .filter((item) => item !== undefined)
    .join('|');
}

/** Go's canonical capitalisation (proxy.md §0). */
function canonicalName(name: string): string {
  return name.toLowerCase().replace(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

function own(record: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
