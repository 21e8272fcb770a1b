// Metrics of the LDAP outpost under the reference's names, and our own beside them (ldap.md §14.2).
import type { Metrics } from '@gatehouse/daemon/metrics';

export function createLdapMetrics(metrics: Metrics) {
  return {
    duration: metrics.histogram({
      name: 'authentik_outpost_ldap_request_duration_seconds',
      help: 'LDAP request latency in seconds',
      labels: ['outpost_name', 'type', 'app'],
    }),
    rejected: metrics.counter({
      name: 'authentik_outpost_ldap_requests_rejected_total',
      help: 'Total number of rejected requests',
      labels: ['outpost_name', 'type', 'reason', 'app'],
    }),
    results: metrics.counter({
      name: 'authentik_outpost_ldap_results_total',
      help: 'Answers by operation and result code',
      labels: ['type', 'code'],
    }),
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

export type LdapMetrics = ReturnType<typeof createLdapMetrics>;
