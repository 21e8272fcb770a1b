// Grant `authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.6).
import { createHash, timingSafeEqual } from 'node:crypto';
import { recordEvent } from '../events/record.ts';
import { allowsRedirect } from './client.ts';
import { invalidClient, invalidGrant } from './failure.ts';
import { type Grant, redeemCode } from './grants.ts';
import { authenticateClient, type TokenRequest } from './token-request.ts';
import { issueRefresh, issueTokens } from './tokens.ts';

export async function byCode(request: TokenRequest): Promise<object> {
  const { deps, client, form, issuer } = request;
  authenticateClient(request);
  const redirectUri = form.get('redirect_uri') ?? '';
  if (!allowsRedirect(client, redirectUri, 'authorization')) {
    await recordEvent(deps, {
      action: 'configuration_error',
      app: 'authentik.providers.oauth2',
      context: { message: 'Invalid redirect URI used by provider', provider: client.name, redirect_uri: redirectUri },
    });
    throw invalidClient();
  }
  const stored = await redeemCode(deps, client, form.get('code') ?? '');
  if (stored === undefined || stored.expired) throw invalidGrant('The code is unknown, used or expired.');
  const { grant, user } = stored;
  if (grant.redirectUri !== redirectUri) throw invalidGrant('The redirect URI is not that of the code.');
  if (!verifierHolds(grant, form.get('code_verifier'))) throw invalidGrant('The code verifier does not hold.');
  const issuing = { deps, client, user, grant, issuer };
  const tokens = await issueTokens(issuing);
  if (!grant.scopes.includes('offline_access')) return tokens;
  return { ...tokens, refresh_token: await issueRefresh(issuing) };
}

/** A verifier that nobody announced is refused as well. */
function verifierHolds({ challenge, challengeMethod }: Grant, verifier: string | undefined): boolean {
  if (challenge === undefined || verifier === undefined) return challenge === verifier;
  const shown = challengeMethod === 'S256' ? createHash('sha256').update(verifier).digest('base64url') : verifier;
  const [one, other] = [Buffer.from(shown), Buffer.from(challenge)];
  return one.length === other.length && timingSafeEqual(one, other);
}
