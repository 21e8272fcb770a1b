// For who is known (proxy.md §17.B): the same questions as gateway.ts, forward.ts and proxy.ts ask, put to the same functions,
// but what depends on the host alone is asked once per host and list of applications. Takes only the plainest of requests, in
// proxy mode and of Traefik, Caddy and HAProxy; whatever is out of the ordinary gets `undefined` and goes the whole way.
// Remembers nothing about anybody: the session is looked up and judged anew each time. known-session.test.ts compares the two
// ways.
import type { Application } from '../applications/application.ts';
import type { Lookup } from '../applications/lookup.ts';
import type { Authentication } from '../authentication/authenticate.ts';
import { type Allow, decide } from '../authentication/verdict.ts';
import type { Answer } from '../request/answer.ts';
import { parseAuthority, type Scheme } from '../request/host-name.ts';
import { clientScheme, header, type Incoming, requestHost } from '../request/incoming.ts';
import { prefix } from '../request/reserved.ts';
import { isOriginForm, targetUri } from '../request/target-uri.ts';
import { plainLogin } from '../rules/access-rules.ts';
import { isBound } from './binding.ts';
import type { Rooms } from './context.ts';
import { allowed } from './forward.ts';

export interface Known {
  readonly application: Application;
  readonly answer: Answer;
}

const endpoints = new Set(['traefik', 'caddy', 'haproxy'].map((name) => `${prefix}/auth/${name}`));

/** @param lookup the applications as of now */
export function createKnownSession(
  lookup: () => Lookup<Application> | undefined,
  rooms: Rooms,
): (request: Incoming) => Known | undefined {
  const applicationAt = createApplicationAt(lookup);
  return (request) => {
    if (endpoints.has(request.rawTarget)) return forwarded(request);
    return request.rawTarget.startsWith(prefix) ? undefined : proxied(request);
  };

  function forwarded(request: Incoming): Known | undefined {
    const scheme = header(request, 'x-forwarded-proto');
    if (scheme !== 'https' && scheme !== 'http') return undefined;
    const application = applicationAt(header(request, 'x-forwarded-host'), scheme);
    if (application === undefined || application.mode === 'proxy') return undefined;
    if (!isPlain(header(request, 'x-forwarded-uri'))) return undefined;
    if (parseAuthority(requestHost(request)) === undefined) return undefined;
    const nowMs = rooms.clock.now();
    const known = judgeKnown(rooms, application, { request, nowMs });
    if (known === undefined) return undefined;
    return { application, answer: allowed({ application, request }, known.allow, known.authentication, nowMs) };
  }

  function proxied(request: Incoming): Known | undefined {
    const application = applicationAt(requestHost(request), clientScheme(request));
    if (application?.mode !== 'proxy' || !isPlain(request.rawTarget)) return undefined;
    const known = judgeKnown(rooms, application, { request, nowMs: rooms.clock.now() });
    return known && { application, answer: { kind: 'forward', application, ...known } };
  }
}

/** Nothing but a path and a query; none that signs in or out. */
function isPlain(target: string): boolean {
  return isOriginForm(target) && !target.includes('X-authentik-');
}

function judgeKnown(
  { authenticator }: Rooms,
  application: Application,
  { request, nowMs }: { readonly request: Incoming; readonly nowMs: number },
): { readonly allow: Allow; readonly authentication: Authentication } | undefined {
  const authentication = authenticator.remembered(application, header(request, 'cookie'), nowMs);
  if (authentication === undefined) return undefined;
  const question = { applicationPk: application.pk, ruling: plainLogin, nowMs };
  const verdict = decide(authentication.identity, question);
  return verdict.verdict === 'allow' ? { allow: verdict, authentication } : undefined;
}

const mostHosts = 10_000;

/** An application without rules of its own that is in charge of every plain target of a host; asked once per host. */
function createApplicationAt(lookup: () => Lookup<Application> | undefined) {
  let current: Lookup<Application> | undefined;
  const byHost = { http: new Map<string, Application | 'none'>(), https: new Map<string, Application | 'none'>() };
  return (host: string, scheme: Scheme): Application | undefined => {
    const now = lookup();
    if (now !== current || byHost[scheme].size > mostHosts) {
      current = now;
      byHost.http.clear();
      byHost.https.clear();
    }
    let found = byHost[scheme].get(host);
    if (found === undefined) {
      found = findAt(now, host, scheme) ?? 'none';
      if (host.length < 300) byHost[scheme].set(host, found);
    }
    return found === 'none' ? undefined : found;
  };
}

function findAt(lookup: Lookup<Application> | undefined, host: string, scheme: Scheme): Application | undefined {
  const authority = parseAuthority(host);
  const found = authority === undefined ? undefined : lookup?.find(authority);
  const target = targetUri(scheme, host, '/');
  if (found?.kind !== 'found' || target === undefined || found.application.rules.size > 0) return undefined;
  const { application, how } = found;
  return application.mode === 'proxy' || isBound({ application, isOnly: how === 'only' }, target)
    ? application
    : undefined;
}
