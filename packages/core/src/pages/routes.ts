// Pages and their way stations outside the API (core.md §1.5): flow, user and administration, the start, cancelling.
import { identifyCaller } from '../api/authentication.ts';
import { type ApiReply, type ApiRequest, queryOf } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { saveSession } from '../api/session-cookies.ts';
import { brandOfHost, brandValue } from '../brands/current.ts';
import type { CoreDeps } from '../deps.ts';
import { flowBackground } from '../flows/background.ts';
import { isRelative } from '../flows/next.ts';
import { cancelledKey, planNameFor, plansOf, readPlan } from '../flows/plan.ts';
import { flowBySlug } from '../flows/stored.ts';
import type { UserRecord } from '../identity/users.ts';
import { cancelDevice } from '../stages/device-code.ts';
import { createDocuments, type Documents } from './document.ts';
import { launch } from './launch.ts';
import { lookOf } from './look.ts';
import { messagePage } from './message.ts';

/** Way to the login, and back to this address. */
const loginPath = ({ webPath }: CoreDeps, next: string) =>
  `${webPath}flows/-/default/authentication/?${new URLSearchParams({ next })}`;

export function registerPageRoutes(server: Api, deps: CoreDeps): void {
  const documents = createDocuments();
  server.get('/if/flow/:slug/', (request, reply) => flowPage(deps, documents, request, reply));
  server.get('/flows/-/cancel/', (request, reply) => cancel(deps, request, reply));
  server.get('/', (request, reply) => start(deps, request, reply));
  server.get('/application/launch/:key/', (request, reply) => launch(deps, request, reply));
  for (const name of ['user', 'admin'] as const)
    server.get(`/if/${name}/`, (request, reply) => interfacePage(deps, documents, { name, request, reply }));
}

async function flowPage(deps: CoreDeps, documents: Documents, request: ApiRequest, reply: ApiReply) {
  const { params } = request;
  const slug: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, 'slug') : '';
  const flow = await flowBySlug(deps, String(slug));
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

/** The plan is dropped; on to a page of ours, else back to the application that it was for with its refusal (RFC 6749
 * §4.1.2.1), else out of the session (flow-executor.md §13). */
async function cancel(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  request.caller = await identifyCaller(deps, request, request.id);
  const { session } = request.caller;
  const next = queryOf(request).get('next');
  const data = session?.data ?? {};
  const own = planNameFor(next);
  const name = next === null && data[own] === undefined ? (plansOf(data)[0]?.name ?? own) : own;
  const context = readPlan(data, name)?.context ?? {};
  const away = context[cancelledKey];
  await cancelDevice(deps, context);
  if (session !== undefined && data[name] !== undefined) {
    delete session.data[name];
    await saveSession(deps, request, reply, session);
  }
  if (typeof away === 'string') return reply.redirect(away, 302);
  const isOn = next !== null && isRelative(next);
  return reply.redirect(isOn ? next : `${deps.webPath}flows/-/default/invalidation/`, 302);
}

/** The user's page; for accounts that have none, the application that the brand names (core.md §1.5). */
async function start(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  const user = await signedIn(deps, request);
  if (user === undefined) return reply.redirect(loginPath(deps, deps.webPath), 302);
  const slug = user.type === 'internal' ? undefined : await defaultApplication(deps, request);
  return reply.redirect(deps.webPath + (slug === undefined ? 'if/user/' : `application/launch/${slug}/`), 302);
}

interface InterfaceRequest {
  readonly name: 'user' | 'admin';
  readonly request: ApiRequest;
  readonly reply: ApiReply;
}

/** Nothing to see without a login; what an administrator may see is for the API to say. */
async function interfacePage(deps: CoreDeps, documents: Documents, { name, request, reply }: InterfaceRequest) {
  const user = await signedIn(deps, request);
  if (user === undefined) return reply.redirect(loginPath(deps, request.originalUrl), 302);
  if (user.type !== 'internal') return turnAway(deps, request, reply);
  const look = await lookOf(deps, request.headers.host ?? '');
  return documents(reply, look, { name, title: name === 'user' ? 'My applications' : 'Administration', settings: {} });
}

/** External users and service accounts have no page here. */
async function turnAway(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  const slug = await defaultApplication(deps, request);
  if (slug !== undefined) return reply.redirect(`${deps.webPath}application/launch/${slug}/`, 302);
  const text = 'This account is for applications; there is no page for it here.';
  return messagePage(deps, reply, { status: 403, title: 'Request denied', text });
}

async function defaultApplication(deps: CoreDeps, request: ApiRequest): Promise<string | undefined> {
  const key = brandValue(await brandOfHost(deps, request.headers.host ?? ''), 'default_application');
  if (typeof key !== 'string') return undefined;
  const { kysely } = deps.database;
  const row = await kysely.selectFrom('applications').select('slug').where('pbm_uuid', '=', key).executeTakeFirst();
  return row?.slug;
}

async function signedIn(deps: CoreDeps, request: ApiRequest): Promise<UserRecord | undefined> {
  request.caller = await identifyCaller(deps, request, request.id);
  const { principal } = request.caller;
  return principal?.via === 'session' ? principal.user : undefined;
}
