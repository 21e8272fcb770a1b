// Who asks (core.md §10.2, flow-executor.md §7.1, §7.3): bearer token, else session cookie; an outpost's token and address
// in their own headers. Unsafe methods in a logged-in session need the CSRF header.

import { timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { Secret } from '@gatehouse/daemon/config';
import { canonicalIp } from '@gatehouse/daemon/net';
import type { Statement } from '../database/connection.ts';
import { remembered } from '../database/remembered.ts';
import type { CoreDeps } from '../deps.ts';
import { type Principal, principalOf, principalOfKey, principalOfUser } from '../identity/permissions.ts';
import { findByName, type UserRecord } from '../identity/users.ts';
import { findToken } from '../oidc/grants.ts';
import { holdsBinding } from '../sessions/binding.ts';
import { readSessionCookie, sessionCookieKey, sessionCookieName } from '../sessions/cookie.ts';
import type { Session } from '../sessions/session.ts';
import { ApiFailure, badToken } from './failure.ts';
import type { Asking, Caller } from './request.ts';

/** @param planName of the plan whose pending user is read together with the session */
export async function identifyCaller(
  deps: CoreDeps,
  request: Asking,
  requestId: string,
  planName?: string,
): Promise<Caller> {
  const bearer = bearerOf(request);
  const [outpost, found] = await Promise.all([
    outpostOf(deps, request),
    bearer === undefined ? sessionOf(deps, request, planName) : principalOfToken(deps, bearer),
  ]);
  const clientIp = outpost?.remoteIp ?? directAddress(request);
  if ('user' in found)
    return { requestId, clientIp, outpost: outpost?.account.username, session: undefined, principal: found };
  const session = await boundSession(deps, found, clientIp);
  return {
    requestId,
    clientIp,
    outpost: outpost?.account.username,
    session,
    principal: await principalOfSession(deps, session),
  };
}

/** Where a request comes from, for routes that ask nobody else who it is (core.md §1.6). */
export async function clientAddress(deps: CoreDeps, request: Asking): Promise<string> {
  return (await outpostOf(deps, request))?.remoteIp ?? directAddress(request);
}

/** A token's user, of an unexpired token with intent `api`. @throws ApiFailure 403 */
export async function principalOfToken(deps: CoreDeps, key: string): Promise<Principal> {
  const found =
    (await embeddedOutpost(deps, key)) ?? (await principalOfKey(deps, key)) ?? (await holderOfAccessToken(deps, key));
  if (found?.user.is_active !== true) throw badToken();
  return found;
}

const apiScope = 'goauthentik.io/api';

/** An access token of one of our providers that was granted the scope for it (core.md §10.2). */
async function holderOfAccessToken(deps: CoreDeps, key: string): Promise<Principal | undefined> {
  const found = await findToken(deps, key);
  const isUsable =
    found?.kind === 'access' && !found.expired && !found.revoked && found.grant.scopes.includes(apiScope);
  return isUsable ? principalOfUser(deps, found.user.id, 'token') : undefined;
}

export async function userOfToken(
  { database, clock }: CoreDeps,
  key: string,
  intent: 'api' | 'app_password',
): Promise<UserRecord | undefined> {
  return (await database.rows(holderOfToken, [key, intent, new Date(clock.now())]))[0];
}

const holderOfToken: Statement<UserRecord> = {
  name: 'user: of a token',
  text: `select u.* from tokens t join users u on u.id = t.user_id
    where t.key = $1 and t.intent = $2 and (not t.expiring or t.expires > $3)`,
};

/** The secret key as bearer stands for the embedded outpost (core-contract §8.2). */
async function embeddedOutpost(deps: CoreDeps, key: string): Promise<Principal | undefined> {
  const { database, secretKey } = deps;
  if (!secretKey.equals(new Secret(key))) return undefined;
  const outpost = await database.kysely
    .selectFrom('outposts')
    .select('uuid')
    .where('managed', '=', 'goauthentik.io/outposts/embedded')
    .executeTakeFirst();
  if (outpost === undefined) return undefined;
  const user = await findByName(deps, `ak-outpost-${outpost.uuid.replaceAll('-', '')}`);
  return user === undefined ? undefined : principalOfUser(deps, user.id, 'secret key');
}

async function sessionOf(
  { sessions, secretKey }: CoreDeps,
  request: Asking,
  planName: string | undefined,
): Promise<Session> {
  const value = cookiesOf(request).get(sessionCookieName);
  const key = value === undefined ? undefined : readSessionCookie(sessionCookieKey(secretKey), value);
  return (key === undefined ? undefined : await sessions.load(key, planName)) ?? sessions.create(key);
}

/** A new session in the place of one whose network or place changed (core.md §12.6). */
async function boundSession(deps: CoreDeps, session: Session, clientIp: string): Promise<Session> {
  return (await holdsBinding(deps, session, clientIp)) ? session : deps.sessions.create();
}

/** An inactive user is logged out and gets a bare 400. */
async function principalOfSession(deps: CoreDeps, session: Session): Promise<Principal | undefined> {
  const { userPk, account } = session;
  if (userPk === undefined) return undefined;
  if (account?.is_active === true) return principalOf(account, 'session');
  await deps.sessions.end([session.id]);
  throw new ApiFailure(400, {});
}

/** Both headers, and the token of an internal service account; an unparsable address counts as none. */
async function outpostOf(
  deps: CoreDeps,
  request: Asking,
): Promise<{ account: OutpostAccount; remoteIp: string | undefined } | undefined> {
  const { 'x-authentik-remote-ip': address, 'x-authentik-outpost-token': token } = request.headers;
  if (typeof address !== 'string' || typeof token !== 'string') return undefined;
  const account = await outpostAccount(deps, token);
  if (account === undefined || account.endsMs <= deps.clock.now()) return undefined;
  return { account, remoteIp: isIP(address) === 0 ? undefined : address };
}

interface OutpostAccount {
  readonly username: string;
  /** When its token runs out. */
  readonly endsMs: number;
}

/** The active service account of an outpost, by its token; each of its requests shows it. */
const outpostAccount = remembered(async ({ database }: CoreDeps, token): Promise<OutpostAccount | undefined> => {
  const [found] = await database.rows(outpostOfToken, [token]);
  if (found === undefined) return undefined;
  return { username: found.username, endsMs: found.expires?.getTime() ?? Number.POSITIVE_INFINITY };
});

const outpostOfToken: Statement<{ username: string; expires: Date | null }> = {
  name: 'outpost: of a token',
  text: `select u.username, case when t.expiring then t.expires end as expires
    from tokens t join users u on u.id = t.user_id
    where t.key = $1 and t.intent = 'api' and (not t.expiring or t.expires is not null)
      and u.type = 'internal_service_account' and u.is_active`,
};

function directAddress(request: Asking): string {
  const forwarded = request.headers['x-forwarded-for'];
  const claimed =
    typeof forwarded === 'string'
      ? (forwarded.split(',')[0] ?? '').trim()
      : canonicalIp(request.socket.remoteAddress ?? '');
  return isIP(claimed) === 0 ? '255.255.255.255' : claimed;
}

function bearerOf(request: Asking): string | undefined {
  return /^Bearer +(\S.*)$/i.exec(request.headers.authorization ?? '')?.[1]?.trim();
}

export function cookiesOf(request: Asking): ReadonlyMap<string, string> {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return new Map(
    pairs
      .filter((pair) => pair.includes('='))
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

/** Whether a request in a logged-in session carries the matching CSRF header (flow-executor.md §7.3). */
export function hasCsrfProof(request: Asking): boolean {
  const header = request.headers['x-authentik-csrf'];
  const cookie = cookiesOf(request).get('authentik_csrf');
  if (typeof header !== 'string' || cookie === undefined || header === '') return false;
  const [one, other] = [Buffer.from(header), Buffer.from(cookie)];
  return one.length === other.length && timingSafeEqual(one, other);
}

export const csrfFailure = () => new ApiFailure(403, { detail: 'CSRF Failed: CSRF token missing or incorrect.' });
