// Metrics of the LDAP outpost under the reference's names, and our own beside them (ldap.md §14.2).
import type { HistogramMetric, Metrics, Observer, Tally } from '@gatehouse/daemon/metrics';

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
    connections: metrics.gauge({
      name: 'authentik_outpost_ldap_connections',
      help: 'Open connections',
      labels: ['component'],
    }),
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
