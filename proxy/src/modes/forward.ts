// Forward-auth for Traefik, Caddy, HAProxy and Envoy (proxy.md §5.2, §5.4): 200 with identity headers, or the answer that
// the browser shall get. The kinds differ only in where the original URL comes from (request/original.ts).

import type { Authentication } from '../authentication/authenticate.ts';
import type { Allow, Refuse } from '../authentication/verdict.ts';
import { signOut } from '../endpoints/sign-out.ts';
import { assertionHeader } from '../identity/assertion.ts';
import { type HeaderBlock, headerBlock } from '../identity/header-block.ts';
import { emptyIdentityHeaders } from '../identity/identity-headers.ts';
import { type Answer, noStore, refuse } from '../request/answer.ts';
import { header } from '../request/incoming.ts';
import { reservedTarget, signatureOf } from '../request/reserved.ts';
import { hrefOf, type TargetUri } from '../request/target-uri.ts';
import { isBound } from './binding.ts';
import { chain, type Judged, judge, type ModeContext } from './context.ts';
import { maxAgeOf, ruledOut } from './ruled-out.ts';
import { apiRefusal, credentialsRefused, isNavigation } from './unauthenticated.ts';

export interface ForwardKind {
  readonly kind: 'traefik' | 'caddy' | 'haproxy' | 'envoy' | 'nginx';
  readonly original: TargetUri | undefined;
}

export function forwardAuth(context: ModeContext, { kind, original }: ForwardKind): Answer | Promise<Answer> {
  const { application, request, rooms } = context;
  if (original === undefined) {
    rooms.misconfigured(application, request, kind);
    return refuse(500, 'configuration error\n');
  }
  const signature = signatureOf(original);
  if (signature === 'callback') return rooms.logins.finish(application, request, original.rawQuery ?? '');
  if (signature === 'logout') return signOut({ ...context, target: original });
  if (!isBound(context, original)) {
    rooms.misconfigured(application, request, kind);
    return unauthenticated(context, original, undefined);
  }
  const method = header(request, 'x-forwarded-method') || request.method;
  const otherwise = () => application.skipRules.match(original);
  return chain(judge(context, { target: original, method, otherwise }), (done) => answerOf(context, original, done));
}

/** 200 with identity headers, or with all of them empty so that none of the client's stays. */
export function allowed(
  { application, request }: Pick<ModeContext, 'application' | 'request'>,
  allow: Allow,
  { setCookie }: Authentication,
  nowMs: number,
): Answer {
  const { identity } = allow;
  const shared = identity === undefined ? noIdentity : withAlways(application.asserter.headers(identity, nowMs));
  const headers = ['User-Agent', header(request, 'user-agent')];
  if (setCookie !== undefined) headers.push('Set-Cookie', setCookie);
  return { kind: 'allowed', allow, shared, headers };
}

const always = ['X-Powered-By', 'authentik_proxy2', ...noStore] as const;
const noIdentity = headerBlock([...emptyIdentityHeaders(), assertionHeader, '', ...always]);

/** One block for as long as the identity's own is the same. */
const complete = new WeakMap<HeaderBlock, HeaderBlock>();
function withAlways(identity: HeaderBlock): HeaderBlock {
  const known = complete.get(identity);
  if (known !== undefined) return known;
  const made = headerBlock([...identity.flat, ...always]);
  complete.set(identity, made);
  return made;
}

function answerOf(
  context: ModeContext,
  original: TargetUri,
  { verdict, authentication }: Judged,
): Answer | Promise<Answer> {
  if (verdict.verdict === 'allow') return allowed(context, verdict, authentication, context.rooms.clock.now());
  return ruledOut(context, verdict) ?? unauthenticated(context, original, verdict);
}

function unauthenticated(
  context: ModeContext,
  original: TargetUri,
  verdict: Refuse | undefined,
): Answer | Promise<Answer> {
  const { application, request, rooms } = context;
  const target = reservedTarget(original) === undefined ? hrefOf(original) : application.externalHost.href;
  const presented = verdict?.reason !== 'login_too_old' && header(request, 'authorization') !== '';
  if (presented && application.interceptHeaderAuth && !rooms.strict) return credentialsRefused(context);
  const method = header(request, 'x-forwarded-method') || request.method;
  if (!rooms.strict && !isNavigation(request, method)) return apiRefusal(application, target);
  const maxAgeS = verdict === undefined ? undefined : maxAgeOf(verdict);
  const parameters = maxAgeS === undefined ? {} : { max_age: String(maxAgeS) };
  return rooms.logins.start(application, request, { target, parameters });
}
