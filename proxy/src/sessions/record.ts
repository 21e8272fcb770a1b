// A session as it is kept (proxy.md §17.A): sealed under the provider's own key and bound to client id and store key, so
// that neither a dump of the store nor a copied record is of use. The store key is a hash: the cookie cannot be found in it.
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type Claims, parseClaims } from '../oidc/claims.ts';
import type { Seal } from './seal.ts';

declare const brand: unique symbol;
/** `akp1:` and the hex SHA-256 of the cookie's value. */
export type SessionKey = string & { readonly [brand]: 'SessionKey' };

export interface SessionRecord {
  readonly clientId: string;
  readonly claims: Claims;
  readonly createdAtMs: number;
  /** End of the token, and of the session where it cannot be renewed. */
  readonly expiresAtMs: number;
  /** Good once, for the next token. */
  readonly refreshToken?: string | undefined;
  readonly renewedAtMs?: number | undefined;
  /** End of a session that is renewed, whatever happens. */
  readonly endsAtMs?: number | undefined;
  /** Of a record in a cookie: it was sent by an answer to a request, and not by a login. */
  readonly isReturned?: boolean | undefined;
}

/** How long the record is worth keeping. */
export function endOf({ endsAtMs, expiresAtMs }: Pick<SessionRecord, 'endsAtMs' | 'expiresAtMs'>): number {
  return endsAtMs ?? expiresAtMs;
}

/** 32 random bytes as the cookie carries them; never taken from a client (§8.7.2). */
export function newSessionId(): string {
  return randomBytes(32).toString('base64url');
}

export function newSession(): { readonly id: string; readonly key: SessionKey } {
  const id = newSessionId();
  const key = sessionKeyOf(id);
  if (key === undefined) throw new TypeError('a new session id has no key');
  return { id, key };
}

/** @returns `undefined` for a value we cannot have made */
export function sessionKeyOf(cookieValue: string): SessionKey | undefined {
  if (!/^[\w-]{43}$/.test(cookieValue)) return undefined;
  return `akp1:${createHash('sha256').update(cookieValue, 'latin1').digest('hex')}` as SessionKey; // the one constructor
}

const recordSchema = z.object({
  v: z.literal(1),
  clientId: z.string(),
  createdAtMs: z.number(),
  expiresAtMs: z.number(),
  refreshToken: z.string().optional(),
  renewedAtMs: z.number().optional(),
  endsAtMs: z.number().optional(),
  isReturned: z.boolean().optional(),
  claims: z.object({
    sub: z.string(),
    exp: z.number(),
    sid: z.string().optional(),
    email: z.string(),
    name: z.string(),
    preferredUsername: z.string(),
    groups: z.array(z.string()),
    entitlements: z.array(z.string()),
    authTime: z.number().optional(),
    amr: z.array(z.string()).default([]),
    akProxy: z.object({
      present: z.boolean(),
      userAttributes: z.record(z.string(), z.unknown()),
      backendOverride: z.string(),
      hostHeader: z.string(),
      isSuperuser: z.boolean(),
    }),
    rawToken: z.string(),
  }),
});

export function sealRecord(seal: Seal, key: SessionKey, record: SessionRecord): Buffer {
  return seal.seal(Buffer.from(recordText(record), 'utf8'), context(record.clientId, key));
}

/** What is sealed. The token says all its claims again, where they were made from it and from nothing else. */
export function recordText({ claims, ...rest }: SessionRecord): string {
  const isImplied = JSON.stringify(parseClaims(payloadOf(claims.rawToken), claims.rawToken)) === JSON.stringify(claims);
  return JSON.stringify({ v: 1, ...rest, ...(isImplied ? { token: claims.rawToken } : { claims }) });
}

/** @returns `undefined` unless the record is whole, of this provider, and not over at `nowMs`; its token may be */
export function openRecord(
  seal: Seal,
  { clientId, key, nowMs }: { readonly clientId: string; readonly key: SessionKey; readonly nowMs: number },
  sealed: Uint8Array,
): SessionRecord | undefined {
  const plain = seal.open(sealed, context(clientId, key));
  if (plain === undefined) return undefined;
  return readRecord(parseJson(plain), { clientId, nowMs });
}

/** The checks of {@link openRecord} on what was sealed. */
export function readRecord(
  given: unknown,
  { clientId, nowMs }: { readonly clientId: string; readonly nowMs: number },
): SessionRecord | undefined {
  const record = recordSchema.safeParse(withClaims(given)).data;
  if (record === undefined || record.clientId !== clientId || !(endOf(record) > nowMs)) return undefined;
  const { claims } = record;
  return { ...record, claims: { ...claims, sid: claims.sid, authTime: claims.authTime } };
}

function context(clientId: string, key: SessionKey): string {
  return `${clientId}|${key}`;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined; // sealed by us but by another version: no session
  }
}

function withClaims(record: unknown): unknown {
  if (typeof record !== 'object' || record === null || !('token' in record)) return record;
  const { token, ...rest } = record;
  return typeof token === 'string' ? { ...rest, claims: parseClaims(payloadOf(token), token) } : undefined;
}

function payloadOf(token: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) };
  } catch {
    return {}; // an opaque token: its claims are kept beside it
  }
}
