// The router's own metrics (router.md §14, §20.7), and the core's behind them in one well-formed text (R10, R11).
import type { CounterMetric, GaugeMetric, HistogramMetric, Metrics } from '@gatehouse/daemon/metrics';

export interface RouterMetrics {
  /** Seconds by `dest`: `core` or `embedded_outpost`; the name that dashboards know. */
  readonly requestSeconds: HistogramMetric;
  readonly requests: CounterMetric;
  /** Set once the front door can be asked. */
  countInFlight: () => number;
  readonly upstreamErrors: CounterMetric;
  readonly handshakes: CounterMetric;
  readonly coreUp: GaugeMetric;
  readonly coreRestarts: GaugeMetric;
  readonly websockets: GaugeMetric;
}

export function createRouterMetrics(metrics: Metrics): RouterMetrics {
  const main = 'authentik_main_';
  metrics.gauge({
    name: `${main}requests_in_flight`,
    help: 'Requests under way.',
    labels: [],
    collect: () => created.countInFlight(),
  });
  const created: RouterMetrics = {
    countInFlight: () => 0,
    requestSeconds: metrics.histogram({
      name: `${main}request_duration_seconds`,
      help: 'Time to answer a request, by who answered it.',
      labels: ['dest'],
    }),
    requests: metrics.counter({
      name: `${main}requests_total`,
      help: 'Requests by route and class of status.',
      labels: ['route', 'status'],
    }),
    upstreamErrors: metrics.counter({
      name: `${main}upstream_errors_total`,
      help: 'Requests that the core did not answer, by what went wrong.',
      labels: ['kind'],
    }),
    handshakes: metrics.counter({
      name: `${main}tls_handshakes_total`,
      help: 'TLS handshakes by result.',
      labels: ['result'],
    }),
    coreUp: metrics.gauge({ name: 'authentik_core_up', help: '1 while the core is healthy.', labels: [] }),
    coreRestarts: metrics.gauge({ name: 'authentik_core_restarts', help: 'Restarts of the core.', labels: [] }),
    websockets: metrics.gauge({ name: `${main}tunnels_open`, help: 'Open WebSockets and other tunnels.', labels: [] }),
  };
  return created;
}

/** Our text with the core's behind it; series that both have are ours. */
export function withCoreMetrics(own: Metrics, fetchCore: () => Promise<string | undefined>): Metrics {
  return {
    ...own,
    async text() {
      const [mine, theirs] = await Promise.all([own.text(), fetchCore()]);
      return theirs === undefined ? mine : mergeExpositions(mine, theirs);
    },
  };
}

/** One document: families of `theirs` that `mine` lacks are added, each with its HELP and TYPE, and no end mark inside. */
export function mergeExpositions(mine: string, theirs: string): string {
  const known = new Set([...mine.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const added: string[] = [];
  let skipping = false;
  for (const line of theirs.split('\n')) {
    const family = /^# (?:HELP|TYPE) (\S+)/.exec(line)?.[1];
    if (family !== undefined) skipping = known.has(family);
    else if (line.startsWith('#')) continue; // comments and `# EOF`
    if (!skipping && line.trim() !== '') added.push(line);
  }
  return `${mine.trimEnd()}\n${added.join('\n')}${added.length === 0 ? '' : '\n'}`;
}
