// The secrets of one login under way (proxy.md §6.3): login id, nonce and PKCE verifier, sealed into a short-lived cookie of
// its own. Several tabs have several; at most five are kept, so that they never fill the request (WISHES P25).
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type CookieSettings, cookieNames, cookieValues, deletingCookie, formatCookie } from '../sessions/cookie.ts';
import type { Seal } from '../sessions/seal.ts';
import { loginLifeMs } from './login-state.ts';

export interface LoginSecrets {
  readonly loginId: string;
  readonly nonce: string;
  /** PKCE (RFC 7636 §4.1). */
  readonly verifier: string;
  readonly issuedAtMs: number;
}

export const mostLogins = 5;

export function newLogin(nowMs: number): LoginSecrets {
  return {
    loginId: randomBytes(16).toString('hex'),
    nonce: randomBytes(16).toString('base64url'),
    verifier: randomBytes(32).toString('base64url'),
    issuedAtMs: nowMs,
  };
}

/** RFC 7636 §4.2, S256. */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier, 'latin1').digest('base64url');
}

/** The new cookie, and the deletion of whatever is too many. @param cookies the request's `Cookie` header */
export function loginCookies(settings: CookieSettings, seal: Seal, secrets: LoginSecrets, cookies: string): string[] {
  const name = cookieName(settings, secrets.loginId);
  const value = seal.seal(Buffer.from(JSON.stringify(secrets), 'utf8'), name).toString('base64url');
  const others = cookieNames(cookies, `${settings.name}_s_`);
  const life = { maxAgeS: loginLifeMs / 1000, nowMs: secrets.issuedAtMs };
  const excess = others.slice(0, Math.max(0, others.length + 1 - mostLogins));
  return [formatCookie(settings, name, value, life), ...excess.map((old) => deletingCookie(settings, old))];
}

const schema = z.object({ loginId: z.string(), nonce: z.string(), verifier: z.string(), issuedAtMs: z.number() });

/** @returns the secrets of exactly this login, if the browser still has them and they are not too old */
export function readLoginCookie(
  settings: CookieSettings,
  seal: Seal,
  { cookies, loginId, nowMs }: { readonly cookies: string; readonly loginId: string; readonly nowMs: number },
): LoginSecrets | undefined {
  const name = cookieName(settings, loginId);
  for (const value of cookieValues(cookies, name)) {
    const plain = seal.open(Buffer.from(value, 'base64url'), name);
    const secrets = plain === undefined ? undefined : schema.safeParse(JSON.parse(plain.toString('utf8'))).data;
    if (secrets?.loginId === loginId && nowMs - secrets.issuedAtMs < loginLifeMs) return secrets;
  }
  return undefined;
}

export function clearLoginCookie(settings: CookieSettings, loginId: string): string {
  return deletingCookie(settings, cookieName(settings, loginId));
}

function cookieName(settings: CookieSettings, loginId: string): string {
  return `${settings.name}_s_${loginId.slice(0, 8)}`;
}
