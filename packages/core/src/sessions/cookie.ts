// The session cookie (flow-executor.md §7.2): a JWT whose key is derived from the secret key, holding the session key.
import { createHash } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';

export interface SessionClaims {
  readonly sid: string;
  readonly sub: string;
  readonly authenticated: boolean;
}

export const sessionCookieName = 'authentik_session';

/** HS256 under the hex SHA-512 of the secret key, as ASCII. */
export function sessionCookieKey(secretKey: string): Uint8Array {
  return new TextEncoder().encode(createHash('sha512').update(secretKey, 'utf8').digest('hex'));
}

export function signSessionCookie(key: Uint8Array, { sid, sub, authenticated }: SessionClaims): Promise<string> {
  const claims = { sid, iss: 'authentik', sub, authenticated, acr: 'goauthentik.io/core/default' };
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(key);
}

/** The session key, or `undefined` for whatever does not verify: such a visitor starts anew. */
export async function readSessionCookie(key: Uint8Array, value: string): Promise<string | undefined> {
  try {
    const { payload } = await jwtVerify(value, key, { algorithms: ['HS256'], issuer: 'authentik' });
    return typeof payload['sid'] === 'string' && payload['sid'] !== '' ? payload['sid'] : undefined;
  } catch {
    return undefined; // forged, damaged or of another installation
  }
}
