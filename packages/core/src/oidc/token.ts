// `/application/o/token/` (core.md §17.5): code, refresh token, client credentials.
import { createHash, timingSafeEqual } from 'node:crypto';
import { userOfToken } from '../api/authentication.ts';
import type { ApiRequest } from '../api/request.ts';
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import type { UserRecord } from '../identity/users.ts';
import { mayUse } from './authorize.ts';
import { grantedScopes } from './claims.ts';
import { allowsRedirect, type Client, credentialsOf, findClient, formOf, secretHolds } from './client.ts';
import { issuerOf } from './discovery.ts';
import { invalidClient, invalidGrant, OauthFailure } from './failure.ts';
import { dropFamily, findToken, type Grant, issueRefresh, issueTokens, redeemCode, revokeRefresh } from './grants.ts';

interface Asking {
  readonly deps: CoreDeps;
  readonly client: Client;
  readonly form: ReadonlyMap<string, string>;
  readonly secret: string;
  readonly issuer: string;
}

/** @throws OauthFailure with what clients are told */
export async function token(deps: CoreDeps, request: ApiRequest) {
  const form = formOf(request);
  const { id, secret } = credentialsOf(request, form);
  const client = await findClient(deps, { clientId: id });
  if (client === undefined) throw invalidClient();
  const asking: Asking = { deps, client, form, secret, issuer: issuerOf(request, client) };
  switch (form.get('grant_type')) {
    case 'authorization_code':
      return byCode(asking);
    case 'refresh_token':
      return byRefreshToken(asking);
    case 'client_credentials':
    case 'password':
      return byCredentials(asking);
    default:
      throw new OauthFailure(400, 'unsupported_grant_type', 'The grant type is not supported.');
  }
}

function authenticate({ client, secret }: Asking): void {
  if (client.client_type !== 'public' && !secretHolds(client, secret)) throw invalidClient();
}

async function byCode(asking: Asking) {
  const { deps, client, form, issuer } = asking;
  authenticate(asking);
  const redirectUri = form.get('redirect_uri') ?? '';
  if (!allowsRedirect(client, redirectUri, 'authorization')) throw invalidClient();
  const stored = await redeemCode(deps, client, form.get('code') ?? '');
  if (stored === undefined || stored.expired) throw invalidGrant('The code is unknown, used or expired.');
  const { grant, user } = stored;
  if (grant.redirectUri !== redirectUri) throw invalidGrant('The redirect URI is not that of the code.');
  if (!verifierHolds(grant, form.get('code_verifier'))) throw invalidGrant('The code verifier does not hold.');
  const tokens = await issueTokens(deps, client, user, grant, issuer);
  if (!grant.scopes.includes('offline_access')) return tokens;
  return { ...tokens, refresh_token: await issueRefresh(deps, client, user, grant) };
}

/** RFC 7636 §4.6; a verifier nobody announced is refused as well. */
function verifierHolds({ challenge, challengeMethod }: Grant, verifier: string | undefined): boolean {
  if (challenge === undefined || verifier === undefined) return challenge === verifier;
  const shown = challengeMethod === 'S256' ? createHash('sha256').update(verifier).digest('base64url') : verifier;
  const [one, other] = [Buffer.from(shown), Buffer.from(challenge)];
  return one.length === other.length && timingSafeEqual(one, other);
}

async function byRefreshToken(asking: Asking) {
  const { deps, client, form, issuer } = asking;
  authenticate(asking);
  const text = form.get('refresh_token') ?? '';
  const stored = await findToken(deps, text);
  if (stored?.kind !== 'refresh' || stored.provider !== client.pk || stored.expired)
    throw invalidGrant('The refresh token is unknown or expired.');
  const asked = form.get('scope');
  const scopes = asked === undefined ? stored.grant.scopes : asked.split(' ').filter((scope) => scope !== '');
  if (!scopes.every((scope) => stored.grant.scopes.includes(scope)) || !scopes.includes('offline_access'))
    throw new OauthFailure(400, 'invalid_scope', 'The scopes exceed those of the refresh token.');
  if (stored.revoked || !(await revokeRefresh(deps, text))) {
    // Two hold it: nobody can tell who is the thief, so all of its tokens go (RFC 9700 §4.14.2).
    if (stored.grant.family !== undefined) await dropFamily(deps, client, stored.grant.family);
    await recordEvent(deps, {
      action: 'suspicious_request',
      app: 'authentik.providers.oauth2',
      user: stored.user,
      context: { message: 'Revoked refresh token was used', provider: client.name },
    });
    throw invalidGrant('The refresh token is revoked.');
  }
  const { session, ...rest } = { ...stored.grant, scopes };
  const alive = session !== undefined && (await sessionLives(deps, session));
  const grant: Grant = alive ? { ...rest, session } : rest;
  const tokens = await issueTokens(deps, client, stored.user, grant, issuer);
  return { ...tokens, refresh_token: await issueRefresh(deps, client, stored.user, grant) };
}

async function sessionLives({ database, clock }: CoreDeps, id: string): Promise<boolean> {
  const row = await database.kysely
    .selectFrom('sessions')
    .select('id')
    .where('id', '=', id)
    .where('expires', '>', new Date(clock.now()))
    .executeTakeFirst();
  return row !== undefined;
}

async function byCredentials(asking: Asking) {
  const { deps, client, form, issuer } = asking;
  const user = form.has('username') ? await userByAppPassword(asking) : await ownAccount(asking);
  if (!user.is_active || !(await mayUse(deps, client, user)).passing)
    throw invalidGrant('The account may not use this application.');
  await recordEvent(deps, {
    action: 'login',
    app: 'authentik.providers.oauth2',
    user,
    context: { provider: client.name },
  });
  const scopes = grantedScopes(client, form.get('scope') ?? '').filter((scope) => scope !== 'offline_access');
  return issueTokens(deps, client, user, { scopes }, issuer);
}

/** An app password, never the account's own one. */
async function userByAppPassword({ deps, form }: Asking): Promise<UserRecord> {
  const user = await userOfToken(deps, form.get('password') ?? '', 'app_password');
  if (user === undefined || user.username !== form.get('username'))
    throw invalidGrant('The user name or app password is wrong.');
  return user;
}

/** The client's own service account, made when it first asks. */
async function ownAccount({ deps, client, secret }: Asking): Promise<UserRecord> {
  if (!secretHolds(client, secret)) throw invalidGrant('Client authentication failed.');
  const { kysely } = deps.database;
  const username = `ak-${client.name}-client_credentials`;
  await kysely
    .insertInto('users')
    .values({
      username,
      name: username,
      type: 'service_account',
      path: `goauthentik.io/apps/${client.application.slug}`,
      attributes: JSON.stringify({ 'goauthentik.io/user/generated': true }),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return kysely.selectFrom('users').selectAll().where('username', '=', username).executeTakeFirstOrThrow();
}
