// From a request to what shall be done about it: application by host, then mode or endpoint by path (proxy.md §3). Knows no
// socket. Everything thrown on the way ends here as a refusal; there is no other exit.
import { isGatewayError } from '@gatehouse/daemon/errors';
import type { Logger } from '@gatehouse/daemon/log';
import type { Application } from './applications/application.ts';
import type { Found, Lookup } from './applications/lookup.ts';
import { backchannelLogout } from './endpoints/backchannel-logout.ts';
import { keySet } from './endpoints/key-set.ts';
import { signOut } from './endpoints/sign-out.ts';
import { start } from './endpoints/start.ts';
import { userInfo } from './endpoints/user-info.ts';
import type { ModeContext, Rooms } from './modes/context.ts';
import { forwardAuth } from './modes/forward.ts';
import { forwardNginx } from './modes/forward-nginx.ts';
import { createKnownSession } from './modes/known-session.ts';
import { limited } from './modes/limited.ts';
import { proxyMode } from './modes/proxy.ts';
import { page } from './pages/page.ts';
import { type Answer, refuse } from './request/answer.ts';
import { parseAuthority } from './request/host-name.ts';
import { clientScheme, header, type Incoming, requestHost } from './request/incoming.ts';
import { isEnvoyTarget, originalFromEnvoy, originalFromForwarded, originalFromNginx } from './request/original.ts';
import { prefix, type Signature, signatureOf } from './request/reserved.ts';
import { absoluteTargetUri, targetUri } from './request/target-uri.ts';

export interface Gateway {
  handle(request: Incoming): Handled | Promise<Handled>;
}

export interface Handled {
  readonly answer: Answer;
  /** For log and metrics. */
  readonly application: Application | undefined;
}

export interface GatewayDependencies {
  readonly rooms: Rooms;
  /** The applications as of now; `undefined` before the first refresh. */
  readonly lookup: () => Lookup<Application> | undefined;
  readonly log: Logger;
}

const pingPath = `${prefix}/ping`;
const staticPath = `${prefix}/static`;
const notFound = { kind: 'public', status: 404, headers: ['Content-Type', 'text/plain; charset=utf-8'] } as const;

export function createGateway(dependencies: GatewayDependencies): Gateway {
  const knownSession = createKnownSession(dependencies.lookup, dependencies.rooms);
  const failed =
    (request: Incoming, application: Application | undefined) =>
    (error: unknown): Handled => {
      report(dependencies.log, request, error);
      return { application, answer: faultAnswer(request, error) };
    };
  return {
    handle(request) {
      let application: Application | undefined;
      try {
        const known = knownSession(request);
        if (known !== undefined) return known;
        const route = routeOf(dependencies, request);
        if (!('context' in route)) return { application, answer: route };
        application = route.context.application;
        const answer = serve(route.context, dependencies.rooms);
        if (!(answer instanceof Promise)) return { application, answer };
        return answer.then((late) => ({ application, answer: late }), failed(request, application));
      } catch (error) {
        return failed(request, application)(error);
      }
    },
  };
}

function routeOf(dependencies: GatewayDependencies, request: Incoming): { readonly context: ModeContext } | Answer {
  const { rawTarget } = request;
  if (rawTarget.startsWith(pingPath)) return { kind: 'public', status: 204, headers: [], body: '' };
  if (rawTarget.startsWith(staticPath)) return { ...notFound, body: '404 page not found\n' };
  const lookup = dependencies.lookup();
  if (lookup === undefined) return starting(request);
  const host = requestHost(request);
  const found = find(lookup, request, host);
  if (found.kind === 'unknown') return unknownHost(dependencies.log, lookup, host);
  const target = targetUri(clientScheme(request), host, request.rawTarget);
  if (target === undefined) return refuse(400, 'malformed request target\n');
  const { application } = found;
  return { context: { rooms: dependencies.rooms, application, request, target, isOnly: found.how === 'only' } };
}

function serve(context: ModeContext, rooms: Rooms): Answer | Promise<Answer> {
  const { application, target } = context;
  const signature = signatureOf(target);
  if (signature !== undefined || target.rawPath.startsWith(below)) {
    const answer = serveOwn(context, rooms, signature);
    if (answer !== undefined) return answer;
  }
  return application.mode === 'proxy' ? proxyMode(context) : { ...notFound, body: '404 page not found\n' };
}

/** Endpoints of ours; `undefined` for what is none. */
function serveOwn(context: ModeContext, rooms: Rooms, signature: Signature | undefined) {
  const { application, request, target } = context;
  const name = target.rawPath.startsWith(below) ? target.rawPath.slice(below.length) : '';
  const kind = application.mode === 'proxy' ? undefined : forwardKinds.get(name);
  if (kind !== undefined && signature === undefined) {
    return forwardAuth(context, { kind, original: originalFromForwarded(request) });
  }
  const isCallback = signature === 'callback' || name === 'callback';
  const wait = isCallback || name === 'start' ? limited(context, rooms.limits.login) : undefined;
  if (wait !== undefined) return wait;
  if (isCallback) return rooms.logins.finish(application, request, target.rawQuery ?? '');
  if (signature === 'logout' || name === 'sign_out') return signOut(context);
  const endpoint = endpoints.get(name);
  if (endpoint !== undefined) return endpoint(context);
  if (application.mode === 'proxy') return undefined;
  const { scheme } = application.external;
  if (name === 'auth/nginx') return forwardNginx(context, originalFromNginx(request, scheme));
  if (!isEnvoyTarget(request.rawTarget)) return undefined;
  return forwardAuth(context, { kind: 'envoy', original: originalFromEnvoy(request, scheme) });
}

const below = `${prefix}/`;
const forwardKinds = new Map<string, 'traefik' | 'caddy' | 'haproxy'>([
  ['auth/traefik', 'traefik'],
  ['auth/caddy', 'caddy'],
  ['auth/haproxy', 'haproxy'],
]);
const endpoints = new Map<string, (context: ModeContext) => Answer | Promise<Answer>>([
  ['start', start],
  ['backchannel_logout', backchannelLogout],
  ['userinfo', userInfo],
  ['.well-known/jwks.json', keySet],
]);
const nginxPath = `${prefix}/auth/nginx`;

/** §5.6: nginx says in an absolute URL which application is meant; that wins, for forward applications only. */
function find(lookup: Lookup<Application>, request: Incoming, host: string): Found<Application> {
  const { rawTarget } = request;
  const isOwn = rawTarget.startsWith(below);
  if (isOwn && pathOf(rawTarget) === nginxPath && header(request, 'x-original-uri') === '') {
    const original = absoluteTargetUri(header(request, 'x-original-url'));
    const found = original === undefined ? undefined : lookup.find(original.authority);
    if (found?.kind === 'found' && found.application.mode !== 'proxy') return found;
  }
  // Forward modes are called by the reverse proxy, so its word on the host counts whatever its address (§2.6).
  const forwarded = isOwn ? header(request, 'x-forwarded-host') || host : host;
  const authority = parseAuthority(forwarded) ?? { host: '', port: undefined };
  return lookup.find(authority);
}

function pathOf(rawTarget: string): string {
  const mark = rawTarget.indexOf('?');
  return mark === -1 ? rawTarget : rawTarget.slice(0, mark);
}

/** §2.5.5, byte for byte, with the reason in a header; the nearest hosts are for the log. */
function unknownHost(log: Logger, lookup: Lookup<Application>, host: string): Answer {
  const shown = host.slice(0, 255);
  const nearest = lookup.nearest(shown.toLowerCase());
  log.warn('no app for hostname', {
    host: shown,
    ...(nearest.length === 0 ? {} : { hint: `nearest: ${nearest.join(', ')}` }),
  });
  const quoted = JSON.stringify(shown);
  const detail = JSON.stringify(`Check the outpost settings and make sure '${shown}' is included.`);
  const body = `{\n\t"Message": "no app for hostname",\n\t"Host": ${quoted},\n\t"Detail": ${detail}\n}\n`;
  const headers = ['Content-Type', 'application/json', 'X-Outpost-Reason', 'no_app_for_hostname'];
  return { kind: 'refused', status: 400, headers, body };
}

function starting(request: Incoming): Answer {
  return page(request, {
    status: 503,
    title: 'Starting',
    text: 'This outpost has not heard from its core yet.',
    headers: ['Retry-After', '5'],
  });
}

function faultAnswer(request: Incoming, error: unknown): Answer {
  const unavailable = isGatewayError(error) && error.code !== 'ERR_PROXY_WITHOUT_ALLOW';
  return page(request, {
    status: unavailable ? 503 : 500,
    title: unavailable ? 'Temporarily unavailable' : 'Internal error',
    text: unavailable ? 'Your login cannot be checked at the moment.' : 'Something went wrong here.',
    headers: unavailable ? ['Retry-After', '5'] : [],
  });
}

function report(log: Logger, { requestId }: Incoming, error: unknown): void {
  if (isGatewayError(error)) {
    log.error('request failed', { request_id: requestId, code: error.code, error: error.message, hint: error.hint });
  } else {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error('request failed', { request_id: requestId, error: String(error), stack });
  }
}
