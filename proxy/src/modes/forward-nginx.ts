// Forward-auth for nginx (proxy.md §5.3): nginx understands 2xx, 401 and 403 only, so a login is always a 401, with the
// address of the login beside it for navigations. Never a cookie on a 401: nginx would join several into one.
import { type Answer, refuse } from '../request/answer.ts';
import { header } from '../request/incoming.ts';
import { reservedTarget } from '../request/reserved.ts';
import { hrefOf, type TargetUri } from '../request/target-uri.ts';
import { isBound } from './binding.ts';
import { chain, type Judged, judge, type ModeContext } from './context.ts';
import { allowed } from './forward.ts';
import { maxAgeOf, ruledOut } from './ruled-out.ts';
import { isNavigation, startUrl } from './unauthenticated.ts';

export function forwardNginx(context: ModeContext, original: TargetUri | undefined): Answer | Promise<Answer> {
  const { application, request, rooms } = context;
  if (original === undefined) {
    rooms.misconfigured(application, request, 'nginx');
    return refuse(500, 'configuration error\n');
  }
  if (!isBound(context, original)) {
    rooms.misconfigured(application, request, 'nginx');
    return unauthorized(context, original, undefined);
  }
  const method = header(request, 'x-original-method') || request.method;
  const otherwise = () => reservedTarget(original) ?? application.skipRules.match(original);
  return chain(judge(context, { target: original, method, otherwise }), (done) => answerOf(context, original, done));
}

function answerOf(context: ModeContext, original: TargetUri, { verdict, authentication }: Judged): Answer {
  if (verdict.verdict === 'allow') return allowed(context, verdict, authentication, context.rooms.clock.now());
  return ruledOut(context, verdict) ?? unauthorized(context, original, maxAgeOf(verdict));
}

function unauthorized({ application, request }: ModeContext, original: TargetUri, maxAgeS: number | undefined): Answer {
  const method = header(request, 'x-original-method') || request.method;
  if (!isNavigation(request, method)) return refuse(401, 'unauthorized request\n');
  return refuse(401, 'unauthorized request\n', [
    'X-Outpost-Location',
    startUrl(application, hrefOf(original), maxAgeS),
  ]);
}
