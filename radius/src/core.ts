// What the core is asked and tells (DESIGN §2: only this file touches outpost and contract for it): providers, logins by
// flow, the access check, and whether it can be asked at all. Trouble with the core is thrown, never a refusal.
import type { RadiusProviderRow } from '@gatehouse/contract/rest';
import { radiusProviderRow, rootConfigRow } from '@gatehouse/contract/rest';
import { type Clock, createSemaphore, type Semaphore } from '@gatehouse/daemon/async';
import type { Secret } from '@gatehouse/daemon/config';
import { isGatewayError } from '@gatehouse/daemon/errors';
import type { Health } from '@gatehouse/daemon/health';
import type { Logger } from '@gatehouse/daemon/log';
import type { Metrics } from '@gatehouse/daemon/metrics';
import { type CertificatePair, type Outpost, startOutpost } from '@gatehouse/outpost';
import { type CoreSession, checkAccess, login, splitPasswordCode } from '@gatehouse/outpost/login';
import { createVerdictCache, type Verdict } from '@gatehouse/outpost/verdicts';
import type { Provider } from './clients/provider.ts';
import type { RejectReason } from './errors.ts';

export interface CoreOptions {
  readonly config: { readonly host: string; readonly token: Secret; readonly insecure: boolean };
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly verdictMs: number;
  readonly flowTimeoutMs: number;
  readonly flowsPerProvider: number;
  readonly onProviders: (rows: readonly RadiusProviderRow[]) => void;
  readonly onSessionEnd: (sessionId: string) => void;
}

export interface AccessRequest {
  readonly provider: Provider;
  readonly username: string;
  /** Empty where a certificate speaks for the user. */
  readonly password: string;
  readonly remoteIp: string;
  readonly certificatePem?: string;
}

export interface Access extends Verdict {
  readonly kind: 'accepted';
  readonly username: string;
  /** Reply attributes as the core sent them; `undefined` when it sent none. */
  readonly attributes: string | undefined;
  readonly session: CoreSession;
}

export type AccessOutcome =
  | Access
  | { readonly kind: 'refused'; readonly reason: RejectReason; readonly message: string }
  /** As many logins wait for this provider as may. */
  | { readonly kind: 'overload' };

export interface Core {
  /** @throws GatewayError when the core cannot be asked */
  access(request: AccessRequest): Promise<AccessOutcome>;
  /** For Status-Server: heard of within the last minute, or right now. */
  isReachable(): Promise<boolean>;
  certificate(provider: Provider): CertificatePair | undefined;
  readonly outpostName: () => string;
  /** Sends an event; throws when it should be tried again. */
  readonly report: (event: object) => Promise<void>;
  readonly refresh: () => Promise<void>;
  close(): Promise<void>;
}

const maxVerdicts = 100_000;
const maxWaiting = 1_000;
const heardOfMs = 60_000;
const probeTimeoutMs = 2_000;

export function connectCore(options: CoreOptions): Core {
  const verdicts = createVerdictCache<Access>({ clock: options.clock, maxEntries: maxVerdicts });
  const contact = { lastMs: Number.NEGATIVE_INFINITY };
  const outpost = startOutpost({
    ...options,
    type: 'radius',
    providerRow: radiusProviderRow,
    onProviders(rows) {
      contact.lastMs = options.clock.monotonicMs();
      verdicts.clear();
      options.onProviders(rows);
    },
    onSessionEnd(sessionId) {
      verdicts.dropSession(sessionId);
      options.onSessionEnd(sessionId);
    },
    // Changes cannot be heard of while the channel is down.
    onChannel: (isOpen) => verdicts.setCeiling(isOpen ? undefined : 10_000),
  });
  const queues = new Map<number, Semaphore>();
  const inTurn = async (request: AccessRequest): Promise<AccessOutcome> => {
    const queue = queues.get(request.provider.pk) ?? createSemaphore(options.flowsPerProvider);
    queues.set(request.provider.pk, queue);
    if (queue.waiting >= maxWaiting) return { kind: 'overload' };
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.flowTimeoutMs)]);
    const outcome = await queue.run(() => askCore(outpost, options, request, signal), signal);
    contact.lastMs = options.clock.monotonicMs();
    return outcome;
  };
  const watched = (request: AccessRequest) =>
    inTurn(request).catch((error: unknown) => {
      contact.lastMs = Number.NEGATIVE_INFINITY;
      throw error;
    });
  return {
    access(request) {
      // A one-time code proves something once only, and a certificate is checked by the core each time.
      const { code } = splitPasswordCode(request.password, request.provider.mfaSupport);
      const isRepeatable = request.certificatePem === undefined && (code === undefined || !request.provider.mfaSupport);
      if (!isRepeatable) return watched(request);
      // The address is part of it: the core's policies may look at it.
      const identity = `${request.remoteIp} ${request.username}`;
      const key = { providerPk: request.provider.pk, identity, secret: request.password };
      const known = verdicts.find(key);
      if (known !== undefined) return Promise.resolve(known);
      return verdicts.resolve(
        key,
        () => watched(request),
        (outcome) => (outcome.kind === 'accepted' ? { verdict: outcome, lifeMs: options.verdictMs } : undefined),
      );
    },
    async isReachable() {
      if (options.clock.monotonicMs() - contact.lastMs < heardOfMs) return true;
      const isUp = await outpost.core
        .get('/root/config/', rootConfigRow, { signal: AbortSignal.timeout(probeTimeoutMs) })
        .then(() => true)
        .catch(() => false); // whatever it is, the core cannot be asked
      if (isUp) contact.lastMs = options.clock.monotonicMs();
      return isUp;
    },
    certificate: ({ certificate }) => (certificate === undefined ? undefined : outpost.certificates.get(certificate)),
    outpostName: outpost.name,
    async report(event) {
      const answer = await outpost.core.raw({
        method: 'POST',
        target: outpost.core.target('/events/events/'),
        headers: {
          authorization: `Bearer ${options.config.token.reveal()}`,
          'content-type': 'application/json',
          'user-agent': outpost.core.options.userAgent,
        },
        body: JSON.stringify(event),
        signal: options.signal,
      });
      if (answer.status >= 500) throw new Error(`the core answered ${answer.status}`);
      // What the core does not accept will not become acceptable.
      if (answer.status >= 300) options.log.warn('event refused by the core', { status: answer.status });
    },
    refresh: () => outpost.refresh(),
    close: () => outpost.close(),
  };
}

/** Flow, then access check in the session it gave (radius.md §5.3, §5.4). */
async function askCore(
  outpost: Outpost,
  { clock, log }: CoreOptions,
  request: AccessRequest,
  signal: AbortSignal,
): Promise<AccessOutcome> {
  const { provider, username, remoteIp, certificatePem } = request;
  const deps = { core: outpost.core, metrics: outpost.metrics, clock };
  const outcome = await login(
    {
      flowSlug: provider.flowSlug,
      username,
      secret: request.password,
      mfaSupport: provider.mfaSupport,
      remoteIp,
      protocol: 'radius',
      signal,
      ...(certificatePem === undefined ? {} : { certificatePem }),
    },
    deps,
  );
  if (outcome.kind === 'unanswerable')
    return refuse(log, request, 'flow_error', `the flow asks for ${outcome.component}, which needs a browser`);
  if (outcome.kind === 'refused') {
    const reason = outcome.reason === 'invalid_credentials' ? 'invalid_credentials' : 'flow_error';
    return refuse(log, request, reason, outcome.message);
  }
  const { session, userPk } = outcome;
  const check = { type: 'radius', providerPk: provider.pk, applicationSlug: provider.app, session, remoteIp } as const;
  const checked = await checkAccess(outpost.core, { ...check, signal }).catch((error: unknown) => {
    if (isGatewayError(error) && refusals.has(error.code)) return error;
    throw error;
  });
  if (isGatewayError(checked)) {
    log.warn('failed to check access', { username, error: checked.message, hint: checked.hint });
    return { kind: 'refused', reason: 'access_check_fail', message: checked.message };
  }
  if (!checked.access.passing) {
    log.info('Access denied for user', { username, provider: provider.name });
    return { kind: 'refused', reason: 'access_denied', message: 'denied by policy' };
  }
  return {
    kind: 'accepted',
    username: outcome.username,
    userPk,
    sessionId: session.id,
    providerPk: provider.pk,
    expiresAtMs: session.expiresAtMs,
    attributes: checked.attributes ?? undefined,
    session,
  };
}

/** Answers of the core that are about this user and application, not about its own state. */
const refusals = new Set(['ERR_CONTRACT_FORBIDDEN', 'ERR_CONTRACT_NOT_FOUND', 'ERR_CONTRACT_REFUSED']);

function refuse(
  log: Logger,
  { username, provider }: AccessRequest,
  reason: RejectReason,
  message: string,
): AccessOutcome {
  log.warn('failed to execute flow', { username, error: message, flow: provider.flowSlug, reason });
  return { kind: 'refused', reason, message };
}
