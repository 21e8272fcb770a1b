// The header list of an upstream request (proxy.md §9.1, §9.5): strip first, then set, so that nothing the client sends can
// take away or forge what we assert. Exactly one Host.
import type { Application, UpstreamTarget } from '../applications/application.ts';
import type { Allow } from '../authentication/verdict.ts';
import { fieldKey, fieldValue } from '../identity/field.ts';
import { type HeaderBlock, headerBlock } from '../identity/header-block.ts';
import { stripRequestHeaders } from '../identity/strip.ts';
import { clientScheme, header, type Incoming, requestHost } from '../request/incoming.ts';

export interface UpstreamRequest {
  readonly request: Incoming;
  readonly application: Application;
  readonly allow: Allow;
  /** `Authorization` authenticated the request and stays here. */
  readonly usedAuthorization: boolean;
}

export interface UpstreamHeaders {
  /** Of this request: alternating names and values, Host first. */
  readonly own: readonly string[];
  /** Of the identity. */
  readonly identity: HeaderBlock;
}

const noNames: ReadonlySet<string> = new Set();
const nobody = headerBlock([]);

export function upstreamHeaders(
  { request, application, allow, usedAuthorization }: UpstreamRequest,
  nowMs: number,
): UpstreamHeaders {
  const identity = allow.identity === undefined ? nobody : application.asserter.headers(allow.identity, nowMs);
  const publicHost = requestHost(request) || header(request, 'host');
  const host = allow.identity?.claims.akProxy.hostHeader || publicHost;
  const before = request.trusted ? header(request, 'x-forwarded-for') : '';
  const kept = stripRequestHeaders(request.rawHeaders, {
    trusted: request.trusted,
    cookieName: application.cookie.name,
    dropAuthorization: usedAuthorization,
    dropped: allow.identity === undefined ? noNames : furtherNames(identity),
  });
  const own = ['Host', fieldValue(host), ...kept];
  own.push('X-Forwarded-Host', publicHost);
  own.push('X-Forwarded-For', before === '' ? request.peer : `${before}, ${request.peer}`);
  own.push('X-Forwarded-Proto', clientScheme(request));
  const te = header(request, 'te');
  if (te !== '' && /(?:^|,)\s*trailers\s*(?:,|$)/i.test(te)) own.push('Te', 'trailers');
  return { own, identity };
}

/** RFC 9110 §6.5.1: what frames, routes, authenticates or conditions a message is no trailer. */
const neverTrailers =
  /^(?:authorization|cache-control|content-.*|cookie|expect|host|if-.*|max-forwards|pragma|proxy-.*|range|set-cookie)$/i;

/** Of the trailers that a client sends, what may follow its body. @param raw alternating names and values */
export function requestTrailers(
  { application, allow }: UpstreamRequest,
  { identity }: UpstreamHeaders,
  raw: readonly string[],
): readonly string[] {
  const kept = stripRequestHeaders(raw, {
    trusted: false,
    cookieName: application.cookie.name,
    dropAuthorization: true,
    dropped: allow.identity === undefined ? noNames : furtherNames(identity),
  });
  return kept.flatMap((name, at) => (at % 2 === 0 && !neverTrailers.test(name) ? [name, kept[at + 1] ?? ''] : []));
}

/** Where the request may go: a mapping of the core may choose another upstream for a user; a bad one is ignored (case 70). */
export function upstreamTargets({ application, allow }: UpstreamRequest): readonly UpstreamTarget[] {
  const override = allow.identity?.claims.akProxy.backendOverride ?? '';
  if (override === '' || !URL.canParse(override)) return application.upstreams;
  const url = new URL(override);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return application.upstreams;
  return [{ ...application.upstream, origin: url.origin, verifyTls: application.upstream?.verifyTls ?? true }];
}

/** Keys of what we set besides the names that are always ours, so that the client's own are dropped. */
const known = new WeakMap<HeaderBlock, ReadonlySet<string>>();
function furtherNames(identity: HeaderBlock): ReadonlySet<string> {
  const ready = known.get(identity);
  if (ready !== undefined) return ready;
  const keys = identity.flat.filter((_, at) => at % 2 === 0).map(fieldKey);
  const names = new Set(keys.filter((key) => !key.startsWith('x-authentik-')));
  known.set(identity, names);
  return names;
}
