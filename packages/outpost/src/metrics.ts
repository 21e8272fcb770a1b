// Metrics that every outpost has (core-contract §7), under the reference's names.
import type { Metrics, Reading } from '@gatehouse/daemon/metrics';

const five = ['outpost_name', 'outpost_type', 'uuid', 'version', 'build'] as const;

export function createOutpostMetrics(metrics: Metrics) {
  return {
    info: metrics.gauge({ name: 'authentik_outpost_info', help: 'Outpost info', labels: five }),
    lastUpdate: metrics.gauge({ name: 'authentik_outpost_last_update', help: 'Time of last update', labels: five }),
    connection: metrics.gauge({
      name: 'authentik_outpost_connection',
      help: 'Connection status',
      labels: ['outpost_name', 'outpost_type', 'uuid'],
    }),
    /** Readings of the certificates in use, asked when the metrics are read. */
    certificates(collect: () => readonly Reading[]) {
      metrics.gauge({
        name: 'authentik_outpost_certificate_not_after',
        help: 'Time at which a certificate of the core runs out',
        labels: ['certificate'],
        collect,
      });
    },
    flowGet: metrics.histogram({
      name: 'authentik_outpost_flow_timing_get_seconds',
      help: 'Duration it took to get a challenge in seconds',
      labels: ['stage', 'flow'],
    }),
    flowPost: metrics.histogram({
      name: 'authentik_outpost_flow_timing_post_seconds',
      help: 'Duration it took to send a challenge in seconds',
      labels: ['stage', 'flow'],
    }),
    flowTotal: metrics.counter({
      name: 'authentik_outpost_flow_total',
      help: 'Flows run, by how they ended',
      labels: ['flow', 'result'],
    }),
  };
}
export type OutpostMetrics = ReturnType<typeof createOutpostMetrics>;
