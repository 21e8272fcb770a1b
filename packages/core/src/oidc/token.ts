// `/application/o/token/` (core.md §17.5): who asks, and which grant answers.
import type { ApiRequest } from '../api/request.ts';
import type { CoreDeps } from '../deps.ts';
import { clientById, credentialsOf, formOf, mayUseGrant } from './client.ts';
import { issuerOf } from './discovery.ts';
import { invalidClient, OauthFailure } from './failure.ts';
import { grantTypes } from './grant-types.ts';

/** @throws OauthFailure with what clients are told */
export async function token(deps: CoreDeps, request: ApiRequest, clientIp: string): Promise<object> {
  const form = formOf(request);
  const type = form.get('grant_type') ?? '';
  const { id, secret } = credentialsOf(request, form);
  const client = await clientById(deps, id);
  if (client === undefined) throw invalidClient();
  const answer = grantTypes.get(type);
  if (answer === undefined) throw new OauthFailure(400, 'unsupported_grant_type', 'The grant type is not supported.');
  if (!mayUseGrant(client, type))
    throw new OauthFailure(400, 'unauthorized_client', 'This client may not use the grant type.');
  return answer({ deps, client, form, secret, issuer: issuerOf(deps, request, client), clientIp });
}
