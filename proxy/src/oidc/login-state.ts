// The `state` of a login (proxy.md §6.3): a JWT of its own, HS256 with the provider's cookie secret, so that it needs no
// record on this side and any tab, replica or restart can read it. It carries the target and how often this login has
// bounced. What must stay secret is in the login cookie (login-cookie.ts).
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

export interface LoginState {
  /** Names the login cookie; not the session's id. */
  readonly loginId: string;
  /** Validated target, or empty. */
  readonly redirect: string;
  /** How many times this login was restarted by us. */
  readonly bounces: number;
  readonly issuedAtMs: number;
}

export interface StateKey {
  readonly clientId: string;
  readonly cookieSecret: string;
}

/** A login may take this long; then its state is refused. */
export const loginLifeMs = 10 * 60_000;
const maxLength = 16 * 1024;
const header = encode({ alg: 'HS256', typ: 'JWT' });

const schema = z.object({
  iss: z.string(),
  sid: z.string(),
  state: z.string(),
  redirect: z.string(),
  iat: z.number(),
  exp: z.number(),
  n: z.number().int().min(0),
});

export function formatState(key: StateKey, state: LoginState): string {
  const issuedAt = Math.floor(state.issuedAtMs / 1000);
  const payload = encode({
    iss: issuerOf(key),
    sid: state.loginId,
    state: randomBytes(32).toString('base64url'),
    redirect: state.redirect,
    iat: issuedAt,
    exp: issuedAt + loginLifeMs / 1000,
    n: state.bounces,
  });
  return `${header}.${payload}.${sign(key, `${header}.${payload}`)}`;
}

export type ReadState =
  | { readonly kind: 'valid'; readonly state: LoginState }
  /** Ours, but too old: its target may be used for a new start. */
  | { readonly kind: 'expired'; readonly state: LoginState }
  | { readonly kind: 'invalid' };

export function parseState(key: StateKey, text: string, nowMs: number): ReadState {
  if (text.length > maxLength) return { kind: 'invalid' };
  const [head, payload, signature, ...rest] = text.split('.');
  // Only the very header we write is accepted, so no other algorithm can be asked for.
  if (head !== header || payload === undefined || signature === undefined || rest.length > 0)
    return { kind: 'invalid' };
  if (!equal(signature, sign(key, `${head}.${payload}`))) return { kind: 'invalid' };
  const claims = schema.safeParse(decode(payload)).data;
  if (claims === undefined || claims.iss !== issuerOf(key)) return { kind: 'invalid' };
  const state = { loginId: claims.sid, redirect: claims.redirect, bounces: claims.n, issuedAtMs: claims.iat * 1000 };
  return { kind: claims.exp * 1000 > nowMs ? 'valid' : 'expired', state };
}

function issuerOf({ clientId }: StateKey): string {
  return `goauthentik.io/outpost/${clientId}`;
}

function sign({ cookieSecret }: StateKey, text: string): string {
  return createHmac('sha256', Buffer.from(cookieSecret, 'utf8')).update(text, 'utf8').digest('base64url');
}

function equal(one: string, other: string): boolean {
  const left = Buffer.from(one, 'utf8');
  const right = Buffer.from(other, 'utf8');
  return left.length === right.length && timingSafeEqual(left, right);
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
}

function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined; // signed by us and yet no JSON cannot be; treated as invalid
  }
}
