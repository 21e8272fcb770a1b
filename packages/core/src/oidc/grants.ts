// Codes and tokens in the database, under their hashes (core.md §17.4, §17.5). Rows of a session go with it; refresh tokens
// stay, and so do not name it as a reference.
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Statement } from '../database/connection.ts';
import { gathered } from '../database/gathered.ts';
import type { CoreDeps } from '../deps.ts';
import { findUser, type UserRecord } from '../identity/users.ts';
import type { Client } from './client.ts';

const grant = z.object({
  scopes: z.array(z.string()),
  redirectUri: z.string().optional(),
  challenge: z.string().optional(),
  challengeMethod: z.string().optional(),
  nonce: z.string().optional(),
  authTime: z.number().optional(),
  /** How the user proved who he is (RFC 8176). */
  amr: z.array(z.string()).optional(),
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
  /** Of a refresh token that was spent. */
  readonly rotation: { readonly atMs: number; readonly salt: string } | undefined;
  readonly expiresMs: number;
  readonly expired: boolean;
}

export const hashOf = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');

export interface Entry {
  readonly text: string;
  readonly kind: 'code' | 'access' | 'refresh';
  readonly client: Client;
  readonly user: UserRecord;
  readonly lifeMs: number;
  readonly grant: Grant;
}

/** Access tokens do not wait for the disk: one that is lost with the power is unknown, and its client asks again. */
export function storeGrant(deps: CoreDeps, entry: Entry): Promise<void> {
  return entry.kind === 'access' ? storeAccess(deps, entry) : storeLasting(deps, entry);
}

const storeAccess = gathered((deps: CoreDeps, entries: readonly Entry[]) => insert(deps, entries, insertAccess));
const storeLasting = gathered((deps: CoreDeps, entries: readonly Entry[]) => insert(deps, entries, insertLasting));

async function insert({ database, clock }: CoreDeps, entries: readonly Entry[], statement: Statement<never>) {
  const rows = entries.map(({ text, kind, client, user, lifeMs, grant: data }) => ({
    hash: hashOf(text),
    kind,
    provider: client.pk,
    user_id: user.id,
    session_id: kind === 'refresh' ? null : (data.session ?? null),
    family: data.family ?? null,
    expires: new Date(clock.now() + lifeMs),
    data,
  }));
  await database.rows(statement, [JSON.stringify(rows)]);
}

const insertLasting: Statement<never> = {
  name: 'oauth: store grants',
  text: `insert into oauth_grants (hash, kind, provider, user_id, session_id, family, expires, data)
    select * from json_to_recordset($1) as t (hash text, kind text, provider integer, user_id integer, session_id text,
      family text, expires timestamptz, data jsonb)`,
};
const insertAccess = { ...insertLasting, isRelaxed: true };

export function newCode(): string {
  return randomBytes(16).toString('hex');
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

interface GrantRow {
  readonly data: unknown;
  readonly user_id: number;
  readonly provider: number;
  readonly revoked: boolean;
  readonly rotated: Date | null;
  readonly successor_salt: string | null;
  readonly expires: Date;
}

/** Nothing for users who are gone or inactive. */
async function read(deps: CoreDeps, row: GrantRow): Promise<StoredGrant | undefined> {
  const user = await findUser(deps, row.user_id);
  const parsed = grant.safeParse(row.data);
  if (user?.is_active !== true || !parsed.success) return undefined;
  const { provider, revoked, rotated, successor_salt: salt } = row;
  const rotation = rotated === null || salt === null ? undefined : { atMs: rotated.getTime(), salt };
  const expiresMs = row.expires.getTime();
  const expired = expiresMs <= deps.clock.now();
  return { grant: parsed.data, user, provider, revoked, rotation, expiresMs, expired };
}
