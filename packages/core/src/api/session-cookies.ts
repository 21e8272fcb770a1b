// Sends and renews the visitor's session after a call that used it (flow-executor.md §7.2).
import { randomBytes } from 'node:crypto';
import type { CoreDeps } from '../deps.ts';
import { userUid } from '../identity/users.ts';
import { sessionCookieKey, sessionCookieName, signSessionCookie } from '../sessions/cookie.ts';
import type { Session } from '../sessions/session.ts';
import type { ApiReply, ApiRequest } from './request.ts';

const csrfCookie = 'authentik_csrf';
const yearSeconds = 31_536_000;

/** Not for scripts; without an age it ends with the browser. */
export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly maxAgeSeconds?: number | undefined;
}

export interface SavingOptions {
  /** A login gets a new CSRF token too. */
  readonly loggedIn?: boolean;
  /** See `SessionStore.save`. */
  readonly isLook?: boolean;
}

/**
 * Stores the session and sets its cookie. One that got a new key meanwhile, because somebody has logged in in another tab,
 * keeps its cookie to itself: it would take the place of the new one.
 */
export async function saveSession(
  deps: CoreDeps,
  request: ApiRequest,
  reply: ApiReply,
  session: Session,
  { loggedIn = false, isLook = false }: SavingOptions = {},
): Promise<void> {
  const visitor = { ip: request.caller.clientIp, userAgent: request.headers['user-agent'] ?? '' };
  if (!(await deps.sessions.save(session, visitor, isLook))) return;
  const value = signSessionCookie(sessionCookieKey(deps.secretKey), {
    sid: session.key,
    sub: session.userPk === undefined ? 'anonymous' : userUid(session.userPk, deps.installationId),
    authenticated: session.userPk !== undefined,
  });
  const maxAgeSeconds = session.durationMs === undefined ? undefined : Math.floor(session.durationMs / 1000);
  setCookie(deps, request, reply, { name: sessionCookieName, value, maxAgeSeconds });
  if (loggedIn) setCsrfCookie(deps, request, reply);
}

/** A fresh token that scripts of our pages send back in `X-authentik-CSRF`. */
function setCsrfCookie({ webPath }: CoreDeps, request: ApiRequest, reply: ApiReply): void {
  const token = randomBytes(24).toString('base64url');
  const secure = isSecure(request);
  const flags = secure ? '; Secure' : '';
  reply.header('Set-Cookie', `${csrfCookie}=${token}; Path=${webPath}; Max-Age=${yearSeconds}; SameSite=Lax${flags}`);
}

export function setCookie(
  { webPath }: CoreDeps,
  request: ApiRequest,
  reply: ApiReply,
  { name, value, maxAgeSeconds }: Cookie,
): void {
  const parts = [`${name}=${value}`, `Path=${webPath}`];
  if (maxAgeSeconds !== undefined)
    parts.push(`Max-Age=${maxAgeSeconds}`, `Expires=${new Date(Date.now() + maxAgeSeconds * 1000).toUTCString()}`);
  parts.push('HttpOnly', ...(isSecure(request) ? ['Secure', 'SameSite=None'] : ['SameSite=Lax']));
  reply.header('Set-Cookie', parts.join('; '));
}

export function isSecure(request: ApiRequest): boolean {
  return request.headers['x-forwarded-proto'] === 'https';
}
