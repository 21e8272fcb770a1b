// What the core is asked and tells (DESIGN §2: only this file and its two helpers touch outpost and contract): providers, logins by
// flow, the access check, and whether it can be asked at all. Trouble with the core is thrown, never a refusal.
import type { RadiusProviderRow } from '@gatehouse/contract/rest';
import { radiusProviderRow, rootConfigRow } from '@gatehouse/contract/rest';
import { type Clock, createSemaphore, type Semaphore, within } from '@gatehouse/daemon/async';
import type { Secret } from '@gatehouse/daemon/config';
import type { Health } from '@gatehouse/daemon/health';
import type { Logger } from '@gatehouse/daemon/log';
import type { Metrics } from '@gatehouse/daemon/metrics';
import { type CertificatePair, type Outpost, startOutpost } from '@gatehouse/outpost';
import { splitPasswordCode } from '@gatehouse/outpost/login';
import { createVerdictCache, type Verdict, type VerdictCache, type VerdictKey } from '@gatehouse/outpost/verdicts';
import type { Claim } from './authentication/claim.ts';
import type { Provider } from './clients/provider.ts';
import { askByCertificate, askByMsChap } from './core-assertion.ts';
import { askByFlow } from './core-flow.ts';
import type { RejectReason } from './errors.ts';
import type { News } from './workers/messages.ts';
import type { Siblings } from './workers/siblings.ts';

export interface CoreOptions {
  readonly config: { readonly host: string; readonly token: Secret; readonly insecure: boolean };
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Other processes of this outpost, with which verdicts are shared. */
  readonly siblings?: Siblings;
  readonly verdictMs: number;
  readonly flowTimeoutMs: number;
  readonly flowsPerProvider: number;
  readonly onProviders: (rows: readonly RadiusProviderRow[]) => void;
  readonly onSessionEnd: (sessionId: string) => void;
  /** Of these users, or of everybody, something has changed that logins depend on. */
  readonly onChange: (users?: ReadonlySet<number>) => void;
}

export interface AccessRequest {
  readonly provider: Provider;
  readonly claim: Claim;
  readonly remoteIp: string;
  /** The user can be asked for a code that is missing. */
  readonly canAskForCode: boolean;
  /** What a success is kept under, for logins that resume this one. */
  readonly keepAs: Ticket | undefined;
  /** The core may not be asked here: the request belongs to another worker. */
  readonly mustBeKnown: boolean;
}

/** Names a login for those that resume it. */
export interface Ticket {
  readonly ticket: string;
  /** For how long; 0 for not at all. */
  readonly lifeMs: number;
}

/** Asks the core anew about somebody whom it has let in before: what has become of session, user and policies. */
export type AskAgain = (
  request: Pick<AccessRequest, 'provider' | 'remoteIp'>,
  signal: AbortSignal,
) => Promise<AccessOutcome>;

export interface Access extends Verdict {
  readonly kind: 'accepted';
  readonly username: string;
  readonly groups: readonly string[];
  /** Reply attributes as the core sent them; `undefined` when it sent none. */
  readonly attributes: string | undefined;
  /** What an MS-CHAPv2 peer is told and shares. */
  readonly mschap?: MsChapProof;
  /** Absent where a sibling has told of it. */
  readonly askAgain?: AskAgain;
}

export interface MsChapProof {
  /** `S=…` */
  readonly authenticatorResponse: string;
  readonly sendKey: Buffer;
  readonly recvKey: Buffer;
}

export type AccessOutcome =
  | Access
  | { readonly kind: 'refused'; readonly reason: RejectReason; readonly message: string }
  | CodeWanted
  /** As many logins wait for this provider as may. */
  | { readonly kind: 'overload' }
  /** It is not known, and had to be. */
  | { readonly kind: 'elsewhere' };

export interface CodeWanted {
  readonly kind: 'code_wanted';
  readonly prompt: string;
  readonly resume: (code: string, signal: AbortSignal) => Promise<AccessOutcome>;
}

/** As it is told: what is absent is left out. */
function toldOf(verdict: Access): Extract<News, { kind: 'verdict' }>['verdict'] {
  const { kind, username, groups, userPk, sessionId, providerPk, attributes, expiresAtMs } = verdict;
  return {
    kind,
    username,
    groups,
    userPk,
    sessionId,
    providerPk,
    ...(attributes === undefined ? {} : { attributes }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  };
}

const elsewhere: AccessOutcome = { kind: 'elsewhere' };

export interface Core {
  /** What a sibling has to tell. */
  hear(news: News): void;
  /** At once where the verdict is known. @throws GatewayError when the core cannot be asked */
  access(request: AccessRequest): AccessOutcome | Promise<AccessOutcome>;
  /** For Status-Server: heard of within the last minute, or right now. */
  isReachable(): Promise<boolean>;
  /** A login that may be resumed, as far as was heard: the core is asked again when it comes to that. */
  holdsTicket(provider: Provider, ticket: string): boolean;
  certificate(provider: Provider): CertificatePair | undefined;
  readonly outpostName: () => string;
  /** Sends an event; throws when it should be tried again. */
  readonly report: (event: object) => Promise<void>;
  readonly refresh: () => Promise<void>;
  close(): Promise<void>;
}

const maxVerdicts = 100_000;
const maxTickets = 10_000;
const maxWaiting = 1_000;
const heardOfMs = 60_000;
const probeTimeoutMs = 2_000;

export function connectCore(options: CoreOptions): Core {
  const { siblings } = options;
  let isChannelOpen = false;
  const verdicts = createVerdictCache<Access>({
    clock: options.clock,
    maxEntries: maxVerdicts,
    ...(siblings === undefined ? {} : { key: siblings.verdictKey }),
    // Whoever cannot hear of changes could not tell the others either.
    onKept: (digest, verdict, lifeMs) =>
      isChannelOpen ? siblings?.tell({ kind: 'verdict', digest, verdict: toldOf(verdict), lifeMs }) : undefined,
  });
  const tickets = createVerdictCache<Access>({ clock: options.clock, maxEntries: maxTickets });
  const contact = { lastMs: Number.NEGATIVE_INFINITY };
  const outpost = startOutpost({
    ...options,
    type: 'radius',
    providerRow: radiusProviderRow,
    onProviders(rows) {
      contact.lastMs = options.clock.monotonicMs();
      verdicts.clear();
      siblings?.tell({ kind: 'changed', all: true, access: true, users: [] });
      options.onProviders(rows);
    },
    onSessionEnd(sessionId) {
      verdicts.dropSession(sessionId);
      tickets.dropSession(sessionId);
      // Behind every verdict of this worker, so that the others drop what they have got from it.
      siblings?.tell({ kind: 'session_ended', sessionId });
      options.onSessionEnd(sessionId);
    },
    onChanges(changes) {
      verdicts.dropChanged(changes);
      tickets.dropChanged(changes);
      const { all, access, users, groups } = changes;
      siblings?.tell({ kind: 'changed', all, access, users: [...users] });
      options.onChange(all || access || groups.length > 0 ? undefined : new Set(users));
    },
    // Changes cannot be heard of while the channel is down.
    onChannel(isOpen) {
      isChannelOpen = isOpen;
      const ceilingMs = isOpen ? undefined : 10_000;
      verdicts.setCeiling(ceilingMs);
      tickets.setCeiling(ceilingMs);
    },
  });
  const queues = new Map<number, Semaphore>();
  const inTurn = async (request: AccessRequest): Promise<AccessOutcome> => {
    const queue = queues.get(request.provider.pk) ?? createSemaphore(options.flowsPerProvider);
    queues.set(request.provider.pk, queue);
    if (queue.waiting >= maxWaiting) return { kind: 'overload' };
    const signal = within(options.flowTimeoutMs, options.signal);
    const outcome = watchedSteps(await queue.run(() => ask({ ...options, outpost, tickets }, request, signal), signal));
    contact.lastMs = options.clock.monotonicMs();
    return outcome;
  };
  const watch = <T>(asked: Promise<T>) =>
    asked.catch((error: unknown) => {
      contact.lastMs = Number.NEGATIVE_INFINITY;
      throw error;
    });
  const watchedSteps = (outcome: AccessOutcome): AccessOutcome =>
    outcome.kind === 'code_wanted'
      ? { ...outcome, resume: (code, signal) => watch(outcome.resume(code, signal)).then(watchedSteps) }
      : outcome;
  const watched = (request: AccessRequest) => watch(inTurn(request));
  const decide = (request: AccessRequest): AccessOutcome | Promise<AccessOutcome> => {
    const key = verdictKeyOf(request);
    if (key === undefined) return request.mustBeKnown ? elsewhere : watched(request);
    const known = verdicts.find(key);
    if (known !== undefined && isHeld(request)) return known;
    if (request.mustBeKnown) return elsewhere;
    return verdicts.resolve(
      key,
      () => watched(request),
      (outcome) => (outcome.kind === 'accepted' ? { verdict: outcome, lifeMs: options.verdictMs } : undefined),
    );
  };
  const holdsTicket = (providerPk: number, ticket: string) => tickets.find(ticketKey(providerPk, ticket)) !== undefined;
  /** A login ends at its own time, however often it was resumed. */
  const isHeld = ({ claim, provider: { pk } }: AccessRequest) =>
    claim.kind !== 'resumed' || holdsTicket(pk, claim.ticket);
  // By way of the cache, which knows what was dropped while the core was being asked.
  const keepTicket = (request: AccessRequest, { ticket, lifeMs }: Ticket) =>
    tickets.resolve(
      ticketKey(request.provider.pk, ticket),
      async () => decide(request),
      (outcome) => (outcome.kind === 'accepted' ? { verdict: outcome, lifeMs } : undefined),
    );
  return {
    hear(news) {
      if (news.kind === 'verdict') {
        const { attributes, expiresAtMs, ...verdict } = news.verdict;
        verdicts.adopt(news.digest, { ...verdict, attributes, expiresAtMs }, news.lifeMs);
      }
      for (const cache of [verdicts, tickets]) {
        if (news.kind === 'session_ended') cache.dropSession(news.sessionId);
        if (news.kind === 'changed') cache.dropChanged(news);
      }
    },
    access(request) {
      const { keepAs, claim } = request;
      // A certificate is shown again, and judged and asked about as if it were new.
      const isKept = claim.kind === 'password' || claim.kind === 'mschapv2';
      return isKept && keepAs !== undefined && keepAs.lifeMs > 0 ? keepTicket(request, keepAs) : decide(request);
    },
    holdsTicket: ({ pk }, ticket) => holdsTicket(pk, ticket),
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

/**
 * What a success may be remembered by; `undefined` where it proves something once only: a one-time code, a challenge. A client
 * certificate has been checked here for this very login, so it is the access of its user that is remembered; a resumed session
 * proves that the peer of a login is there again, so it is what the core last said of that login. The address of the device is
 * part of it: the core's policies may look at it.
 */
function verdictKeyOf({ claim, provider, remoteIp, canAskForCode }: AccessRequest): VerdictKey | undefined {
  const { pk: providerPk, mfaSupport } = provider;
  if (claim.kind === 'local_certificate')
    return { providerPk, identity: `certificate ${remoteIp} ${claim.username}`, secret: '' };
  if (claim.kind === 'resumed') return { providerPk, identity: `resumed ${remoteIp} ${claim.ticket}`, secret: '' };
  // Who may be asked for a code has a flow of their own.
  if (claim.kind !== 'password' || canAskForCode) return undefined;
  if (mfaSupport && splitPasswordCode(claim.password, { mfaSupport }).code !== undefined) return undefined;
  return { providerPk, identity: `${remoteIp} ${claim.username}`, secret: claim.password };
}

function ticketKey(providerPk: number, ticket: string): VerdictKey {
  return { providerPk, identity: 'ticket', secret: ticket };
}

/** The login is looked for again, since it may have been dropped meanwhile, and dropped where the core has refused it. */
async function askResumed(
  { tickets }: { readonly tickets: VerdictCache<Access> },
  request: AccessRequest,
  ticket: string,
  signal: AbortSignal,
): Promise<AccessOutcome> {
  const known = tickets.find(ticketKey(request.provider.pk, ticket));
  const outcome = await known?.askAgain?.(request, signal);
  if (outcome?.kind === 'accepted') return outcome;
  if (known !== undefined) tickets.dropUser(known.userPk);
  return outcome ?? { kind: 'refused', reason: 'access_denied', message: 'the login that is resumed holds no longer' };
}

function ask(
  deps: CoreOptions & { readonly outpost: Outpost; readonly tickets: VerdictCache<Access> },
  request: AccessRequest,
  signal: AbortSignal,
): Promise<AccessOutcome> {
  const { claim } = request;
  switch (claim.kind) {
    case 'resumed':
      return askResumed(deps, request, claim.ticket, signal);
    case 'mschapv2':
      return askByMsChap(deps, request, claim, signal);
    case 'local_certificate':
      return askByCertificate(deps, request, claim, signal);
    case 'password':
    case 'certificate':
      return askByFlow(deps, request, signal);
  }
}
