// Proxy mode (proxy.md §5.1): the application is behind us; who is not logged in is sent to the login below Ext.
import { type Answer, redirect } from '../request/answer.ts';
import { header } from '../request/incoming.ts';
import { asciiTarget } from '../request/target-uri.ts';
import { chain, type Judged, judge, type ModeContext } from './context.ts';
import { maxAgeOf, ruledOut } from './ruled-out.ts';
import { apiRefusal, credentialsRefused, isNavigation, startUrl } from './unauthenticated.ts';

export function proxyMode(context: ModeContext): Answer | Promise<Answer> {
  const { application, request, target } = context;
  const otherwise = () => application.skipRules.match(target);
  return chain(judge(context, { target, method: request.method, otherwise }), (judged) => answerOf(context, judged));
}

function answerOf(context: ModeContext, { verdict, authentication }: Judged): Answer {
  const { application, request, rooms, target } = context;
  if (verdict.verdict === 'allow') return { kind: 'forward', allow: verdict, application, authentication };
  const forbidden = ruledOut(context, verdict);
  if (forbidden !== undefined) return forbidden;
  if (verdict.reason === 'no_evidence' && header(request, 'authorization') !== '' && application.interceptHeaderAuth) {
    return credentialsRefused(context);
  }
  // Ext's own path in front, the rest as it came (cases 16–19).
  const base = application.externalHost.origin + application.externalHost.pathname.replace(/\/$/, '');
  const wanted = base + asciiTarget(target);
  if (!rooms.strict && !isNavigation(request, request.method)) return apiRefusal(application, wanted);
  return redirect(startUrl(application, wanted, maxAgeOf(verdict)));
}
