// Makes tokens of a grant, as the token endpoint answers them (core.md §17.5, §17.6).
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { CoreDeps } from '../deps.ts';
import type { UserRecord } from '../identity/users.ts';
import { durationMs } from '../models/duration.ts';
import { claimsOf, subjectOf } from './claims.ts';
import type { Client } from './client.ts';
import { type Grant, storeGrant } from './grants.ts';
import { addParticipant } from './participants.ts';
import { algorithmOf, sign } from './signing.ts';

export interface Issuing {
  readonly deps: CoreDeps;
  readonly client: Client;
  readonly user: UserRecord;
  readonly grant: Grant;
  readonly issuer: string;
}

/** 122 bits, drawn in advance. */
const random = () => randomUUID().replaceAll('-', '');

/** Claims of every token of a grant, whatever the scopes. */
export function standardClaims({ deps, client, user, grant, issuer }: Issuing) {
  const { authTime, session, amr } = grant;
  const now = Math.floor(deps.clock.now() / 1000);
  return {
    iss: issuer,
    sub: subjectOf(deps, client, user),
    aud: client.client_id,
    exp: now + Math.floor(durationMs(client.access_token_validity) / 1000),
    iat: now,
    acr: 'goauthentik.io/providers/oauth2/default',
    ...(authTime === undefined ? {} : { auth_time: authTime }),
    ...(amr === undefined || amr.length === 0 ? {} : { amr }),
    ...(session === undefined ? {} : { sid: session }),
  };
}

export async function issueTokens(issuing: Issuing) {
  const { deps, client, user, grant, issuer } = issuing;
  const { scopes, nonce, session } = grant;
  const lifeMs = durationMs(client.access_token_validity);
  const claims = await claimsOf(deps, client, user, { scopes, session });
  const standard = standardClaims(issuing);
  const subject = standard.sub;
  const scope = scopes.join(' ');
  const payload = { ...standard, jti: random(), ...claims, azp: client.client_id, uid: random(), scope };
  const access = await sign(deps, client, payload);
  await storeGrant(deps, { text: access, kind: 'access', client, user, lifeMs, grant: { ...grant, claims: payload } });
  if (session !== undefined) await addParticipant(deps, { session, provider: client.pk, issuer, subject });
  const id = scopes.includes('openid')
    ? await sign(deps, client, {
        ...standard,
        jti: random(),
        ...(nonce === undefined ? {} : { nonce }),
        at_hash: await accessHash(deps, client, access),
        ...(client.include_claims_in_id_token ? claims : {}),
      })
    : undefined;
  return {
    access_token: access,
    token_type: 'Bearer',
    scope,
    expires_in: Math.floor(lifeMs / 1000),
    ...(id === undefined ? {} : { id_token: id }),
  };
}

/** OpenID Connect Core §3.1.3.6: the left half of the hash that the signature uses. */
async function accessHash(deps: CoreDeps, client: Client, token: string): Promise<string> {
  const bits = (await algorithmOf(deps, client)).slice(2);
  const digest = createHash(`sha${bits}`).update(token, 'ascii').digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}

export async function issueRefresh({ deps, client, user, grant }: Issuing): Promise<string> {
  const text = randomBytes(32).toString('base64url');
  const lifeMs = durationMs(client.refresh_token_validity);
  await storeGrant(deps, { text, kind: 'refresh', client, user, lifeMs, grant });
  return text;
}
