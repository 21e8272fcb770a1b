// The one authentication pipeline of all modes (proxy.md §4): session cookie, then the Authorization header. A fault on the
// way is thrown and becomes a refusal at the boundary in gateway.ts; it never becomes an identity.
import type { Application } from '../applications/application.ts';
import { header, type Incoming } from '../request/incoming.ts';
import type { RateLimit } from '../request/rate-limit.ts';
import type { Found, Sessions } from '../sessions/sessions.ts';
import type { Credentials } from './credentials.ts';
import type { VerifiedIdentity } from './identity.ts';
import type { Liveness } from './liveness.ts';

export interface Authentication {
  readonly identity: VerifiedIdentity | undefined;
  /** `Set-Cookie` of a session that header credentials have just started, or that was renewed. */
  readonly setCookie: string | undefined;
  /** The Authorization header is what authenticated the request, so it stays here (§11.1). */
  readonly usedAuthorization: boolean;
}

export interface Authenticator {
  authenticate(application: Application, request: Incoming): Authentication | Promise<Authentication>;
  /** Only by a session that is remembered. @param cookies as sent. @returns `undefined` when there is more to ask */
  remembered(application: Application, cookies: string, nowMs: number): Authentication | undefined;
}

const anonymous: Authentication = { identity: undefined, setCookie: undefined, usedAuthorization: false };

/** @param failures per client address: whoever has failed too often is not asked about again for a while (§17.18) */
export function createAuthenticator(
  sessions: Sessions,
  credentials: Credentials,
  {
    failures,
    liveness,
  }: {
    readonly failures: { readonly limit: RateLimit; readonly addressOf: (request: Incoming) => string | undefined };
    readonly liveness: Pick<Liveness, 'seen'>;
  },
): Authenticator {
  const withHeader = async (application: Application, request: Incoming): Promise<Authentication> => {
    const authorization = header(request, 'authorization');
    if (authorization === '') return anonymous;
    const address = failures.addressOf(request);
    if (address !== undefined && failures.limit.peek(address) > 0) return anonymous;
    const identity = await credentials.verify(application, authorization);
    if (identity === undefined && address !== undefined) failures.limit.take(address);
    if (identity === undefined) return anonymous;
    // Only a fresh exchange starts a session: a client that keeps no cookie would start one with every request (§17.1).
    const isFresh = identity.via !== 'cache';
    const setCookie = isFresh ? await sessions.begin(application, identity.claims, identity) : undefined;
    return { identity, setCookie, usedAuthorization: true };
  };
  const bySession = (application: Application, found: Found): Authentication | undefined => {
    const { identity, setCookie } = found;
    if (identity === undefined) return undefined;
    liveness.seen(application, identity);
    return { identity, setCookie, usedAuthorization: false };
  };
  const afterSession = (found: Found, application: Application, request: Incoming) =>
    bySession(application, found) ?? withHeader(application, request);
  return {
    authenticate(application, request) {
      const found = sessions.find(application, header(request, 'cookie'));
      return found instanceof Promise
        ? found.then((late) => afterSession(late, application, request))
        : afterSession(found, application, request);
    },
    remembered(application, cookies, nowMs) {
      const found = sessions.remembered(application, cookies, nowMs);
      return found && bySession(application, found);
    },
  };
}
