// Addresses that lead a browser into a flow or out of one (core.md §1.5): the default flows, and the set-up flow of a
// stage.
import { identifyCaller } from '../api/authentication.ts';
import { type ApiReply, type ApiRequest, queryOf } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { saveSession } from '../api/session-cookies.ts';
import type { CoreDeps } from '../deps.ts';
import { messagePage } from '../pages/message.ts';
import { defaultFlow } from './default-flow.ts';
import { planKey } from './plan.ts';
import { planFlow } from './planner.ts';
import { flowRequestOf } from './routes.ts';

export function registerFlowPages(server: Api, deps: CoreDeps): void {
  for (const designation of ['authentication', 'invalidation'] as const)
    server.get(`/flows/-/default/${designation}/`, async (request, reply) => {
      const visitor = await visitorOf(deps, request);
      const flow = await defaultFlow(deps, visitor, designation);
      if (flow === undefined) return nothing(deps, reply, 'There is no flow for this.');
      return reply.redirect(pageOf(deps, flow.slug, queryOf(request)), 302);
    });
  server.get('/flows/-/configure/:stage/', (request, reply) => configure(deps, request, reply));
}

async function visitorOf(deps: CoreDeps, request: ApiRequest) {
  request.caller = await identifyCaller(deps, request, request.id);
  return flowRequestOf(deps, request);
}

async function configure(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  const visitor = await visitorOf(deps, request);
  if (visitor.user === undefined)
    return reply.redirect(
      `${deps.webPath}flows/-/default/authentication/?${new URLSearchParams({ next: request.originalUrl })}`,
      302,
    );
  const flow = await configureFlowOf(deps, parameter(request, 'stage'));
  if (flow === undefined) return nothing(deps, reply, 'There is nothing to set up here.');
  const planning = await planFlow(deps, flow, visitor, { pending_user: { pk: visitor.user.id } });
  if (planning.kind === 'not applicable') return nothing(deps, reply, planning.message);
  visitor.session.data[planKey] = planning.plan;
  await saveSession(deps, request, reply, visitor.session);
  return reply.redirect(pageOf(deps, flow.slug, queryOf(request)), 302);
}

async function configureFlowOf({ database: { kysely } }: CoreDeps, stage: string) {
  if (!/^[0-9a-f-]{32,36}$/i.test(stage)) return undefined;
  const row = await kysely.selectFrom('stages').select('settings').where('uuid', '=', stage).executeTakeFirst();
  const flow = row?.settings['configure_flow'];
  if (typeof flow !== 'string') return undefined;
  return kysely.selectFrom('flows').selectAll().where('uuid', '=', flow).executeTakeFirst();
}

function pageOf({ webPath }: CoreDeps, slug: string, query: URLSearchParams): string {
  const text = query.toString();
  return `${webPath}if/flow/${slug}/${text === '' ? '' : `?${text}`}`;
}

function parameter({ params }: ApiRequest, name: string): string {
  const value: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined;
  return typeof value === 'string' ? value : '';
}

function nothing(deps: CoreDeps, reply: ApiReply, text: string) {
  return messagePage(deps, reply, { status: 404, title: 'Nothing here', text });
}
