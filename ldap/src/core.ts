// Everything that the LDAP outpost knows of the core: providers, logins, the directory. The one file that talks to the
// outpost library.
import { ldapProviderRow } from '@gatehouse/contract/rest';
import { contractVersion } from '@gatehouse/contract/versions';
import type { Clock } from '@gatehouse/daemon/async';
import type { Health } from '@gatehouse/daemon/health';
import type { Logger } from '@gatehouse/daemon/log';
import type { Metrics } from '@gatehouse/daemon/metrics';
import { type CertificatePair, type Outpost, startOutpost } from '@gatehouse/outpost';
import { createVerdictCache, type VerdictCache } from '@gatehouse/outpost/verdicts';
import { createReader, type Reader } from './access/reader.ts';
import { type BindVerdict, createLogins, type Identity, type Logins } from './authentication/logins.ts';
import type { LdapConfig } from './config.ts';
import type { Population, ViewContext } from './directory/build-view.ts';
import type { ServerFacts } from './directory/fixed-entries.ts';
import { type CoreDirectory, createCoreDirectory } from './directory/live.ts';
import { createSnapshot, type Snapshot } from './directory/snapshot.ts';
import { CustomTypes } from './mapping/custom-attributes.ts';
import { type Provider, providerFromApi } from './providers/provider.ts';

export interface CoreLink {
  readonly providers: () => readonly Provider[];
  readonly facts: ServerFacts;
  readonly types: CustomTypes;
  readonly logins: Logins;
  readerFor(identity: Identity): Reader;
  certificateOf(id: string): CertificatePair | undefined;
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
      log.info('Update providers', { count: providers.length });
      state.snapshots = await refreshSnapshots(providers);
    },
    onSessionEnd(sessionId) {
      verdicts.dropSession(sessionId);
      options.onSessionEnd(sessionId);
    },
    onChannel: (open) => verdicts.setCeiling(open ? undefined : deafCeilingMs),
  });
  const directory: CoreDirectory = createCoreDirectory(outpost.core, config.ldap.page_size);
  const logins = createLogins({ outpost: () => outpost, config, clock, verdicts, signal });

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

  return {
    providers: () => state.providers,
    facts,
    types,
    logins,
    readerFor: ({ provider, userPk, canSearch }) =>
      createReader({
        userPk,
        canSearch,
        snapshot: () => (provider.searchMode === 'cached' ? state.snapshots.get(provider.pk) : undefined),
        live: directory,
        context: contextOf(provider),
      }),
    certificateOf: (id) => outpost.certificates.get(id),
    outpostName: outpost.name,
    close: () => outpost.close(),
  };
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
