// Pages and their way stations outside the API (core.md §1.5): flow, user and administration, the start, cancelling.
import { identifyCaller } from '../api/authentication.ts';
import { type ApiReply, type ApiRequest, queryOf } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { saveSession } from '../api/session-cookies.ts';
import type { CoreDeps } from '../deps.ts';
import { flowBackground } from '../flows/background.ts';
import { isRelative } from '../flows/next.ts';
import { planKey } from '../flows/plan.ts';
import { createDocuments, type Documents } from './document.ts';
import { lookOf } from './look.ts';

const login = '/flows/-/default/authentication/';

export function registerPageRoutes(server: Api, deps: CoreDeps): void {
  const documents = createDocuments();
  server.get('/if/flow/:slug/', (request, reply) => flowPage(deps, documents, request, reply));
  server.get('/flows/-/cancel/', (request, reply) => cancel(deps, request, reply));
  server.get('/', (request, reply) => start(deps, request, reply));
  for (const name of ['user', 'admin'] as const)
    server.get(`/if/${name}/`, (request, reply) => interfacePage(deps, documents, { name, request, reply }));
}

async function flowPage(deps: CoreDeps, documents: Documents, request: ApiRequest, reply: ApiReply) {
  const { params } = request;
  const slug: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, 'slug') : '';
  const flow = await deps.database.kysely
    .selectFrom('flows')
    .select(['slug', 'title', 'background', 'layout'])
    .where('slug', '=', String(slug))
    .executeTakeFirst();
  const host = request.headers.host ?? '';
  const look = await lookOf(deps, host);
  const { title = look.brand.title, layout = 'stacked' } = flow ?? {};
  return documents(reply.code(flow === undefined ? 404 : 200), look, {
    name: 'flow',
    // The name of the application comes with the first challenge.
    title: title.replaceAll(/%\((?:app|user)\)s/g, '').trim(),
    framed: true,
    settings: { flow: { slug: String(slug), layout, ...(await flowBackground(deps, flow?.background ?? '', host)) } },
  });
}

/** The plan is dropped; on to a page of ours, else out of the session (flow-executor.md §13). */
async function cancel(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  request.caller = await identifyCaller(deps, request, request.id);
  const { session } = request.caller;
  if (session?.data[planKey] !== undefined) {
    delete session.data[planKey];
    await saveSession(deps, request, reply, session);
  }
  const next = queryOf(request).get('next');
  return reply.redirect(next !== null && isRelative(next) ? next : '/flows/-/default/invalidation/', 302);
}

async function start(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  return reply.redirect((await isLoggedIn(deps, request)) ? '/if/user/' : `${login}?next=%2F`, 302);
}

interface InterfaceRequest {
  readonly name: 'user' | 'admin';
  readonly request: ApiRequest;
  readonly reply: ApiReply;
}

/** Nothing to see without a login; what an administrator may see is for the API to say. */
async function interfacePage(deps: CoreDeps, documents: Documents, { name, request, reply }: InterfaceRequest) {
  if (!(await isLoggedIn(deps, request)))
    return reply.redirect(`${login}?${new URLSearchParams({ next: request.url })}`, 302);
  const look = await lookOf(deps, request.headers.host ?? '');
  return documents(reply, look, { name, title: name === 'user' ? 'My applications' : 'Administration', settings: {} });
}

async function isLoggedIn(deps: CoreDeps, request: ApiRequest): Promise<boolean> {
  request.caller = await identifyCaller(deps, request, request.id);
  return request.caller.principal?.via === 'session';
}
