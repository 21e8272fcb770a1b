// Headless login (flow-executor.md §3 with F2–F5, F18–F20). "Passed" needs three proofs: the flow ended in a redirect, the
// session says authenticated, and the core names the very user that was typed.
import {
  type CoreClient,
  createFlowSession,
  type FlowAnswer,
  type FlowQuery,
  type FlowSession,
} from '@gatehouse/contract/client';
import { sessionId } from '@gatehouse/contract/control-channel';
import type { ReceivedChallenge } from '@gatehouse/contract/flow';
import { currentUserRow } from '@gatehouse/contract/rest';
import type { Clock } from '@gatehouse/daemon/async';
import type { OutpostMetrics } from '../metrics.ts';
import { type Credentials, type SecretForm, splitPasswordCode } from './mfa-code.ts';
import type { CodeWanted, LoginOutcome } from './outcome.ts';
import { chooseCodeDevice, solve } from './solvers.ts';

/** Challenges answered in one run; the reference's own bound. */
const maxAnswers = 9;
const authenticatorStage = 'ak-stage-authenticator-validate';
const credentialStages = new Set(['ak-stage-identification', 'ak-stage-password', authenticatorStage]);

export interface LoginRequest extends SecretForm {
  readonly flowSlug: string;
  readonly username: string;
  readonly secret: string;
  /** Where no code was typed, the core may send one by text message or e-mail. Default: no. */
  readonly sendCodes?: boolean;
  readonly remoteIp: string;
  readonly protocol: 'ldap' | 'radius';
  readonly signal: AbortSignal;
  /** PEM of a verified client certificate (EAP-TLS). */
  readonly certificatePem?: string;
}

export interface LoginDependencies {
  readonly core: CoreClient;
  readonly metrics: OutpostMetrics;
  readonly clock: Clock;
}

/** @throws GatewayError `ERR_CONTRACT_…` when the core cannot be asked or answers nonsense; never a refusal then */
export async function login(request: LoginRequest, deps: LoginDependencies): Promise<LoginOutcome> {
  const outcome = await counted(request, deps, () => runLogin(request, deps, false));
  return outcome.kind === 'code_wanted' ? codeMissing : outcome;
}

/** As {@link login}, for callers that can ask the user for a code and come back with it (RADIUS Access-Challenge). */
export function loginInSteps(request: LoginRequest, deps: LoginDependencies): Promise<LoginOutcome | CodeWanted> {
  return counted(request, deps, () => runLogin(request, deps, true));
}

type Outcome = LoginOutcome | CodeWanted;

async function counted(request: LoginRequest, deps: LoginDependencies, run: () => Promise<Outcome>): Promise<Outcome> {
  const count = (result: string) => deps.metrics.flowTotal.add({ flow: request.flowSlug, result });
  const outcome = await run().catch((error: unknown) => {
    count('error');
    throw error;
  });
  count(outcome.kind);
  return outcome;
}

async function runLogin(request: LoginRequest, deps: LoginDependencies, canAskForCode: boolean): Promise<Outcome> {
  const session = createFlowSession(deps.core, {
    remoteIp: request.remoteIp,
    ...(request.certificatePem === undefined ? {} : { certificatePem: request.certificatePem }),
  });
  const query: FlowQuery = { [`goauthentik.io/outpost/${request.protocol}`]: 'true' };
  const run: Run = {
    session,
    query,
    credentials: splitPasswordCode(request.secret, request),
    answered: new Set(),
    answers: 0,
    canAskForCode,
  };
  return drive(run, await timedGet(session, query, request, deps), request, deps);
}

interface Run {
  readonly session: FlowSession;
  readonly query: FlowQuery;
  readonly credentials: Credentials;
  readonly answered: Set<string>;
  answers: number;
  readonly canAskForCode: boolean;
}

/** Answers challenges until the flow ends, or wants what nobody has typed yet. */
async function drive(
  run: Run,
  shown: ReceivedChallenge,
  request: LoginRequest,
  deps: LoginDependencies,
): Promise<Outcome> {
  for (let challenge = shown; ; run.answers++) {
    const end = readEnd(challenge);
    if (end === 'redirect') return verifySession(run.session, request, run.answered.has(authenticatorStage));
    if (end !== undefined) return end;
    // F5: a credential stage that comes back after its answer means refusal, not another try with the same secret.
    if (credentialStages.has(challenge.component) && run.answered.has(challenge.component)) {
      return { kind: 'refused', reason: 'invalid_credentials', message: `${challenge.component} was asked again` };
    }
    if (run.answers === maxAnswers) return { kind: 'unanswerable', component: `more than ${maxAnswers} stages` };
    const solution = solve(
      challenge,
      request.username,
      run.credentials,
      !run.canAskForCode && request.sendCodes === true,
    );
    if (solution.kind === 'mfa_required') return run.canAskForCode ? park(run, challenge, request, deps) : codeMissing;
    if (solution.kind === 'unanswerable') return { kind: 'unanswerable', component: challenge.component };
    if (solution.kind === 'send_code') {
      await timedAnswer(run, solution.body, request, deps);
      return { kind: 'refused', reason: 'mfa_required', message: `a code was sent by ${solution.by}` };
    }
    run.answered.add(challenge.component);
    challenge = await timedAnswer(run, solution.body, request, deps);
  }
}

const codeMissing: LoginOutcome = {
  kind: 'refused',
  reason: 'mfa_required',
  message: 'no usable authenticator or no code given',
};

/** The flow waits until the user has typed a code. A code that is sent to somebody is sent now. */
async function park(
  run: Run,
  challenge: ReceivedChallenge,
  request: LoginRequest,
  deps: LoginDependencies,
): Promise<Outcome> {
  const device = chooseCodeDevice(challenge);
  if (device === undefined) return codeMissing;
  if (device.isSent) {
    const shown = await timedAnswer(
      run,
      { component: challenge.component, selected_challenge: device.challenge },
      request,
      deps,
    );
    const end = readEnd(shown);
    if (end !== undefined && end !== 'redirect') return end;
  }
  return {
    kind: 'code_wanted',
    prompt: device.prompt,
    async resume(code, signal) {
      // Choosing a device again would send another code: one that was sent goes out alone.
      const chosen = device.isSent ? {} : { selected_challenge: device.challenge };
      const body = { component: challenge.component, ...chosen, code };
      run.answered.add(challenge.component);
      const now = { ...request, signal };
      return drive(run, await timedAnswer(run, body, now, deps), now, deps);
    },
  };
}

async function timedAnswer(
  { session, query }: Run,
  body: FlowAnswer,
  request: LoginRequest,
  deps: LoginDependencies,
): Promise<ReceivedChallenge> {
  const startedMs = deps.clock.monotonicMs();
  const challenge = await session.answer(request.flowSlug, query, body, request.signal);
  deps.metrics.flowPost.observe(
    { stage: challenge.component, flow: request.flowSlug },
    (deps.clock.monotonicMs() - startedMs) / 1000,
  );
  return challenge;
}

async function timedGet(
  session: FlowSession,
  query: FlowQuery,
  request: LoginRequest,
  deps: LoginDependencies,
): Promise<ReceivedChallenge> {
  const startedMs = deps.clock.monotonicMs();
  const challenge = await session.challenge(request.flowSlug, query, request.signal);
  deps.metrics.flowGet.observe(
    { stage: challenge.component, flow: request.flowSlug },
    (deps.clock.monotonicMs() - startedMs) / 1000,
  );
  return challenge;
}

/** Whether the flow is over: by errors in the challenge, denial, or a redirect. */
function readEnd(challenge: ReceivedChallenge): LoginOutcome | 'redirect' | undefined {
  const errors = Object.entries(challenge.response_errors ?? {}).filter(([, list]) => list.length > 0);
  if (errors.length > 0) {
    const [field, list] = errors.find(([name]) => name === 'non_field_errors') ?? errors[0] ?? ['', []];
    return { kind: 'refused', reason: 'invalid_credentials', message: `${field}: ${list[0]?.string ?? ''}` };
  }
  if (challenge.component === 'ak-stage-access-denied')
    return { kind: 'refused', reason: 'flow_denied', message: challenge.error_message ?? 'denied' };
  return challenge.component === 'xak-flow-redirect' ? 'redirect' : undefined;
}

/** F3: a redirect alone proves nothing. */
async function verifySession(session: FlowSession, request: LoginRequest, usedMfa: boolean): Promise<LoginOutcome> {
  const { cookie } = session;
  if (cookie === undefined || cookie.authenticated === false) {
    return { kind: 'refused', reason: 'not_logged_in', message: 'the flow ended without a logged-in session' };
  }
  const { user } = await session.get('/core/users/me/', currentUserRow, { signal: request.signal });
  const current = session.cookie ?? cookie;
  // A certificate says who it is; the name outside is often `anonymous`, and nobody has proved it.
  const isAsked = request.certificatePem !== undefined || isSameUser(user, request.username);
  if (current.sid === '' || !isAsked) {
    return { kind: 'refused', reason: 'not_logged_in', message: 'the session belongs to somebody else' };
  }
  const core = { id: sessionId(current.sid), cookie: current.value, expiresAtMs: current.expiresAtMs };
  return {
    kind: 'passed',
    session: core,
    userPk: user.pk,
    username: user.username,
    usedMfa,
    groups: user.groups.map(({ name }) => name),
  };
}

/**
 * The name typed may be the user name, the e-mail address or a UPN. The core does not tell a user's UPN here, so what looks
 * like one is the core's to match; a plain name must be the very user's.
 */
function isSameUser(user: { username: string; email: string }, typed: string): boolean {
  const fold = (text: string) => text.normalize('NFKC').toLowerCase();
  const name = fold(typed);
  return fold(user.username) === name || fold(user.email) === name || name.includes('@');
}
