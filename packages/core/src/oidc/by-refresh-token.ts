// Grant `refresh_token` (RFC 6749 §6): rotated, and asked anew whether the user may still use the
// application.
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import { durationMs } from '../models/duration.ts';
import { mayUse } from './access.ts';
import { invalidGrant, OauthFailure } from './failure.ts';
import { dropFamily, type Grant, type StoredGrant } from './grants.ts';
import { findRefresh, rotateRefresh, successorOf } from './rotation.ts';
import { authenticateClient, type TokenRequest } from './token-request.ts';
import { issueTokens } from './tokens.ts';

export async function byRefreshToken(request: TokenRequest): Promise<object> {
  const { deps, client, form, issuer } = request;
  authenticateClient(request);
  const text = form.get('refresh_token') ?? '';
  const stored = await known(request, text);
  if (stored.revoked) return answerAgain(request, text, stored);
  const issuing = { deps, client, user: stored.user, grant: await renewed(request, stored), issuer };
  if (!isDue(request, stored)) return issueTokens(issuing);
  const refresh_token = await rotateRefresh(issuing, text);
  // Another request has spent it since it was read.
  if (refresh_token === undefined) return answerAgain(request, text, await known(request, text));
  return { ...(await issueTokens(issuing)), refresh_token };
}

/** With the successor that the token was rotated to just now; for any other that is spent, nothing, and all is taken back. */
async function answerAgain(request: TokenRequest, text: string, stored: StoredGrant): Promise<object> {
  const { deps, client, issuer } = request;
  const next = await successorOf(request, text, stored);
  if (next === undefined) throw await reused(request, stored);
  const grant = await renewed(request, next.stored);
  const tokens = await issueTokens({ deps, client, user: next.stored.user, grant, issuer });
  return { ...tokens, refresh_token: next.text };
}

async function known(request: TokenRequest, text: string): Promise<StoredGrant> {
  const stored = await findRefresh(request, text);
  if (stored === undefined) throw invalidGrant('The refresh token is unknown or expired.');
  return stored;
}

/** What it gives now: no more than asked for, and only if the policies of this moment pass. */
async function renewed({ deps, client, form }: TokenRequest, stored: StoredGrant): Promise<Grant> {
  const scopes = scopesFor(stored, form.get('scope'));
  const oauth = { oauth_scopes: scopes, oauth_grant_type: 'refresh_token' };
  const { passing } = await mayUse(deps, { client, user: stored.user, oauth });
  if (!passing) throw invalidGrant('The user may no longer use this application.');
  return grantOf(deps, stored, scopes);
}

/** Never more than the refresh token has; the right to refresh must be among them. */
function scopesFor({ grant }: StoredGrant, asked: string | undefined): string[] {
  const scopes = asked === undefined ? grant.scopes : asked.split(' ').filter((scope) => scope !== '');
  if (scopes.every((scope) => grant.scopes.includes(scope)) && scopes.includes('offline_access')) return scopes;
  throw new OauthFailure(400, 'invalid_scope', 'The scopes exceed those of the refresh token.');
}

/** A new one each time, or, with a threshold, once the old one is nearly spent. */
function isDue({ deps, client }: TokenRequest, { expiresMs }: StoredGrant): boolean {
  const threshold = durationMs(client.refresh_token_threshold);
  return threshold <= 0 || expiresMs - deps.clock.now() < threshold;
}

/** Two hold it: nobody can tell who is the thief, so all of its tokens go (RFC 9700 §4.14.2). */
async function reused({ deps, client }: TokenRequest, { grant, user }: StoredGrant): Promise<OauthFailure> {
  if (grant.family !== undefined) await dropFamily(deps, client, grant.family);
  await recordEvent(deps, {
    action: 'suspicious_request',
    app: 'authentik.providers.oauth2',
    user,
    context: { message: 'Revoked refresh token was used', provider: client.name },
  });
  return invalidGrant('The refresh token is revoked.');
}

/** A session that is over is not named any more (proxy.md §7.6). */
async function grantOf(deps: CoreDeps, { grant }: StoredGrant, scopes: readonly string[]): Promise<Grant> {
  const { session, ...rest } = { ...grant, scopes: [...scopes] };
  return session !== undefined && (await sessionLives(deps, session)) ? { ...rest, session } : rest;
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
