// `/providers/oauth2/<pk>/preview_user/` (core.md §11.3): what an application would be told of somebody.
import { z } from 'zod';
import { anything } from '../api/answers.ts';
import { noPermission } from '../api/failure.ts';
import { type ApiRequest, queryOf, requirePrincipal } from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { rowOf } from '../api/visibility.ts';
import type { CoreDeps } from '../deps.ts';
import { flowRequestOf } from '../flows/routes.ts';
import { may } from '../identity/permissions.ts';
import { findUser, type UserRecord } from '../identity/users.ts';
import { invalidField, message } from '../models/invalid.ts';
import { oauthProviderModel } from '../providers/models.ts';
import { claimsOf, scopesOf } from './claims.ts';
import { clientByKey } from './client.ts';
import { issuerOf } from './discovery.ts';
import { standardClaims } from './tokens.ts';

/** Claims as a client would get them. */
export const claimsShape = z.object({ preview: anything });

export function registerPreviewRoute(api: Api, deps: CoreDeps): void {
  const operation = { summary: 'What an ID token would say of somebody', answer: claimsShape };
  api.get('/api/v3/providers/oauth2/:key/preview_user/', { config: { operation } }, async (request) => {
    const row = await rowOf(deps, oauthProviderModel, request, 'view');
    const user = await whom(deps, request);
    const client = await clientByKey(deps, Number(row['id']));
    if (client === undefined) throw invalidField('non_field_errors', 'The provider has no application.');
    const grant = { scopes: scopesOf(client) };
    const standard = standardClaims({ deps, client, user, grant, issuer: issuerOf(deps, request, client) });
    const visitor = { ...flowRequestOf(deps, request), user };
    return {
      preview: { ...standard, ...(await claimsOf(deps, client, user, { scopes: grant.scopes, request: visitor })) },
    };
  });
}

/** The caller, or whom he names and may look at. */
async function whom(deps: CoreDeps, request: ApiRequest): Promise<UserRecord> {
  const principal = requirePrincipal(request);
  const pk = queryOf(request).get('for_user');
  if (pk === null || pk === '') return principal.user;
  if (!may(principal, 'authentik_core.preview_user', pk)) throw noPermission();
  const user = /^\d{1,9}$/.test(pk) ? await findUser(deps, Number(pk)) : undefined;
  if (user === undefined) throw invalidField('for_user', message.missing(pk));
  return user;
}
