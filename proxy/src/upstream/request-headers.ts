// The header list of an upstream request (proxy.md §9.1, §9.5): strip first, then set, so that nothing the client sends can
// take away or forge what we assert. Exactly one Host.
import type { Application, UpstreamTarget } from '../applications/application.ts';
import type { Allow } from '../authentication/verdict.ts';
import { assertionHeader } from '../identity/assertion.ts';
import { fieldKey, fieldValue } from '../identity/field.ts';
import { stripRequestHeaders } from '../identity/strip.ts';
import { clientScheme, header, type Incoming, requestHost } from '../request/incoming.ts';

export interface UpstreamRequest {
  readonly request: Incoming;
  readonly application: Application;
  readonly allow: Allow;
  /** `Authorization` authenticated the request and stays here. */
  readonly usedAuthorization: boolean;
}

const noNames: ReadonlySet<string> = new Set();

/** @returns alternating names and values */
export function upstreamHeaders(
  { request, application, allow, usedAuthorization }: UpstreamRequest,
  nowMs: number,
): string[] {
  const identity = allow.identity?.identityHeaders ?? [];
  const headers = stripRequestHeaders(request.rawHeaders, {
    trusted: request.trusted,
    cookieName: application.cookie.name,
    dropAuthorization: usedAuthorization,
    dropped: identity.length === 0 ? noNames : namesOf(identity),
  });
  const publicHost = requestHost(request) || header(request, 'host');
  const host = allow.identity?.claims.akProxy.hostHeader || publicHost;
  const before = request.trusted ? header(request, 'x-forwarded-for') : '';
  headers.unshift('Host', fieldValue(host));
  headers.push('X-Forwarded-Host', publicHost);
  headers.push('X-Forwarded-For', before === '' ? request.peer : `${before}, ${request.peer}`);
  headers.push('X-Forwarded-Proto', clientScheme(request));
  if (/(?:^|,)\s*trailers\s*(?:,|$)/i.test(header(request, 'te'))) headers.push('Te', 'trailers');
  for (const item of identity) headers.push(item);
  if (allow.identity !== undefined) headers.push(assertionHeader, application.asserter.assert(allow.identity, nowMs));
  return headers;
}

/** Where the request goes: a mapping of the core may choose another upstream for a user; a bad one is ignored (case 70). */
export function upstreamTarget({ application, allow }: UpstreamRequest): UpstreamTarget | undefined {
  const override = allow.identity?.claims.akProxy.backendOverride ?? '';
  if (override === '' || !URL.canParse(override)) return application.upstream;
  const url = new URL(override);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return application.upstream;
  return { origin: url.origin, verifyTls: application.upstream?.verifyTls ?? true };
}

/** Keys of every header we set, so that the client's own are dropped. */
const known = new WeakMap<readonly string[], ReadonlySet<string>>();
function namesOf(identity: readonly string[]): ReadonlySet<string> {
  const ready = known.get(identity);
  if (ready !== undefined) return ready;
  const names = new Set(identity.filter((_, at) => at % 2 === 0).map(fieldKey));
  known.set(identity, names);
  return names;
}
