// `/application/o/<slug>/end-session/` (core.md §17.7): this client's tokens of the session go at once, then the provider's
// invalidation flow runs. Only registered logout URIs are followed.
import { identifyCaller } from '../api/authentication.ts';
import { type ApiReply, type ApiRequest, queryOf } from '../api/request.ts';
import { saveSession } from '../api/session-cookies.ts';
import type { CoreDeps } from '../deps.ts';
import { planKey } from '../flows/plan.ts';
import { planFlow } from '../flows/planner.ts';
import { flowRequestOf } from '../flows/routes.ts';
import { allowsRedirect, type Client, formOf } from './client.ts';

export async function endSession(deps: CoreDeps, request: ApiRequest, reply: ApiReply, client: Client) {
  const target = targetOf(client, parametersOf(request));
  request.caller = await identifyCaller(deps, request, request.id);
  const visitor = flowRequestOf(deps, request);
  if (request.caller.principal?.via !== 'session') return reply.redirect(target, 302);
  const { kysely } = deps.database;
  await kysely
    .deleteFrom('oauth_grants')
    .where('provider', '=', client.pk)
    .where('session_id', '=', visitor.session.id)
    .execute();
  const flow = await kysely
    .selectFrom('flows')
    .selectAll()
    .where('uuid', '=', client.invalidationFlow)
    .executeTakeFirst();
  if (flow === undefined) return reply.redirect(target, 302);
  const planning = await planFlow(deps, flow, visitor, {
    application: { name: client.application.name, slug: client.application.slug },
    redirect: target,
  });
  if (planning.kind === 'not applicable' || planning.plan.stages.length === 0) return reply.redirect(target, 302);
  visitor.session.data[planKey] = planning.plan;
  await saveSession(deps, request, reply, visitor.session);
  return reply.redirect(`/if/flow/${flow.slug}/`, 302);
}

function parametersOf(request: ApiRequest): ReadonlyMap<string, string> {
  return new Map([...queryOf(request), ...formOf(request)]);
}

function targetOf(client: Client, parameters: ReadonlyMap<string, string>): string {
  const uri = parameters.get('post_logout_redirect_uri') ?? '';
  if (!allowsRedirect(client, uri, 'logout')) return '/';
  const target = new URL(uri);
  const state = parameters.get('state');
  if (state !== undefined) target.searchParams.append('state', state);
  return target.href;
}
