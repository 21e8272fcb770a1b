// Runs the provider's authorization flow and hands out the code (core.md §17.4 step 13). A flow without stages is passed at
// once; another one leads back with a ticket that only its end reveals.
import { randomBytes } from 'node:crypto';
import { saveSession } from '../api/session-cookies.ts';
import { recordEvent } from '../events/record.ts';
import { cancelledKey, keepPlan, type Plan, planNameFor } from '../flows/plan.ts';
import { planFlow } from '../flows/planner.ts';
import type { FlowRequest } from '../flows/request.ts';
import { flowByKey, stageByKey } from '../flows/stored.ts';
import type { UserRecord } from '../identity/users.ts';
import { durationMs } from '../models/duration.ts';
import { applicationContext } from './access.ts';
import { type Asking, addressBack, promptsOf, sendBack } from './asking.ts';
import { grantedScopes } from './claims.ts';
import { consentContext } from './consent-context.ts';
import { type Grant, hashOf, newCode, storeGrant } from './grants.ts';
import { loginFactsOf } from './login-facts.ts';
import { refusalPage } from './page.ts';

const ticketKey = 'gatehouse/oauth/ticket';
/** Of as many tabs. */
const mostTickets = 8;

function ticketsOf(data: Readonly<Record<string, unknown>>): readonly unknown[] {
  const tickets = data[ticketKey];
  return Array.isArray(tickets) ? tickets : [];
}

const ticketParameter = 'gatehouse_ticket';
/** RFC 6749 §4.1.2.1, for who does not consent. */
const denied = { error: 'access_denied', error_description: 'The user did not allow it.' };

export async function authorizationFlow(asking: Asking, visitor: FlowRequest, user: UserRecord) {
  const { deps, client, query, request, reply } = asking;
  const { data } = visitor.session;
  const ticket = query.get(ticketParameter);
  query.delete(ticketParameter);
  const tickets = ticketsOf(data);
  const shown = ticket === null ? undefined : hashOf(`${ticket}\n${query}`);
  if (shown !== undefined && tickets.includes(shown)) {
    data[ticketKey] = tickets.filter((one) => one !== shown);
    return grantCode(asking, visitor, user);
  }
  const flow = client.authorizationFlow === null ? undefined : await flowByKey(deps, client.authorizationFlow);
  if (flow === undefined)
    return refusalPage(deps, reply, { status: 400, text: 'The provider has no authorization flow.' });
  const fresh = randomBytes(16).toString('hex');
  const back = new URLSearchParams(query);
  back.set(ticketParameter, fresh);
  const planning = await planFlow(deps, flow, visitor, {
    application: applicationContext(client),
    is_redirected: true,
    redirect: `${deps.webPath}application/o/authorize/?${back}`,
    [cancelledKey]: addressBack(asking, denied),
    ...consentContext(client, grantedScopes(client, query.get('scope') ?? '')),
  });
  if (planning.kind === 'not applicable') return refusalPage(deps, reply, { status: 403, text: planning.message });
  if (promptsOf(query).includes('consent')) await alwaysAsk(asking, planning.plan);
  if (await needsNobody(asking, planning.plan, user)) return grantCode(asking, visitor, user);
  if (promptsOf(query).includes('none'))
    return sendBack(asking, { error: 'consent_required', error_description: 'The user has to consent.' });
  const next = `${deps.webPath}application/o/authorize/?${query}`; // tells its page's plan from those of other tabs
  keepPlan(data, planNameFor(next), planning.plan);
  data[ticketKey] = [...tickets, hashOf(`${fresh}\n${query}`)].slice(-mostTickets);
  await saveSession(deps, request, reply, visitor.session);
  return reply.redirect(`${deps.webPath}if/flow/${flow.slug}/?${new URLSearchParams({ next })}`, 302);
}

const consentKind = 'authentik_stages_consent.consentstage';

/** `prompt=consent` asks even where consent was given, and where the flow would not ask at all. */
async function alwaysAsk({ deps }: Asking, plan: Plan): Promise<void> {
  const keys = plan.stages.flatMap(({ stage }) => ('pk' in stage ? [stage.pk] : []));
  const asking = await deps.database.kysely
    .selectFrom('stages')
    .select('uuid')
    .where('uuid', 'in', ['00000000-0000-0000-0000-000000000000', ...keys])
    .where('kind', '=', consentKind)
    .execute();
  const known = new Set(asking.map(({ uuid }) => uuid));
  const always = { kind: consentKind, name: 'Consent', settings: { mode: 'always_require' } };
  if (known.size === 0)
    plan.stages.push({ engineMode: 'any', reEvaluate: false, invalidResponse: 'retry', stage: always });
  for (const planned of plan.stages) if ('pk' in planned.stage && known.has(planned.stage.pk)) planned.stage = always;
}

/** Nothing to do, or only consent that is given already. */
async function needsNobody({ deps, client, query }: Asking, plan: Plan, user: UserRecord): Promise<boolean> {
  const [only, ...others] = plan.stages;
  if (only === undefined) return true;
  if (others.length > 0 || !('pk' in only.stage)) return false;
  const stage = await stageByKey(deps, only.stage.pk);
  if (stage?.kind !== consentKind || stage.settings['mode'] === 'always_require') return false;
  const permissions = grantedScopes(client, query.get('scope') ?? '')
    .sort()
    .join(' ');
  const given = await deps.database.kysely
    .selectFrom('consents')
    .select('uuid')
    .where('user_id', '=', user.id)
    .where('application', '=', client.application.pbm)
    .where('permissions', '=', permissions)
    .where((where) => where.or([where('expires', 'is', null), where('expires', '>', new Date(deps.clock.now()))]))
    .executeTakeFirst();
  return given !== undefined;
}

async function grantCode(asking: Asking, visitor: FlowRequest, user: UserRecord) {
  const { deps, client, query, redirectUri, request, reply } = asking;
  const { session } = visitor;
  const { authTime, amr } = loginFactsOf(session.data);
  const [challenge, nonce] = [query.get('code_challenge'), query.get('nonce')];
  const scopes = grantedScopes(client, query.get('scope') ?? '');
  const code = newCode();
  const grant: Grant = {
    scopes,
    redirectUri,
    session: session.id,
    family: hashOf(code),
    amr,
    ...(authTime === undefined ? {} : { authTime }),
    ...(challenge === null ? {} : { challenge, challengeMethod: query.get('code_challenge_method') ?? 'plain' }),
    ...(nonce === null ? {} : { nonce }),
  };
  await saveSession(deps, request, reply, session);
  const lifeMs = durationMs(client.access_code_validity);
  await storeGrant(deps, { text: code, kind: 'code', client, user, lifeMs, grant });
  await recordEvent(deps, {
    action: 'authorize_application',
    app: 'authentik.providers.oauth2',
    user,
    request: visitor,
    context: {
      authorized_application: {
        app: 'authentik_core',
        model_name: 'application',
        pk: client.application.pbm,
        name: client.application.name,
      },
      flow: client.authorizationFlow,
      scopes: scopes.join(' '),
    },
  });
  return sendBack(asking, { code });
}
