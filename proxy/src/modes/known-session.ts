// Forward-auth for who is known (proxy.md §17.B): the same questions as gateway.ts and forward.ts ask, put to the same
// functions, but what depends on the host alone is asked once per host and list of applications. Takes only the plainest of
// requests, of Traefik, Caddy and HAProxy; whatever is out of the ordinary gets `undefined` and goes the whole way. Remembers
// nothing about anybody: the session is looked up and judged anew each time. known-session.test.ts compares the two ways.
import type { Application } from '../applications/application.ts';
import type { Lookup } from '../applications/lookup.ts';
import { decide } from '../authentication/verdict.ts';
import type { Answer } from '../request/answer.ts';
import { parseAuthority } from '../request/host-name.ts';
import { header, type Incoming, requestHost } from '../request/incoming.ts';
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
const mostHosts = 10_000;

/** @param lookup the applications as of now */
export function createKnownSession(
  lookup: () => Lookup<Application> | undefined,
  rooms: Rooms,
): (request: Incoming) => Known | undefined {
  let current: Lookup<Application> | undefined;
  const byHost = { http: new Map<string, Application | 'none'>(), https: new Map<string, Application | 'none'>() };
  const applicationOf = (host: string, scheme: 'http' | 'https'): Application | 'none' => {
    const now = lookup();
    if (now !== current || byHost[scheme].size > mostHosts) {
      current = now;
      byHost.http.clear();
      byHost.https.clear();
    }
    const known = byHost[scheme].get(host);
    if (known !== undefined) return known;
    const found = applicationAt(now, host, scheme) ?? 'none';
    if (host.length < 300) byHost[scheme].set(host, found);
    return found;
  };
  return (request) => {
    if (!endpoints.has(request.rawTarget)) return undefined;
    const scheme = header(request, 'x-forwarded-proto');
    if (scheme !== 'https' && scheme !== 'http') return undefined;
    const application = applicationOf(header(request, 'x-forwarded-host'), scheme);
    const target = header(request, 'x-forwarded-uri');
    if (application === 'none' || !isOriginForm(target) || target.includes('X-authentik-')) return undefined;
    if (parseAuthority(requestHost(request)) === undefined) return undefined;
    const authentication = rooms.authenticator.remembered(application, header(request, 'cookie'));
    if (authentication === undefined) return undefined;
    const question = { applicationPk: application.pk, ruling: plainLogin, nowMs: rooms.clock.now() };
    const verdict = decide(authentication.identity, question);
    if (verdict.verdict !== 'allow') return undefined;
    return { application, answer: allowed({ application, request, rooms }, verdict, authentication) };
  };
}

/** A forward application without rules of its own that may judge every plain target of this host. */
function applicationAt(
  lookup: Lookup<Application> | undefined,
  host: string,
  scheme: 'http' | 'https',
): Application | undefined {
  const authority = parseAuthority(host);
  const found = authority === undefined ? undefined : lookup?.find(authority);
  const target = targetUri(scheme, host, '/');
  if (found?.kind !== 'found' || target === undefined) return undefined;
  const { application, how } = found;
  const isPlain = application.mode !== 'proxy' && application.rules.size === 0;
  return isPlain && isBound({ application, isOnly: how === 'only' }, target) ? application : undefined;
}
