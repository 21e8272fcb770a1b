// What every mode and endpoint works with: the application, the request as received, its target, and the rooms behind.
import type { Clock } from '@gatehouse/daemon/async';
import type { Application } from '../applications/application.ts';
import type { Authentication, Authenticator } from '../authentication/authenticate.ts';
import { decide, type Evidence, type Verdict } from '../authentication/verdict.ts';
import type { Logins } from '../oidc/login.ts';
import type { LogoutTokens } from '../oidc/logout-token.ts';
import type { Incoming } from '../request/incoming.ts';
import type { RateLimit } from '../request/rate-limit.ts';
import type { TargetUri } from '../request/target-uri.ts';
import type { Sessions } from '../sessions/sessions.ts';

export interface Rooms {
  readonly authenticator: Authenticator;
  readonly logins: Logins;
  readonly sessions: Sessions;
  readonly logoutTokens: LogoutTokens;
  readonly limits: Limits;
  /** Ends what belongs to a session of the core (§7.7). */
  readonly endCoreSession: (sid: string) => Promise<void>;
  /** Drops remembered header credentials of a user. */
  readonly endCredentials: (sub: string) => void;
  /** Tells the core that tokens are over, where the session store cannot tell the other replicas. */
  readonly revokeTokens: (application: Application, tokens: readonly string[]) => Promise<void>;
  readonly clock: Pick<Clock, 'now'>;
  /** Answers of §5.7 as the Go outpost gives them: redirects for everybody. */
  readonly strict: boolean;
  /** A reverse proxy does not send what it must (§13.4). */
  readonly misconfigured: (application: Application, request: Incoming, kind: string) => void;
}

/** How much one client address may do (§17.18). */
export interface Limits {
  readonly login: RateLimit;
  readonly failedCredentials: RateLimit;
  /** Of the client, past our own proxies; `undefined` for addresses that are not limited. */
  readonly addressOf: (request: Incoming) => string | undefined;
}

export interface ModeContext {
  readonly rooms: Rooms;
  readonly application: Application;
  readonly request: Incoming;
  /** The request's own target, as it reached us. */
  readonly target: TargetUri;
  /** Whether the application was taken only because there is no other (§2.5.4). */
  readonly isOnly: boolean;
}

export interface Judged {
  readonly verdict: Verdict;
  readonly authentication: Authentication;
}

/** What is asked for, as the user sees it. */
export interface Wanted {
  readonly target: TargetUri;
  readonly method: string;
  /** Evidence that stands in for a login. */
  readonly otherwise: () => Evidence | undefined;
}

/** Authenticates and decides. */
export function judge(context: ModeContext, { target, method, otherwise }: Wanted): Judged | Promise<Judged> {
  const { rooms, application, request } = context;
  const ruling = application.rules.rulingOf(target, method);
  const conclude = (authentication: Authentication): Judged => {
    const question = { applicationPk: application.pk, ruling, nowMs: rooms.clock.now() };
    return { authentication, verdict: decide(authentication.identity ?? otherwise(), question) };
  };
  const authentication = rooms.authenticator.authenticate(application, request);
  return authentication instanceof Promise ? authentication.then(conclude) : conclude(authentication);
}

/** `.then` for values that may already be there: a remembered session costs no promise. */
export function chain<A, B>(value: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}
