// Logins by the core's flow: run it, then the access check in the session it gave (radius.md §5.3, §5.4). Called by core.ts.
import { type GatewayError, isGatewayError } from '@gatehouse/daemon/errors';
import type { Outpost } from '@gatehouse/outpost';
import {
  type CodeWanted,
  checkAccess,
  currentGroups,
  type LoginOutcome,
  login,
  loginInSteps,
} from '@gatehouse/outpost/login';
import type { AccessOutcome, AccessRequest, CoreOptions } from './core.ts';
import type { RejectReason } from './errors.ts';

type Deps = Pick<CoreOptions, 'clock' | 'log'> & { readonly outpost: Outpost };

/** @throws GatewayError when the core cannot be asked */
export async function askByFlow(deps: Deps, request: AccessRequest, signal: AbortSignal): Promise<AccessOutcome> {
  const { outpost, clock } = deps;
  const { provider, claim, remoteIp } = request;
  const given = {
    flowSlug: provider.flowSlug,
    username: claim.username,
    secret: claim.kind === 'password' ? claim.password : '',
    mfaSupport: provider.mfaSupport,
    remoteIp,
    protocol: 'radius',
    signal,
    ...(claim.kind === 'certificate' ? { certificatePem: claim.certificatePem } : {}),
  } as const;
  const run = request.canAskForCode ? loginInSteps : login;
  return settle(deps, request, await run(given, { core: outpost.core, metrics: outpost.metrics, clock }), signal);
}

async function settle(
  deps: Deps,
  request: AccessRequest,
  outcome: LoginOutcome | CodeWanted,
  signal: AbortSignal,
): Promise<AccessOutcome> {
  switch (outcome.kind) {
    case 'code_wanted': {
      const { prompt } = outcome;
      const resume = async (code: string, later: AbortSignal) =>
        settle(deps, request, await outcome.resume(code, later), later);
      return { kind: 'code_wanted', prompt, resume };
    }
    case 'unanswerable':
      return refuse(deps, request, 'flow_error', `the flow asks for ${outcome.component}, which needs a browser`);
    case 'refused': {
      const reason = outcome.reason === 'invalid_credentials' ? 'invalid_credentials' : 'flow_error';
      return refuse(deps, request, reason, outcome.message);
    }
    case 'passed':
      return check(deps, request, outcome, signal);
  }
}

type Passed = Extract<LoginOutcome, { kind: 'passed' }>;
type Asked = Pick<AccessRequest, 'provider' | 'remoteIp'>;

/** Of a login that was passed earlier: groups and access may be others by now, and the session may have ended. */
async function checkAgain(deps: Deps, asked: Asked, passed: Passed, signal: AbortSignal): Promise<AccessOutcome> {
  const { session } = passed;
  const groups = await orRefusal(currentGroups(deps.outpost.core, { session, remoteIp: asked.remoteIp, signal }));
  return isGatewayError(groups) ? refuseCheck(deps, passed, groups) : check(deps, asked, { ...passed, groups }, signal);
}

async function check(
  deps: Deps,
  { provider, remoteIp }: Asked,
  passed: Passed,
  signal: AbortSignal,
): Promise<AccessOutcome> {
  const { outpost, log } = deps;
  const { session, userPk, username, groups } = passed;
  const asked = { type: 'radius', providerPk: provider.pk, applicationSlug: provider.app, session, remoteIp } as const;
  const checked = await orRefusal(checkAccess(outpost.core, { ...asked, signal }));
  if (isGatewayError(checked)) return refuseCheck(deps, passed, checked);
  if (!checked.access.passing) {
    log.info('Access denied for user', { username, provider: provider.name });
    return { kind: 'refused', reason: 'access_denied', message: 'denied by policy' };
  }
  return {
    kind: 'accepted',
    username,
    groups,
    userPk,
    sessionId: session.id,
    providerPk: provider.pk,
    expiresAtMs: session.expiresAtMs,
    attributes: checked.attributes ?? undefined,
    askAgain: (again, later) => checkAgain(deps, again, passed, later),
  };
}

/** What the core says about the user, as a value; trouble with the core stays a throw. */
async function orRefusal<T>(asked: Promise<T>) {
  return asked.catch((error: unknown) => {
    if (isGatewayError(error) && refusals.has(error.code)) return error;
    throw error;
  });
}

function refuseCheck({ log }: Deps, { username }: Passed, { message, hint }: GatewayError): AccessOutcome {
  log.warn('failed to check access', { username, error: message, hint });
  return { kind: 'refused', reason: 'access_check_fail', message };
}

/** Answers of the core that are about this user and application, not about its own state. */
const refusals = new Set(['ERR_CONTRACT_FORBIDDEN', 'ERR_CONTRACT_NOT_FOUND', 'ERR_CONTRACT_REFUSED']);

function refuse(
  { log }: Deps,
  { claim: { username }, provider }: AccessRequest,
  reason: RejectReason,
  message: string,
): AccessOutcome {
  log.warn('failed to execute flow', { username, error: message, flow: provider.flowSlug, reason });
  return { kind: 'refused', reason, message };
}
