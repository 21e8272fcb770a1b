// Identity headers (proxy.md §9.2–9.4): a flat list of names and values, made once per identity and used for the upstream
// request in proxy mode and for the answer in the forward modes. All twelve are always there, empty where unknown, so that
// a reverse proxy overwrites what a client sent (GO-2026-4639).
import type { Claims } from '../oidc/claims.ts';
import { fieldKey, fieldValue, isFieldName } from './field.ts';

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
  readonly basicAuth: { readonly userAttribute: string; readonly passwordAttribute: string } | undefined;
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
  const values = [
    claims.preferredUsername,
    claims.groups.join('|'),
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
  const flat = identityHeaderNames.flatMap((name, at) => [name, fieldValue(values[at] ?? '')]);
  const authorization = basicAuthorization(claims, source);
  const additional = additionalHeaders(claims);
  if (authorization !== undefined && !additional.some(([name]) => fieldKey(name) === 'authorization')) {
    flat.push('Authorization', authorization);
  }
  for (const [name, value] of additional) flat.push(name, value);
  return flat;
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
    const isRefused = !isFieldName(name) || refusedAdditional.has(key) || key.startsWith('x-authentik-');
    return value === undefined || isRefused ? [] : [[canonicalName(name), fieldValue(value)] as const];
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
