// Leads a visitor to log in on his way to an application (core.md §17.4 steps 9 and 11), and once only: coming back, he is
// taken as he is.
import { saveSession } from '../api/session-cookies.ts';
import { defaultFlow } from '../flows/default-flow.ts';
import { keepPlan, planNameFor, readPlan } from '../flows/plan.ts';
import { planFlow } from '../flows/planner.ts';
import type { FlowRequest } from '../flows/request.ts';
import { flowByKey } from '../flows/stored.ts';
import type { Session } from '../sessions/session.ts';
import { applicationContext } from './access.ts';
import { type Asking, promptsOf } from './asking.ts';
import { hashOf } from './grants.ts';
import { refusalPage } from './page.ts';

const ledKey = 'gatehouse/oauth/led_to_login';

/** Of as many tabs. */
const mostLed = 8;

function ledTo({ data }: Session): readonly unknown[] {
  const led = data[ledKey];
  return Array.isArray(led) ? led : [];
}

const questionOf = ({ query }: Asking) => hashOf(query.toString());

/** A login is wanted anew, or the last one is too long ago, and this question has not led to one already. */
export function needsNewLogin(asking: Asking, { session }: FlowRequest): boolean {
  const { deps, query } = asking;
  const led = ledTo(session);
  const question = questionOf(asking);
  if (led.includes(question)) {
    session.data[ledKey] = led.filter((one) => one !== question);
    return false;
  }
  if (promptsOf(query).includes('login')) return true;
  const maxAge = query.get('max_age');
  if (maxAge === null || !/^\d{1,9}$/.test(maxAge)) return false;
  const at = session.data['auth_time'];
  return typeof at !== 'number' || deps.clock.now() - at > Number(maxAge) * 1000;
}

/** The provider's authentication flow, else the default one; a login that is there already ends first. */
export async function leadToLogin(asking: Asking, visitor: FlowRequest) {
  const { deps, client, query, request, reply } = asking;
  if (visitor.user !== undefined) await deps.sessions.end([visitor.session.id]);
  const session = visitor.user === undefined ? visitor.session : deps.sessions.create();
  const newcomer: FlowRequest = { ...visitor, user: undefined, userIsSuperuser: false, session };
  const own = client.authenticationFlow === null ? undefined : await flowByKey(deps, client.authenticationFlow);
  const flow = own ?? (await defaultFlow(deps, newcomer, 'authentication'));
  if (flow === undefined) return refusalPage(deps, reply, { status: 400, text: 'There is no flow to log in by.' });
  const hint = query.get('login_hint');
  const next = `${deps.webPath}application/o/authorize/?${query}`;
  const name = planNameFor(next);
  // Another tab stands in this very login, for the same application: a new plan would throw it back to the start.
  const isUnderWay = hint === null && readPlan(session.data, name)?.flow === flow.uuid;
  if (!isUnderWay) {
    const planning = await planFlow(deps, flow, newcomer, {
      application: applicationContext(client),
      ...(hint === null ? {} : { pending_user_identifier: hint }),
    });
    if (planning.kind === 'not applicable') return refusalPage(deps, reply, { status: 403, text: planning.message });
    keepPlan(session.data, name, planning.plan);
  }
  session.data[ledKey] = [...ledTo(session), questionOf(asking)].slice(-mostLed);
  await saveSession(deps, request, reply, session, { isLook: isUnderWay });
  return reply.redirect(`${deps.webPath}if/flow/${flow.slug}/?${new URLSearchParams({ next })}`, 302);
}
