// Everything that the LDAP outpost knows of the core: providers, logins, the directory. The one file that talks to the
// outpost library.
import type { DeltaArguments } from '@gatehouse/contract/control-channel';
import { ldapProviderRow } from '@gatehouse/contract/rest';
import { contractVersion } from '@gatehouse/contract/versions';
import type { Clock } from '@gatehouse/daemon/async';
import type { Health } from '@gatehouse/daemon/health';
import type { Logger } from '@gatehouse/daemon/log';
import type { Metrics } from '@gatehouse/daemon/metrics';
import { type CertificatePair, createRefresher, type Outpost, startOutpost } from '@gatehouse/outpost';
import { createVerdictCache } from '@gatehouse/outpost/verdicts';
import { createReader, type Reader } from './access/reader.ts';
import { type BindVerdict, createLogins, type Identity, type Logins } from './authentication/logins.ts';
import type { LdapConfig } from './config.ts';
import { Directory } from './directory/directory.ts';
import type { ServerFacts } from './directory/fixed-entries.ts';
import { Layout, type ViewContext } from './directory/layout.ts';
import { createLiveDirectory } from './directory/live.ts';
import { groupNamesOf } from './directory/row-limits.ts';
import { createDirectorySync } from './directory/sync.ts';
import type { CustomTypes } from './mapping/custom-attributes.ts';
import { type LdapMetrics, watchCore } from './metrics.ts';
import { after, type Soon } from './operations/soon.ts';
import type { Policy, PolicyView } from './policy/policy.ts';
import { type Provider, providerFromApi } from './providers/provider.ts';

export interface CoreLink {
  readonly providers: () => readonly Provider[];
  readonly facts: ServerFacts;
  readonly types: CustomTypes;
  readonly logins: Logins;
  /** Waits only where the policy file wants groups that are not in memory. */
  readerFor(identity: Identity, signal: () => AbortSignal): Soon<Reader>;
  /** The layout in memory, for whoever sees all of it as it is: everybody who does gets the same answers. */
  sharedLayout(identity: Identity): Layout | undefined;
  /** What the policy file makes of the directory for somebody. */
  policyFor(identity: Identity, signal: () => AbortSignal): Soon<PolicyView | undefined>;
  certificateOf(id: string): CertificatePair | undefined;
  readonly outpostName: () => string;
  close(): Promise<void>;
}

export interface CoreLinkOptions {
  readonly config: LdapConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly ldapMetrics: LdapMetrics;
  readonly health: Health;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly types: CustomTypes;
  readonly policy: Policy;
  readonly onProviders: () => void;
  readonly onSessionEnd: (sessionId: string) => void;
  /** A user is gone or switched off. */
  readonly onUserOut: (userPk: number) => void;
}

const mostVerdicts = 100_000;
/** While the core cannot tell of revocations, nothing is believed for longer. */
const deafCeilingMs = 60_000;

export function connectCore(options: CoreLinkOptions): CoreLink {
  const { config, log, clock, signal, types, policy } = options;
  const verdicts = createVerdictCache<BindVerdict>({ clock, maxEntries: mostVerdicts });
  const facts: ServerFacts = { version: contractVersion, saslMechanisms: [], passwordModify: false };
  /** The directory of providers in cached mode, and how each shows it; nothing while it is not complete. */
  const state: { providers: readonly Provider[]; layouts: ReadonlyMap<number, Layout> } = {
    providers: [],
    layouts: new Map(),
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
      await policy.refresh().catch((error: unknown) => log.error('policy not usable', { error: String(error) }));
      const providers = rows.flatMap((row) => providerFromApi(row) ?? []);
      for (const before of state.providers) {
        const now = providers.find(({ pk }) => pk === before.pk);
        if (JSON.stringify(now) !== JSON.stringify(before)) verdicts.dropProvider(before.pk);
      }
      state.providers = providers;
      options.onProviders();
      log.info('Update providers', { count: providers.length });
      state.layouts = await refreshDirectory(providers);
    },
    onSessionEnd(sessionId) {
      verdicts.dropSession(sessionId);
      options.onSessionEnd(sessionId);
    },
    onChanges,
    onChannel: (open) => verdicts.setCeiling(open ? undefined : deafCeilingMs),
  });
  const live = createLiveDirectory(outpost.core, types, config.ldap.page_size);
  const directory = new Directory(types, (pk, mayStay) => {
    verdicts.dropUser(pk);
    if (!mayStay) options.onUserOut(pk);
  });
  const sync = createDirectorySync({ core: outpost.core, directory, pageSize: config.ldap.page_size, clock });
  const logins = createLogins({ outpost: () => outpost, config, clock, verdicts, signal });

  const refreshDirectory = async (providers: readonly Provider[]): Promise<ReadonlyMap<number, Layout>> => {
    const cached = providers.filter(({ searchMode }) => searchMode === 'cached');
    if (cached.length === 0) return new Map();
    await refreshRows.request();
    return new Map(cached.map((provider) => [provider.pk, new Layout(directory, contextOf(provider))]));
  };
  const refreshTook = options.ldapMetrics.directory(() => ({
    users: directory.users.count,
    groups: directory.groups.count,
    bytes: directory.users.records.allocatedBytes + directory.groups.records.allocatedBytes,
  }));
  let freshMs: number | undefined;
  const refreshRows = createRefresher(async () => {
    const beganMs = clock.monotonicMs();
    await sync.refresh(signal);
    freshMs = clock.monotonicMs();
    refreshTook.observe({}, (clock.monotonicMs() - beganMs) / 1000);
  });
  watchCore(options.metrics, () => ({
    rememberedBinds: verdicts.size,
    waitingLogins: logins.waiting,
    directoryAgeMs: freshMs === undefined ? undefined : clock.monotonicMs() - freshMs,
  }));

  /** Logins of whoever changed are asked for anew at once; the rows follow as soon as the core has given them. */
  function onChanges(changes: DeltaArguments): void {
    verdicts.dropChanged(changes);
    const { all, users, groups } = changes;
    if (state.layouts.size === 0 || (!all && users.length + groups.length === 0)) return;
    refreshRows.request().catch((error: unknown) => {
      log.warn('changes not fetched', { error: error instanceof Error ? error.message : String(error) });
    });
  }

  const memoryOf = ({ provider }: Identity): Layout | undefined =>
    provider.searchMode === 'cached' ? state.layouts.get(provider.pk) : undefined;

  function policyFor(identity: Identity, wait: () => AbortSignal): Soon<PolicyView | undefined> {
    const rules = policy.of(identity.provider.applicationSlug);
    if (rules?.needsGroups !== true) return rules?.viewOf([]);
    const directory = memoryOf(identity)?.directory;
    const row = directory?.rowOfUser(identity.userPk);
    if (directory !== undefined && row !== undefined) return rules.viewOf(groupNamesOf(directory, row));
    return live.groupNames(identity.userPk, wait()).then((names) => rules.viewOf(names));
  }

  return {
    providers: () => state.providers,
    facts,
    types,
    logins,
    readerFor: (identity, wait) =>
      after(policyFor(identity, wait), (view) => {
        const { userPk, canSearch, provider } = identity;
        const memory = memoryOf(identity);
        return createReader({ userPk, canSearch, memory, live, context: contextOf(provider), policy: view });
      }),
    sharedLayout(identity) {
      const isWhole = identity.canSearch && policy.of(identity.provider.applicationSlug) === undefined;
      return isWhole ? memoryOf(identity) : undefined;
    },
    policyFor,
    certificateOf: (id) => outpost.certificates.get(id),
    outpostName: outpost.name,
    close: () => outpost.close(),
  };
}
