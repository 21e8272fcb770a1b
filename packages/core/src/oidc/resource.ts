// Userinfo, introspection and revocation (core.md §17.6): all look a token up by its value, so a deleted one is dead at once.
import type { ApiReply, ApiRequest } from '../api/request.ts';
import type { CoreDeps } from '../deps.ts';
import { claimsOf, subjectOf } from './claims.ts';
import { type Client, clientById, clientByKey, credentialsOf, formOf, secretHolds } from './client.ts';
import { OauthFailure } from './failure.ts';
import { findToken, hashOf } from './grants.ts';

export async function userinfo(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const found = await findToken(deps, bearer ?? formOf(request).get('access_token') ?? '');
  const unknown = () => refuse(reply, 401, 'invalid_token', 'The access token is expired, revoked or unknown.');
  if (found?.kind !== 'access' || found.expired || found.revoked) return unknown();
  const { scopes, nonce } = found.grant;
  if (!scopes.includes('openid')) return refuse(reply, 403, 'insufficient_scope', 'The scope openid is missing.');
  const client = await clientByKey(deps, found.provider);
  if (client === undefined) return unknown();
  const sub = subjectOf(deps, client, found.user);
  return {
    sub,
    ...(await claimsOf(deps, client, found.user, { scopes, session: found.grant.session })),
    ...(nonce === undefined ? {} : { nonce }),
  };
}

function refuse(reply: ApiReply, status: number, error: string, description: string) {
  const challenge = `Bearer error="${error}", error_description="${description}"`;
  return reply.code(status).header('WWW-Authenticate', challenge).send({ error, error_description: description });
}

/** Whatever is wrong, the answer is that the token is not active (RFC 7662 §2.2). */
export async function introspect(deps: CoreDeps, request: ApiRequest): Promise<object> {
  const form = formOf(request);
  const { id, secret } = credentialsOf(request, form);
  const client = await clientById(deps, id);
  if (client === undefined || client.client_type === 'public' || !secretHolds(client, secret)) return { active: false };
  const found = await findToken(deps, form.get('token') ?? '');
  if (found === undefined || found.expired || found.revoked) return { active: false };
  const owner = await ownerOf(deps, client, found.provider);
  if (owner === undefined) return { active: false };
  const { claims = {}, scopes } = found.grant;
  return { ...claims, active: true, scope: scopes.join(' '), client_id: owner.client_id };
}

/** The provider of a token that this client may look at: its own, or one that names it in its federation. */
async function ownerOf(deps: CoreDeps, client: Client, provider: number): Promise<Client | undefined> {
  if (client.pk === provider) return client;
  const owner = await clientByKey(deps, provider);
  return owner?.jwt_federation_providers.includes(client.pk) === true ? owner : undefined;
}

/** Unknown tokens count as revoked (RFC 7009 §2.2). */
export async function revoke(deps: CoreDeps, request: ApiRequest): Promise<object> {
  const form = formOf(request);
  const { id, secret } = credentialsOf(request, form);
  const client = await clientById(deps, id);
  if (client === undefined || (client.client_type !== 'public' && !secretHolds(client, secret)))
    throw new OauthFailure(401, 'invalid_client', 'Client authentication failed.');
  const found = await findToken(deps, form.get('token') ?? '');
  const owner = found === undefined ? undefined : await ownerOf(deps, client, found.provider);
  if (owner === undefined) return {};
  if (owner !== client && client.client_type === 'public') return {};
  await deps.database.kysely
    .deleteFrom('oauth_grants')
    .where('hash', '=', hashOf(form.get('token') ?? ''))
    .where('kind', '!=', 'code')
    .execute();
  return {};
}
