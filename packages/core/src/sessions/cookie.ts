// The session cookie (flow-executor.md §7.2): a JWT whose key is derived from the secret key, holding the session key. Every
// request reads one and every step of a flow makes one, so it is written out here: HS256 alone, without threads in between.
// jose is its test.
import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Secret } from '@gatehouse/daemon/config';
import { z } from 'zod';

export interface SessionClaims {
  readonly sid: string;
  readonly sub: string;
  readonly authenticated: boolean;
}

export const sessionCookieName = 'authentik_session';

const keys = new WeakMap<Secret, KeyObject>();

/** HS256 under the hex SHA-512 of the secret key, as ASCII. Drawn once of each. */
export function sessionCookieKey(secretKey: Secret): KeyObject {
  const known = keys.get(secretKey);
  if (known !== undefined) return known;
  const digest = createHash('sha512').update(secretKey.reveal(), 'utf8').digest('hex');
  const key = createSecretKey(digest, 'ascii');
  keys.set(secretKey, key);
  return key;
}

const header = base64url('{"alg":"HS256","typ":"JWT"}');

export function signSessionCookie(key: KeyObject, { sid, sub, authenticated }: SessionClaims): string {
  const claims = { sid, iss: 'authentik', sub, authenticated, acr: 'goauthentik.io/core/default' };
  const signed = `${header}.${base64url(JSON.stringify(claims))}`;
  return `${signed}.${signature(key, signed).toString('base64url')}`;
}

const algorithm = z.object({ alg: z.literal('HS256'), crit: z.undefined().optional() });
const session = z.object({ sid: z.string().min(1), iss: z.literal('authentik') });

/** The session key, or `undefined` for whatever does not verify: such a visitor starts anew. */
export function readSessionCookie(key: KeyObject, value: string): string | undefined {
  const [head = '', body = '', proof = '', ...more] = value.split('.');
  const expected = signature(key, `${head}.${body}`);
  const given = Buffer.from(proof, 'base64url');
  if (more.length > 0 || given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  if (head !== header && !algorithm.safeParse(parsed(head)).success) return undefined;
  return session.safeParse(parsed(body)).data?.sid;
}

function signature(key: KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}

function parsed(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return undefined; // signed by our key, and yet no JSON: nobody's session
  }
}

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
