// Metrics of the LDAP outpost under the reference's names, and our own beside them (ldap.md §14.2).
import type { HistogramMetric, Metrics, Observer, Reading, Tally } from '@gatehouse/daemon/metrics';

export function createLdapMetrics(metrics: Metrics) {
  const duration = metrics.histogram({
    name: 'authentik_outpost_ldap_request_duration_seconds',
    help: 'LDAP request latency in seconds',
    labels: ['outpost_name', 'type', 'app'],
  });
  const results = metrics.counter({
    name: 'authentik_outpost_ldap_results_total',
    help: 'Answers by operation and result code',
    labels: ['type', 'code'],
  });
  const bindCache = metrics.counter({
    name: 'authentik_outpost_ldap_bind_cache_total',
    help: 'Binds that were remembered, and those that were not',
    labels: ['result'],
  });
  const bytes = metrics.counter({
    name: 'authentik_outpost_ldap_bytes_total',
    help: 'Octets of connections that have ended',
    labels: ['direction'],
  });
  const kept = new Map<string, { readonly took: Observer; readonly result: Tally }>();
  return {
    /** One answered operation; its series are looked up by one text. */
    answered({ outpost, type, app, code }: AnsweredLabels, seconds: number): void {
      const key = `${type} ${code} ${app} ${outpost}`;
      let series = kept.get(key);
      if (series === undefined) {
        series = { took: duration.bind({ outpost_name: outpost, type, app }), result: results.bind({ type, code }) };
        kept.set(key, series);
      }
      series.took.observe(seconds);
      series.result.add();
    },
    rejected: metrics.counter({
      name: 'authentik_outpost_ldap_requests_rejected_total',
      help: 'Total number of rejected requests',
      labels: ['outpost_name', 'type', 'reason', 'app'],
    }),
    /** Told of the directory of cached mode when somebody scrapes. */
    directory(
      counts: () => { readonly users: number; readonly groups: number; readonly bytes: number },
    ): HistogramMetric {
      const gauge = (name: string, help: string, collect: () => number) =>
        metrics.gauge({ name: `authentik_outpost_ldap_directory_${name}`, help, labels: [], collect });
      gauge('users', 'Users in memory', () => counts().users);
      gauge('groups', 'Groups in memory', () => counts().groups);
      gauge('bytes', 'Octets of encoded entries in memory', () => counts().bytes);
      return metrics.histogram({
        name: 'authentik_outpost_ldap_directory_refresh_seconds',
        help: 'Time to bring the directory up to date',
        labels: [],
      });
    },
    /** Read from the server, by listener, TLS layer and bind. */
    watchConnections: (read: () => readonly Reading[]) =>
      metrics.gauge({
        name: 'authentik_outpost_ldap_connections',
        help: 'Open connections',
        labels: ['component', 'tls', 'bound'],
        collect: read,
      }),
    /** Octets of connections that have ended. */
    bytes: { in: bytes.bind({ direction: 'in' }), out: bytes.bind({ direction: 'out' }) },
    bindCache: { hit: bindCache.bind({ result: 'hit' }), miss: bindCache.bind({ result: 'miss' }) },
    entries: metrics.counter({
      name: 'authentik_outpost_ldap_entries_total',
      help: 'Entries sent',
      labels: [],
    }),
  };
}

interface AnsweredLabels {
  readonly outpost: string;
  readonly type: string;
  readonly app: string;
  /** Name of the result code. */
  readonly code: string;
}

export type LdapMetrics = ReturnType<typeof createLdapMetrics>;

/** What only the line to the core knows, read when somebody asks. */
export interface CoreFigures {
  readonly rememberedBinds: number;
  readonly waitingLogins: number;
  /** Since the directory in memory was last brought up to date; `undefined` without one. */
  readonly directoryAgeMs: number | undefined;
}

export function watchCore(metrics: Metrics, read: () => CoreFigures): void {
  const gauge = (name: string, help: string, collect: () => number) =>
    metrics.gauge({ name: `authentik_outpost_ldap_${name}`, help, labels: [], collect });
  gauge('bind_cache_entries', 'Binds that are remembered', () => read().rememberedBinds);
  gauge('logins_waiting', 'Logins that wait for their turn', () => read().waitingLogins);
  gauge('directory_age_seconds', 'Since the directory in memory was brought up to date; -1 without one', () => {
    const { directoryAgeMs } = read();
    return directoryAgeMs === undefined ? -1 : directoryAgeMs / 1000;
  });
}
