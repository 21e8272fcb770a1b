// Passwords to identities (ldap.md §6.2–§6.7): the memory of right ones, the throttle against guessing, then the core. The flow
// runs to its end whoever waits for it, so that a push which was sent is answered once; everybody who sends the same meanwhile
// shares it.
import { type Clock, createSemaphore } from '@gatehouse/daemon/async';
import type { Outpost } from '@gatehouse/outpost';
import {
  type CoreSession,
  changePassword,
  checkAccess,
  type LoginOutcome,
  login,
  logout,
  type PasswordChangeOutcome,
  splitPasswordCode,
} from '@gatehouse/outpost/login';
import type { Verdict, VerdictCache, VerdictKey } from '@gatehouse/outpost/verdicts';
import { resultCode } from '@gatehouse/wire/ldap';
import type { LdapConfig } from '../config.ts';
import { Refusal } from '../errors.ts';
import type { Provider } from '../providers/provider.ts';
import { createThrottle } from './throttle.ts';

/** Who a connection is after a successful bind. */
export interface Identity {
  readonly provider: Provider;
  readonly userPk: number;
  readonly username: string;
  readonly canSearch: boolean;
  readonly sessionId: string;
  /** To end the session in the core when nobody needs it any more. */
  readonly session: CoreSession;
  /** A second factor was part of the login. */
  readonly usedMfa: boolean;
}

export interface BindVerdict extends Verdict {
  readonly identity: Identity;
}

export interface BindAttempt {
  readonly provider: Provider;
  readonly username: string;
  readonly password: Buffer;
  readonly clientIp: string;
  /** PEM of the client's certificate where that is the credential; the password is empty then. */
  readonly certificatePem?: string;
}

export interface Logins {
  /** Whoever bound with the same name and password a short while ago; some microseconds. */
  recall(attempt: BindAttempt): Identity | undefined;
  /** @throws Refusal with the code of ldap.md §6.5; anything else thrown is trouble, never a refusal */
  authenticate(attempt: BindAttempt): Promise<Identity>;
  /** Proves the old password to the core, whatever is remembered, then runs its flow for a new one. @throws as authenticate */
  changePassword(change: OwnPasswordChange): Promise<PasswordChangeOutcome>;
  /** Logins that wait for their turn. */
  readonly waiting: number;
  /** Ends the session in the core; best effort. */
  endSession(identity: Identity, clientIp: string): Promise<void>;
}

export interface OwnPasswordChange {
  readonly identity: Identity;
  readonly oldPassword: Buffer;
  readonly newPassword: string;
  readonly clientIp: string;
  readonly flowSlug: string;
}

export interface LoginsOptions {
  readonly outpost: () => Outpost;
  readonly config: LdapConfig;
  readonly clock: Clock;
  readonly verdicts: VerdictCache<BindVerdict>;
  readonly signal: AbortSignal;
}

const mostLogins = 32;
const mostWaiting = 512;
const mostLogouts = 4;
/** With a one-time code in it, a password is only good for the moment. */
const codeLifeMs = 30_000;

export function createLogins({ outpost, config, clock, verdicts, signal }: LoginsOptions): Logins {
  const {
    bind_cache_ttl: cacheMs,
    mfa_remember: rememberMs,
    mfa_required: required,
    mfa_code_first: codeFirst,
  } = config.ldap;
  /** Of one login, or one change of a password. */
  const timeLimit = () => AbortSignal.timeout(config.ldap.login_timeout);
  const turns = createSemaphore(mostLogins);
  const logouts = createSemaphore(mostLogouts);
  const throttle = createThrottle(clock, {
    freeFailures: config.ldap.throttle_failures,
    maxWaitMs: config.ldap.throttle_max_wait,
  });
  /** How a password that is typed for the provider is read. */
  const formOf = ({ applicationSlug, mfaSupport }: Provider) => {
    const isNamed = (slugs: readonly string[]) => slugs.includes('*') || slugs.includes(applicationSlug);
    return { mfaSupport, mfaRequired: isNamed(required), codeFirst: isNamed(codeFirst) };
  };

  const inTurn = async (attempt: BindAttempt): Promise<Identity> => {
    const { clientIp: client, username } = attempt;
    const waitMs = throttle.waitMs(client, username.toLowerCase());
    if (waitMs > 0)
      throw new Refusal(resultCode.busy, 'too many failed attempts', {
        logged: `too many failed attempts, the next one in ${Math.ceil(waitMs / 1000)} s`,
        reason: 'throttled',
      });
    if (turns.waiting >= mostWaiting) throw new Refusal(resultCode.busy, 'too many logins are waiting');
    const time = timeLimit();
    const limit = AbortSignal.any([signal, time]);
    try {
      const identity = await turns.run(() => runLogin(attempt, limit), limit);
      throttle.succeeded(client, username.toLowerCase());
      return identity;
    } catch (error) {
      const isWrong = error instanceof Refusal && error.result.resultCode === resultCode.invalidCredentials;
      if (isWrong) throttle.failed(client, username.toLowerCase());
      throw time.aborted && error === time.reason ? tooLate() : error;
    }
  };

  /** Flow, access check, identity: the one place where a bind can succeed. */
  const runLogin = async (attempt: BindAttempt, limit: AbortSignal): Promise<Identity> => {
    const { provider, username, password, clientIp, certificatePem } = attempt;
    const { core, metrics } = outpost();
    const form = formOf(provider);
    const request = {
      flowSlug: provider.bindFlow,
      username,
      secret: password.toString('utf8'),
      ...form,
      sendCodes: config.ldap.mfa_send_codes,
      remoteIp: clientIp,
      protocol: 'ldap',
      signal: limit,
      ...(certificatePem === undefined ? {} : { certificatePem }),
    } as const;
    const {
      session,
      userPk,
      username: loggedIn,
      usedMfa,
    } = passedOrRefuse(await login(request, { core, metrics, clock }));
    const identity = {
      provider,
      userPk,
      username: loggedIn,
      canSearch: false,
      sessionId: session.id,
      session,
      usedMfa,
    };
    try {
      if (form.mfaRequired && !usedMfa)
        throw new Refusal(resultCode.invalidCredentials, '', {
          logged: 'a second factor is required here, and the login flow asked for none',
          reason: 'invalid_credentials',
        });
      return { ...identity, canSearch: await checkedAccess(attempt, session, limit) };
    } catch (error) {
      void endSession(identity, clientIp).catch(() => undefined); // best effort: the refusal is what counts
      throw error;
    }
  };

  const checkedAccess = async (
    { provider, clientIp }: BindAttempt,
    session: CoreSession,
    limit: AbortSignal,
  ): Promise<boolean> => {
    const check = await checkAccess(outpost().core, {
      type: 'ldap',
      providerPk: provider.pk,
      applicationSlug: provider.applicationSlug,
      session,
      remoteIp: clientIp,
      signal: limit,
    });
    if (check.access.passing) return check.has_search_permission;
    throw new Refusal(resultCode.insufficientAccessRights, '', {
      logged: 'access to the application is denied',
      reason: 'access_denied',
    });
  };

  const endSession: Logins['endSession'] = async ({ provider, session }, clientIp) => {
    const { unbindFlow: flowSlug } = provider;
    if (flowSlug === null) return;
    const request = { flowSlug, session, remoteIp: clientIp, protocol: 'ldap', signal } as const;
    await logouts.run(() => logout(outpost().core, request), signal);
  };

  return {
    recall(attempt) {
      const { provider } = attempt;
      const secret = attempt.password.toString('utf8');
      const known = provider.bindMode === 'cached' ? verdicts.find(keyOf(attempt, secret)) : undefined;
      if (known !== undefined || rememberMs === 0) return known?.identity;
      return verdicts.find(keyAtClient(attempt, secret))?.identity;
    },
    async authenticate(attempt) {
      const { provider } = attempt;
      if (attempt.certificatePem !== undefined) return inTurn(attempt);
      const secret = attempt.password.toString('utf8');
      const typed = splitPasswordCode(secret, formOf(provider));
      const hasCode = provider.mfaSupport && typed.code !== undefined;
      const lifeMs = provider.bindMode === 'direct' ? 0 : hasCode ? Math.min(cacheMs, codeLifeMs) : cacheMs;
      const keep = (identity: Identity) => ({ lifeMs, verdict: verdictOf(identity) });
      const identity = await verdicts.resolve(keyOf(attempt, secret), () => inTurn(attempt), keep);
      if (rememberMs > 0 && identity.usedMfa)
        for (const shown of new Set([secret, typed.password]))
          verdicts.remember(keyAtClient(attempt, shown), verdictOf(identity), rememberMs);
      return identity;
    },
    async changePassword({ identity, oldPassword, newPassword, clientIp, flowSlug }) {
      const { provider, username } = identity;
      const proven = await inTurn({ provider, username, password: oldPassword, clientIp });
      const { session } = proven;
      const time = timeLimit();
      const limit = AbortSignal.any([signal, time]);
      const change = { flowSlug, session, newPassword, remoteIp: clientIp, protocol: 'ldap', signal: limit } as const;
      try {
        const outcome = await changePassword(outpost().core, change);
        if (outcome.kind === 'changed') verdicts.dropUser(proven.userPk);
        return outcome;
      } catch (error) {
        throw time.aborted && error === time.reason ? tooLate() : error;
      } finally {
        void endSession(proven, clientIp).catch(() => undefined); // best effort: the change is what counts
      }
    },
    endSession,
    get waiting() {
      return turns.waiting;
    },
  };
}

function tooLate(): Refusal {
  return new Refusal(resultCode.unavailable, 'the identity core takes too long', { reason: 'flow_error' });
}

type Passed = Extract<LoginOutcome, { readonly kind: 'passed' }>;

function passedOrRefuse(outcome: LoginOutcome): Passed {
  if (outcome.kind === 'passed') return outcome;
  if (outcome.kind === 'unanswerable' && outcome.component === 'ak-stage-flow-error')
    throw new Refusal(resultCode.unavailable, 'the login flow failed in the core', { reason: 'flow_error' });
  if (outcome.kind === 'unanswerable')
    throw new Refusal(resultCode.invalidCredentials, '', {
      logged: `the login flow asks for ${outcome.component}, which only a browser can answer`,
      reason: 'flow_error',
    });
  throw new Refusal(resultCode.invalidCredentials, '', {
    logged: outcome.message,
    reason: outcome.reason === 'invalid_credentials' ? 'invalid_credentials' : 'flow_error',
  });
}

function verdictOf(identity: Identity): BindVerdict {
  const { userPk, sessionId, provider, session } = identity;
  return { userPk, sessionId, providerPk: provider.pk, expiresAtMs: session.expiresAtMs, identity };
}

function keyOf({ provider, username }: BindAttempt, secret: string): VerdictKey {
  return { providerPk: provider.pk, identity: username.toLowerCase(), secret };
}

/** A second factor was shown at this address only. */
function keyAtClient(attempt: BindAttempt, secret: string): VerdictKey {
  const key = keyOf(attempt, secret);
  return { ...key, identity: `${attempt.clientIp} ${key.identity}` };
}
