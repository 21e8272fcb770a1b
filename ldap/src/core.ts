// Everything that the LDAP outpost knows of the core: providers, logins, the directory. The one file that talks to the
// outpost library.
import { ldapProviderRow } from '@gatehouse/contract/rest';
import { contractVersion } from '@gatehouse/contract/versions';
import { type Clock, createSemaphore } from '@gatehouse/daemon/async';
import type { Health } from '@gatehouse/daemon/health';
import type { Logger } from '@gatehouse/daemon/log';
import type { Metrics } from '@gatehouse/daemon/metrics';
import { type CertificatePair, type Outpost, startOutpost } from '@gatehouse/outpost';
import { type CoreSession, checkAccess, login, logout } from '@gatehouse/outpost/login';
import { createVerdictCache, type Verdict, type VerdictCache, type VerdictKey } from '@gatehouse/outpost/verdicts';
import { resultCode } from '@gatehouse/wire/ldap';
import { createReader, type Reader } from './access/reader.ts';
import type { LdapConfig } from './config.ts';
import type { Population, ViewContext } from './directory/build-view.ts';
import type { ServerFacts } from './directory/fixed-entries.ts';
import { type CoreDirectory, createCoreDirectory } from './directory/live.ts';
import { createSnapshot, type Snapshot } from './directory/snapshot.ts';
import { Refusal } from './errors.ts';
import { CustomTypes } from './mapping/custom-attributes.ts';
import { type Provider, providerFromApi } from './providers/provider.ts';

/** Who a connection is after a successful bind. */
export interface Identity {
  readonly provider: Provider;
  readonly userPk: number;
  readonly username: string;
  readonly canSearch: boolean;
  readonly sessionId: string;
  /** To end the session in the core when nobody needs it any more. */
  readonly session: CoreSession;
}

interface BindVerdict extends Verdict {
  readonly identity: Identity;
}

export interface BindAttempt {
  readonly provider: Provider;
  readonly username: string;
  readonly password: Buffer;
  readonly clientIp: string;
  readonly signal: AbortSignal;
}

export interface CoreLink {
  readonly providers: () => readonly Provider[];
  readonly facts: ServerFacts;
  readonly types: CustomTypes;
  /** Whoever bound with the same name and password a short while ago, in cached mode. */
  recall(provider: Provider, username: string, password: Buffer): Identity | undefined;
  /** @throws Refusal with the code of ldap.md §6.5; anything else thrown is trouble, never a refusal */
  authenticate(attempt: BindAttempt): Promise<Identity>;
  readerFor(identity: Identity): Reader;
  certificateOf(id: string): CertificatePair | undefined;
  /** Ends the session in the core; best effort. */
  endSession(identity: Identity, clientIp: string): Promise<void>;
  readonly outpostName: () => string;
  close(): Promise<void>;
}

export interface CoreLinkOptions {
  readonly config: LdapConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProviders: () => void;
  readonly onSessionEnd: (sessionId: string) => void;
}

const mostVerdicts = 100_000;
const mostLogins = 32;
/** With a one-time code in it, a password is only good for the moment. */
const codeLifeMs = 30_000;
/** While the core cannot tell of revocations, nothing is believed for longer. */
const deafCeilingMs = 60_000;

export function connectCore(options: CoreLinkOptions): CoreLink {
  const { config, log, clock, signal } = options;
  const verdicts = createVerdictCache<BindVerdict>({ clock, maxEntries: mostVerdicts });
  const types = new CustomTypes();
  const facts: ServerFacts = { version: contractVersion, saslMechanisms: [] };
  const state: { providers: readonly Provider[]; snapshots: ReadonlyMap<number, Snapshot> } = {
    providers: [],
    snapshots: new Map(),
  };
  const contextOf = (provider: Provider): ViewContext => ({ provider, types, facts });
  const outpost: Outpost = startOutpost({
    type: 'ldap',
    config,
    log,
    metrics: options.metrics,
    health: options.health,
    clock,
    signal,
    providerRow: ldapProviderRow,
    async onProviders(rows) {
      const providers = rows.flatMap((row) => providerFromApi(row) ?? []);
      for (const before of state.providers) {
        const now = providers.find(({ pk }) => pk === before.pk);
        if (JSON.stringify(now) !== JSON.stringify(before)) verdicts.dropProvider(before.pk);
      }
      state.providers = providers;
      options.onProviders();
      state.snapshots = await refreshSnapshots(providers);
    },
    onSessionEnd(sessionId) {
      verdicts.dropSession(sessionId);
      options.onSessionEnd(sessionId);
    },
    onChannel: (open) => verdicts.setCeiling(open ? undefined : deafCeilingMs),
  });
  const directory: CoreDirectory = createCoreDirectory(outpost.core, config.ldap.page_size);
  const turns = createSemaphore(mostLogins);

  const refreshSnapshots = async (providers: readonly Provider[]): Promise<ReadonlyMap<number, Snapshot>> => {
    const cached = providers.filter(({ searchMode }) => searchMode === 'cached');
    if (cached.length === 0) return new Map();
    const population = await directory.everything(signal);
    const [before] = state.snapshots.values();
    if (before !== undefined) dropChanged(verdicts, before.population, population);
    return new Map(
      cached.map((provider) => [provider.pk, createSnapshot(population, contextOf(provider), clock.now())]),
    );
  };

  const ask = (attempt: BindAttempt): Promise<Identity> =>
    turns.run(() => runLogin(attempt, { outpost, clock }), attempt.signal);

  return {
    providers: () => state.providers,
    facts,
    types,
    recall(provider, username, password) {
      return provider.bindMode === 'cached'
        ? verdicts.find(verdictKey(provider, username, password))?.identity
        : undefined;
    },
    async authenticate(attempt) {
      const { provider, username, password } = attempt;
      const lifeMs = provider.bindMode === 'cached' ? cachedLifeMs(attempt, config.ldap.bind_cache_ttl) : 0;
      return verdicts.resolve(
        verdictKey(provider, username, password),
        () => ask(attempt),
        (identity) => ({ lifeMs, verdict: verdictOf(identity) }),
      );
    },
    readerFor: ({ provider, userPk, canSearch }) =>
      createReader({
        userPk,
        canSearch,
        snapshot: () => (provider.searchMode === 'cached' ? state.snapshots.get(provider.pk) : undefined),
        live: directory,
        context: contextOf(provider),
      }),
    certificateOf: (id) => outpost.certificates.get(id),
    async endSession({ provider, session }, clientIp) {
      if (provider.unbindFlow === null) return;
      await logout(outpost.core, {
        flowSlug: provider.unbindFlow,
        session,
        remoteIp: clientIp,
        protocol: 'ldap',
        signal,
      });
    },
    outpostName: outpost.name,
    close: () => outpost.close(),
  };
}

interface LoginParts {
  readonly outpost: Outpost;
  readonly clock: Clock;
}

/** Flow, access check, identity: the one place where a bind can succeed. */
async function runLogin(attempt: BindAttempt, { outpost, clock }: LoginParts): Promise<Identity> {
  const { provider, username, password, clientIp, signal } = attempt;
  const outcome = await login(
    {
      flowSlug: provider.bindFlow,
      username,
      secret: password.toString('utf8'),
      mfaSupport: provider.mfaSupport,
      remoteIp: clientIp,
      protocol: 'ldap',
      signal,
    },
    { core: outpost.core, metrics: outpost.metrics, clock },
  );
  if (outcome.kind === 'unanswerable' && outcome.component === 'ak-stage-flow-error')
    throw new Refusal(resultCode.unavailable, 'the login flow failed in the core', { reason: 'flow_error' });
  if (outcome.kind === 'unanswerable')
    throw new Refusal(resultCode.invalidCredentials, '', {
      logged: `the login flow asks for ${outcome.component}, which only a browser can answer`,
      reason: 'flow_error',
    });
  if (outcome.kind === 'refused')
    throw new Refusal(resultCode.invalidCredentials, '', {
      logged: outcome.message,
      reason: outcome.reason === 'invalid_credentials' ? 'invalid_credentials' : 'flow_error',
    });
  const { session, userPk, username: loggedIn } = outcome;
  const check = await checkAccess(outpost.core, {
    type: 'ldap',
    providerPk: provider.pk,
    applicationSlug: provider.applicationSlug,
    session,
    remoteIp: clientIp,
    signal,
  });
  if (!check.access.passing)
    throw new Refusal(resultCode.insufficientAccessRights, '', {
      logged: 'access to the application is denied',
      reason: 'access_denied',
    });
  const { has_search_permission: canSearch } = check;
  return { provider, userPk, username: loggedIn, canSearch, sessionId: session.id, session };
}

function verdictKey({ pk }: Provider, username: string, secret: Buffer): VerdictKey {
  return { providerPk: pk, identity: username.toLowerCase(), secret };
}

function verdictOf(identity: Identity): BindVerdict {
  const { userPk, sessionId, provider, session } = identity;
  return { userPk, sessionId, providerPk: provider.pk, expiresAtMs: session.expiresAtMs, identity };
}

function cachedLifeMs({ provider, password }: BindAttempt, lifeMs: number): number {
  const hasCode = provider.mfaSupport && /;[A-Za-z0-9]{6,64}$/.test(password.toString('utf8'));
  return hasCode ? Math.min(lifeMs, codeLifeMs) : lifeMs;
}

/** Users who are gone, inactive or have another password since must show their credentials again. */
function dropChanged(verdicts: VerdictCache<BindVerdict>, before: Population, now: Population): void {
  const current = new Map(now.users.map((user) => [user.pk, user]));
  for (const user of before.users) {
    const later = current.get(user.pk);
    const same = later?.is_active === true && later.password_change_date === user.password_change_date;
    if (!same) verdicts.dropUser(user.pk);
  }
}
