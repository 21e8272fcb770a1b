// `/application/o/<slug>/end-session/` (core.md §17.7): this client's tokens of the session go at once, then the provider's
// invalidation flow runs. Only registered logout URIs are followed; without one a page offers where to go.
import { decodeJwt } from 'jose';
import { identifyCaller } from '../api/authentication.ts';
import { type ApiReply, type ApiRequest, queryOf } from '../api/request.ts';
import { saveSession } from '../api/session-cookies.ts';
import type { CoreDeps } from '../deps.ts';
import { defaultFlow } from '../flows/default-flow.ts';
import { planKey } from '../flows/plan.ts';
import { planFlow } from '../flows/planner.ts';
import { flowRequestOf } from '../flows/routes.ts';
import { flowByKey } from '../flows/stored.ts';
import { sessionEndKind } from '../stages/session-end.ts';
import { applicationContext } from './access.ts';
import { allowsRedirect, type Client, formOf } from './client.ts';
import { frontchannelLogout } from './frontchannel-logout.ts';
import { verifies } from './signing.ts';

export async function endSession(deps: CoreDeps, request: ApiRequest, reply: ApiReply, client: Client) {
  const parameters = new Map([...queryOf(request), ...formOf(request)]);
  const target = targetOf(client, parameters);
  request.caller = await identifyCaller(deps, request, request.id);
  const visitor = flowRequestOf(deps, request);
  const isLoggedIn = request.caller.principal?.via === 'session';
  const session = isLoggedIn ? visitor.session.id : await hintedSession(deps, client, parameters);
  if (session !== undefined) await dropTokens(deps, client, session);
  if (!isLoggedIn) return reply.redirect(target ?? deps.webPath, 302);
  const flow = await invalidationFlow(deps, client, visitor);
  if (flow === undefined) return reply.redirect(target ?? deps.webPath, 302);
  const planning = await planFlow(deps, flow, visitor, {
    application: applicationContext(client),
    ...(target === undefined ? {} : { redirect: target }),
  });
  if (planning.kind === 'not applicable') return reply.redirect(target ?? deps.webPath, 302);
  const { plan } = planning;
  const inBrowser = await frontchannelLogout(deps, visitor.session.id, client.pk);
  if (inBrowser !== undefined) {
    plan.stages.unshift(inBrowser);
    await leaveSession(deps, client, visitor.session.id);
  }
  if (target === undefined)
    plan.stages.push({
      engineMode: 'any',
      reEvaluate: false,
      invalidResponse: 'retry',
      stage: { kind: sessionEndKind, name: 'Session end', settings: {} },
    });
  if (plan.stages.length === 0) return reply.redirect(target ?? deps.webPath, 302);
  visitor.session.data[planKey] = plan;
  await saveSession(deps, request, reply, visitor.session);
  return reply.redirect(`${deps.webPath}if/flow/${flow.slug}/`, 302);
}

function targetOf(client: Client, parameters: ReadonlyMap<string, string>): string | undefined {
  const uri = parameters.get('post_logout_redirect_uri') ?? '';
  if (!allowsRedirect(client, uri, 'logout')) return undefined;
  const target = new URL(uri);
  const state = parameters.get('state');
  if (state !== undefined) target.searchParams.append('state', state);
  return target.href;
}

/** The session that an ID token of this client's names, for visitors whose cookie did not come along. */
async function hintedSession(
  deps: CoreDeps,
  client: Client,
  parameters: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const hint = parameters.get('id_token_hint');
  if (hint === undefined || !(await verifies(deps, client, hint))) return undefined;
  const { sid } = decodeJwt(hint);
  return typeof sid === 'string' ? sid : undefined;
}

async function dropTokens({ database }: CoreDeps, client: Client, session: string): Promise<void> {
  await database.kysely
    .deleteFrom('oauth_grants')
    .where('provider', '=', client.pk)
    .where('session_id', '=', session)
    .execute();
}

/** It is told now; what ends the session later does not tell it again. */
async function leaveSession({ database }: CoreDeps, client: Client, session: string): Promise<void> {
  await database.kysely
    .deleteFrom('oauth_participants')
    .where('provider', '=', client.pk)
    .where('session_id', '=', session)
    .execute();
}

async function invalidationFlow(deps: CoreDeps, client: Client, visitor: Parameters<typeof defaultFlow>[1]) {
  if (client.invalidationFlow === null) return defaultFlow(deps, visitor, 'invalidation');
  return flowByKey(deps, client.invalidationFlow);
}
