// `/application/o/authorize/` (core.md §17.4): code with PKCE. Until the redirect URI is trusted errors are a page of ours,
// afterwards they go to the client.
import { randomBytes } from 'node:crypto';
import { identifyCaller } from '../api/authentication.ts';
import { type ApiReply, type ApiRequest, queryOf } from '../api/request.ts';
import { saveSession } from '../api/session-cookies.ts';
import { mayUseApplication } from '../applications/access.ts';
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import { planKey } from '../flows/plan.ts';
import { planFlow } from '../flows/planner.ts';
import type { FlowRequest } from '../flows/request.ts';
import { flowRequestOf } from '../flows/routes.ts';
import type { UserRecord } from '../identity/users.ts';
import { grantedScopes } from './claims.ts';
import { allowsRedirect, type Client, findClient } from './client.ts';
import { type Grant, hashOf, issueCode } from './grants.ts';
import { refusalPage } from './page.ts';

const ticketKey = 'gatehouse/oauth/ticket';
const ticketParameter = 'gatehouse_ticket';

interface Asking {
  readonly deps: CoreDeps;
  readonly client: Client;
  readonly query: URLSearchParams;
  readonly redirectUri: string;
  readonly request: ApiRequest;
  readonly reply: ApiReply;
}

export async function authorize(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  const query = queryOf(request);
  reply.header('Cache-Control', 'no-store');
  const client = await findClient(deps, { clientId: query.get('client_id') ?? '' });
  if (client === undefined)
    return refusalPage(deps, reply, { status: 400, text: 'The client identifier (client_id) is missing or invalid.' });
  const redirectUri = query.get('redirect_uri') ?? '';
  if (!allowsRedirect(client, redirectUri, 'authorization'))
    return refusalPage(deps, reply, {
      status: 400,
      text: 'The redirect URI is missing, or not one of those registered for this client.',
    });
  const asking: Asking = { deps, client, query, redirectUri, request, reply };
  const [error, description] = problemOf(query) ?? [];
  if (error !== undefined) return sendBack(asking, { error, error_description: description ?? '' });
  return withVisitor(asking);
}

function problemOf(query: URLSearchParams): readonly [string, string] | undefined {
  if (query.get('response_type') !== 'code')
    return ['unsupported_response_type', 'Only the response type code is supported.'];
  if (query.has('request')) return ['request_not_supported', 'Request objects are not supported.'];
  if (!['query', null].includes(query.get('response_mode')))
    return ['invalid_request', 'Only the response mode query is supported.'];
  const method = query.get('code_challenge_method') ?? 'plain';
  if (!['plain', 'S256'].includes(method)) return ['invalid_request', 'The code challenge method is not supported.'];
  return undefined;
}

async function withVisitor(asking: Asking) {
  const { deps, client, query, request, reply } = asking;
  request.caller = await identifyCaller(deps, request, request.id);
  const { principal, session } = request.caller;
  const silent = (query.get('prompt') ?? '').split(' ').includes('none');
  const stale = principal !== undefined && wantsNewLogin(deps, query, session?.data['started_ms']);
  if (principal?.via !== 'session' || stale) {
    if (silent) return sendBack(asking, { error: 'login_required', error_description: 'Nobody is logged in.' });
    if (stale && session !== undefined) await deps.sessions.end([session.id]);
    return reply.redirect(loginUrl(query), 302);
  }
  const visitor: FlowRequest = { ...flowRequestOf(deps, request), query };
  const allowed = await mayUse(deps, client, principal.user, visitor);
  if (!allowed.passing)
    return refusalPage(deps, reply, {
      status: 403,
      text: ['You do not have permission to access this application.', ...allowed.messages].join(' '),
    });
  return runFlow(asking, visitor, principal.user, silent);
}

/** Policies of the application, asked each time. */
export function mayUse(deps: CoreDeps, { application }: Client, user: UserRecord, request?: FlowRequest) {
  const context = { application: { name: application.name, slug: application.slug } };
  const target = { pbm_uuid: application.pbm, policy_engine_mode: application.mode };
  return mayUseApplication(deps, target, { user, request, context });
}

function wantsNewLogin({ clock }: CoreDeps, query: URLSearchParams, startedMs: unknown): boolean {
  if ((query.get('prompt') ?? '').split(' ').includes('login')) return true;
  const maxAge = query.get('max_age');
  if (maxAge === null || !/^\d+$/.test(maxAge)) return false;
  return typeof startedMs !== 'number' || clock.now() - startedMs > Number(maxAge) * 1000;
}

/** Back here after the login, which then satisfies `prompt=login`. */
function loginUrl(query: URLSearchParams): string {
  const again = new URLSearchParams(query);
  if (again.get('prompt') === 'login') again.delete('prompt');
  const next = `/application/o/authorize/?${again}`;
  return `/if/flow/default-authentication-flow/?${new URLSearchParams({ next })}`;
}

/** An empty authorization flow is passed at once; another one leads back here with a ticket only its end reveals. */
async function runFlow(asking: Asking, visitor: FlowRequest, user: UserRecord, silent: boolean) {
  const { deps, client, query, request, reply } = asking;
  const { data } = visitor.session;
  const ticket = query.get(ticketParameter);
  query.delete(ticketParameter);
  const question = hashOf(`${ticket}\n${query}`);
  if (ticket !== null && data[ticketKey] === question) {
    delete data[ticketKey];
    await saveSession(deps, request, reply, visitor.session);
    return grantCode(asking, visitor, user);
  }
  const flow = await deps.database.kysely
    .selectFrom('flows')
    .selectAll()
    .where('uuid', '=', client.authorizationFlow)
    .executeTakeFirst();
  if (flow === undefined)
    return refusalPage(deps, reply, { status: 400, text: 'The provider has no authorization flow.' });
  const fresh = randomBytes(16).toString('hex');
  const back = new URLSearchParams(query);
  back.set(ticketParameter, fresh);
  const scopes = grantedScopes(client, query.get('scope') ?? '');
  const planning = await planFlow(deps, flow, visitor, {
    application: { name: client.application.name, slug: client.application.slug },
    is_redirected: true,
    redirect: `/application/o/authorize/?${back}`,
    consent_header: `You're about to sign into ${client.application.name}.`,
    consent_permissions: scopes.map((id) => ({ id, name: '' })),
  });
  if (planning.kind === 'not applicable') return refusalPage(deps, reply, { status: 403, text: planning.message });
  if (planning.plan.stages.length === 0) return grantCode(asking, visitor, user);
  if (silent) return sendBack(asking, { error: 'consent_required', error_description: 'The user has to consent.' });
  data[planKey] = planning.plan;
  data[ticketKey] = hashOf(`${fresh}\n${query}`);
  await saveSession(deps, request, reply, visitor.session);
  return reply.redirect(`/if/flow/${flow.slug}/`, 302);
}

async function grantCode(asking: Asking, visitor: FlowRequest, user: UserRecord) {
  const { deps, client, query, redirectUri } = asking;
  const startedMs = visitor.session.data['started_ms'];
  const [challenge, nonce] = [query.get('code_challenge'), query.get('nonce')];
  const scopes = grantedScopes(client, query.get('scope') ?? '');
  const grant: Grant = {
    scopes,
    redirectUri,
    session: visitor.session.id,
    ...(typeof startedMs === 'number' ? { authTime: Math.floor(startedMs / 1000) } : {}),
    ...(challenge === null ? {} : { challenge, challengeMethod: query.get('code_challenge_method') ?? 'plain' }),
    ...(nonce === null ? {} : { nonce }),
  };
  const code = await issueCode(deps, client, user, grant);
  await recordEvent(deps, {
    action: 'authorize_application',
    app: 'authentik.providers.oauth2',
    user,
    request: visitor,
    context: { authorized_application: client.application.slug, scopes: scopes.join(' ') },
  });
  return sendBack(asking, { code });
}

/** Parameters the URI already has stay in front (proxy.md §7.6). */
function sendBack({ redirectUri, query, reply }: Asking, parameters: Readonly<Record<string, string>>) {
  const target = new URL(redirectUri);
  for (const [name, value] of Object.entries(parameters)) target.searchParams.append(name, value);
  const state = query.get('state');
  if (state !== null) target.searchParams.append('state', state);
  return reply.redirect(target.href, 302);
}
