// Rotation of refresh tokens (RFC 9700 §4.14.2): each is good once, and one that comes back later was stolen by somebody. Replicas
// of a client that share nothing may spend one in the same moment, and an answer may be lost on its way; so for a moment a
// confidential client gets the same successor again. Nothing forks: there is one successor, with its own end, and once it has been
// used its predecessor is dead.
import { createHmac, randomBytes } from 'node:crypto';
import type { Statement } from '../database/connection.ts';
import type { CoreDeps } from '../deps.ts';
import { durationMs } from '../models/duration.ts';
import { findToken, hashOf, type StoredGrant } from './grants.ts';
import type { TokenRequest } from './token-request.ts';
import type { Issuing } from './tokens.ts';

/**
 * As long as requests that left a browser together may take to arrive, and no longer: a replica that is slower than this has given
 * its call to the token endpoint up as well. Clocks of core processes may differ by a part of it.
 */
export const graceMs = 10_000;

/** A refresh token of this client that has not run out, spent or not. */
export async function findRefresh({ deps, client }: TokenRequest, text: string): Promise<StoredGrant | undefined> {
  const stored = await findToken(deps, text);
  return stored?.kind === 'refresh' && stored.provider === client.pk && !stored.expired ? stored : undefined;
}

/** Spends the token and stores its successor, both or neither. @returns the successor; `undefined` if somebody else was first */
export async function rotateRefresh({ deps, client, user, grant }: Issuing, text: string): Promise<string | undefined> {
  const salt = randomBytes(16).toString('base64url');
  const next = successorText(deps, text, salt);
  const now = deps.clock.now();
  const expires = new Date(now + durationMs(client.refresh_token_validity));
  const row = [hashOf(next), client.pk, user.id, grant.family ?? null, expires, JSON.stringify(grant)];
  const stored = await deps.database.rows(rotate, [hashOf(text), new Date(now), salt, ...row]);
  return stored.length === 0 ? undefined : next;
}

const rotate: Statement<{ hash: string }> = {
  name: 'oauth: rotate',
  text: `with rotated as (update oauth_grants set revoked = true, rotated = $2, successor_salt = $3
      where hash = $1 and not revoked returning 1)
    insert into oauth_grants (hash, kind, provider, user_id, family, expires, data)
      select $4, 'refresh', $5, $6, $7, $8, $9 from rotated returning hash`,
};

export interface Successor {
  readonly text: string;
  readonly stored: StoredGrant;
}

/** What a spent token was rotated to, if it may still be told: just now, to a client with a secret, and not used since. */
export async function successorOf(
  request: TokenRequest,
  text: string,
  { rotation }: StoredGrant,
): Promise<Successor | undefined> {
  const { deps, client } = request;
  if (client.client_type === 'public' || rotation === undefined) return undefined;
  if (Math.abs(deps.clock.now() - rotation.atMs) > graceMs) return undefined;
  const next = successorText(deps, text, rotation.salt);
  const stored = await findRefresh(request, next);
  return stored === undefined || stored.revoked ? undefined : { text: next, stored };
}

/** Made anew from what the client shows: the database alone does not tell it, nor does the secret key. */
function successorText({ secretKey }: CoreDeps, text: string, salt: string): string {
  return createHmac('sha256', secretKey.reveal()).update(`refresh token after|${salt}|${text}`).digest('base64url');
}
