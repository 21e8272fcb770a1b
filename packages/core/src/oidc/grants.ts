// Codes and tokens in the database, under their hashes (core.md §17.4, §17.5). Rows of a session go with it; refresh tokens
// stay, and so do not name it as a reference.
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { CoreDeps } from '../deps.ts';
import { findUser, type UserRecord } from '../identity/users.ts';
import { durationMs } from '../models/duration.ts';
import { claimsOf, subjectOf } from './claims.ts';
import type { Client } from './client.ts';
import { sign } from './signing.ts';

const grant = z.object({
  scopes: z.array(z.string()),
  redirectUri: z.string().optional(),
  challenge: z.string().optional(),
  challengeMethod: z.string().optional(),
  nonce: z.string().optional(),
  authTime: z.number().optional(),
  session: z.string().optional(),
  /** Hash of the code it all came from: tokens of a replayed code go (RFC 6749 §4.1.2). */
  family: z.string().optional(),
  claims: z.record(z.string(), z.unknown()).optional(),
});
export type Grant = z.infer<typeof grant>;

export interface StoredGrant {
  readonly grant: Grant;
  readonly user: UserRecord;
  readonly provider: number;
  readonly revoked: boolean;
  readonly expired: boolean;
}

export const hashOf = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');

interface Entry {
  readonly text: string;
  readonly kind: 'code' | 'access' | 'refresh';
  readonly client: Client;
  readonly user: UserRecord;
  readonly lifeMs: number;
  readonly grant: Grant;
}

async function store(
  { database, clock }: CoreDeps,
  { text, kind, client, user, lifeMs, grant: data }: Entry,
): Promise<void> {
  const row = {
    hash: hashOf(text),
    kind,
    provider: client.pk,
    user_id: user.id,
    session_id: kind === 'refresh' ? null : (data.session ?? null),
    family: data.family ?? null,
    expires: new Date(clock.now() + lifeMs),
    data: JSON.stringify(data),
  };
  await database.kysely.insertInto('oauth_grants').values(row).execute();
}

export async function issueCode(deps: CoreDeps, client: Client, user: UserRecord, data: Grant): Promise<string> {
  const text = randomBytes(16).toString('hex');
  const lifeMs = durationMs(client.access_code_validity);
  await store(deps, { text, kind: 'code', client, user, lifeMs, grant: { ...data, family: hashOf(text) } });
  return text;
}

/** The code is gone with this call. One that is not there takes along what was issued for it before. */
export async function redeemCode(deps: CoreDeps, client: Client, text: string): Promise<StoredGrant | undefined> {
  const { kysely } = deps.database;
  const row = await kysely
    .deleteFrom('oauth_grants')
    .where('hash', '=', hashOf(text))
    .where('kind', '=', 'code')
    .where('provider', '=', client.pk)
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) await dropFamily(deps, client, hashOf(text));
  return row === undefined ? undefined : read(deps, row);
}

export async function dropFamily({ database }: CoreDeps, client: Client, family: string): Promise<void> {
  await database.kysely
    .deleteFrom('oauth_grants')
    .where('family', '=', family)
    .where('provider', '=', client.pk)
    .execute();
}

export async function findToken(deps: CoreDeps, text: string): Promise<(StoredGrant & { kind: string }) | undefined> {
  const row = await deps.database.kysely
    .selectFrom('oauth_grants')
    .selectAll()
    .where('hash', '=', hashOf(text))
    .where('kind', '!=', 'code')
    .executeTakeFirst();
  const found = row === undefined ? undefined : await read(deps, row);
  return row === undefined || found === undefined ? undefined : { ...found, kind: row.kind };
}

/** False if somebody else was first. */
export async function revokeRefresh({ database }: CoreDeps, text: string): Promise<boolean> {
  const row = await database.kysely
    .updateTable('oauth_grants')
    .set({ revoked: true })
    .where('hash', '=', hashOf(text))
    .where('revoked', '=', false)
    .returning('hash')
    .executeTakeFirst();
  return row !== undefined;
}

interface GrantRow {
  readonly data: unknown;
  readonly user_id: number;
  readonly provider: number;
  readonly revoked: boolean;
  readonly expires: Date;
}

/** Nothing for users who are gone or inactive. */
async function read(deps: CoreDeps, row: GrantRow): Promise<StoredGrant | undefined> {
  const user = await findUser(deps, row.user_id);
  const parsed = grant.safeParse(row.data);
  if (user?.is_active !== true || !parsed.success) return undefined;
  const expired = row.expires.getTime() <= deps.clock.now();
  return { grant: parsed.data, user, provider: row.provider, revoked: row.revoked, expired };
}

/** Tokens for a grant, as the token endpoint answers them (core.md §17.5, §17.6). */
export async function issueTokens(deps: CoreDeps, client: Client, user: UserRecord, data: Grant, issuer: string) {
  const { scopes, nonce, authTime, session } = data;
  const now = Math.floor(deps.clock.now() / 1000);
  const lifeMs = durationMs(client.access_token_validity);
  const claims = await claimsOf(deps, client, user, scopes);
  const standard = {
    iss: issuer,
    sub: subjectOf(deps, client, user),
    aud: client.client_id,
    exp: now + Math.floor(lifeMs / 1000),
    iat: now,
    acr: 'goauthentik.io/providers/oauth2/default',
    ...(authTime === undefined ? {} : { auth_time: authTime }),
    ...(nonce === undefined ? {} : { nonce }),
    ...(session === undefined ? {} : { sid: session }),
  };
  const jti = () => randomBytes(16).toString('hex');
  const payload = { ...standard, jti: jti(), ...claims, azp: client.client_id, uid: jti(), scope: scopes.join(' ') };
  const access = await sign(deps, client, payload);
  await store(deps, { text: access, kind: 'access', client, user, lifeMs, grant: { ...data, claims: payload } });
  const idClaims = client.include_claims_in_id_token ? claims : {};
  const id = scopes.includes('openid') ? await sign(deps, client, { ...standard, jti: jti(), ...idClaims }) : undefined;
  return {
    access_token: access,
    token_type: 'Bearer',
    scope: scopes.join(' '),
    expires_in: Math.floor(lifeMs / 1000),
    ...(id === undefined ? {} : { id_token: id }),
  };
}

export async function issueRefresh(deps: CoreDeps, client: Client, user: UserRecord, data: Grant): Promise<string> {
  const text = randomBytes(32).toString('base64url');
  await store(deps, {
    text,
    kind: 'refresh',
    client,
    user,
    lifeMs: durationMs(client.refresh_token_validity),
    grant: data,
  });
  return text;
}
