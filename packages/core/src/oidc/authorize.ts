// `/application/o/authorize/` (core.md §17.4): code with PKCE. Until the redirect URI is trusted errors are a page of ours,
// afterwards they go to the client.
import { identifyCaller } from '../api/authentication.ts';
import { type ApiReply, type ApiRequest, queryOf } from '../api/request.ts';
import type { CoreDeps } from '../deps.ts';
import type { FlowRequest } from '../flows/request.ts';
import { flowRequestOf } from '../flows/routes.ts';
import { mayUse } from './access.ts';
import { type Asking, promptsOf, sendBack } from './asking.ts';
import { authorizationFlow } from './authorization-flow.ts';
import { grantedScopes } from './claims.ts';
import { allowsRedirect, clientById, formOf, mayUseGrant } from './client.ts';
import { leadToLogin, needsNewLogin } from './login.ts';
import { refusalPage } from './page.ts';

export async function authorize(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  const query = new URLSearchParams([...queryOf(request), ...formOf(request)]);
  reply.header('Cache-Control', 'no-store');
  if (query.size === 0) return refusalPage(deps, reply, { status: 404, text: 'There is nothing to authorize.' });
  const client = await clientById(deps, query.get('client_id') ?? '');
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
  if (!mayUseGrant(client, 'authorization_code'))
    return sendBack(asking, { error: 'unauthorized_client', error_description: 'This client may not use codes.' });
  return withVisitor(asking);
}

const repeated = (query: URLSearchParams) => [...new Set(query.keys())].find((name) => query.getAll(name).length > 1);

function problemOf(query: URLSearchParams): readonly [string, string] | undefined {
  const twice = repeated(query);
  if (twice !== undefined) return ['invalid_request', `The parameter ${twice} is given twice.`];
  if (query.get('response_type') !== 'code')
    return ['unsupported_response_type', 'Only the response type code is supported.'];
  if (query.has('request') || query.has('request_uri'))
    return ['request_not_supported', 'Request objects are not supported.'];
  if (!['query', null].includes(query.get('response_mode')))
    return ['invalid_request', 'Only the response mode query is supported.'];
  if (!['plain', 'S256', null].includes(query.get('code_challenge_method')))
    return ['invalid_request', 'The code challenge method is not supported.'];
  const prompts = promptsOf(query);
  if (prompts.includes('none') && prompts.length > 1)
    return prompts.includes('consent')
      ? ['consent_required', 'The user has to consent.']
      : ['invalid_request', 'The prompt none stands alone.'];
  return undefined;
}

async function withVisitor(asking: Asking) {
  const { deps, client, query, request, reply } = asking;
  request.caller = await identifyCaller(deps, request, request.id);
  const { principal } = request.caller;
  const visitor: FlowRequest = { ...flowRequestOf(deps, request), query };
  if (principal?.via !== 'session' || needsNewLogin(asking, visitor)) {
    if (!promptsOf(query).includes('none')) return leadToLogin(asking, visitor);
    return sendBack(asking, {
      error: 'login_required',
      error_description: 'Nobody is logged in, or not lately enough.',
    });
  }
  const { passing, messages } = await mayUse(deps, {
    client,
    user: principal.user,
    request: visitor,
    oauth: policyContext(asking),
  });
  if (!passing)
    return refusalPage(deps, reply, {
      status: 403,
      text: ['You do not have permission to access this application.', ...messages].join(' '),
    });
  return authorizationFlow(asking, visitor, principal.user);
}

/** What policies may know of the request (core.md §14.3). */
function policyContext({ client, query, redirectUri }: Asking) {
  return {
    oauth_scopes: grantedScopes(client, query.get('scope') ?? ''),
    oauth_grant_type: 'authorization_code',
    oauth_code_challenge: query.get('code_challenge'),
    oauth_code_challenge_method: query.get('code_challenge_method'),
    oauth_max_age: query.get('max_age'),
    oauth_redirect_uri: redirectUri,
    oauth_response_type: query.get('response_type'),
  };
}
