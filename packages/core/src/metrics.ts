// What the core tells Prometheus (core.md §23.1 "Observability", core-contract §7). Names that dashboards know from the
// original are kept; there are no series of users, addresses or objects.
import type { CounterMetric, GaugeMetric, HistogramMetric, Metrics, Reading } from '@gatehouse/daemon/metrics';

/** The only tenant there is. */
const tenant = 'public';

export interface CoreMetrics {
  /** Seconds by `method`, `area` ({@link areaOf}) and class of `status`. */
  readonly requestSeconds: HistogramMetric;
  /** Seconds by `stage_type` and `method`: `get` shows, `post` takes an answer. */
  readonly stageSeconds: HistogramMetric;
  /** Seconds by `flow_slug`. */
  readonly planSeconds: HistogramMetric;
  /** Seconds by `kind` of policy and `result`: `passed`, `refused` or `failed`. */
  readonly policySeconds: HistogramMetric;
  /** By `action`: `login`, `login_failed` and every other. */
  readonly events: CounterMetric;
  /** By `actor_name` and `result`: `done` or `failed`. */
  readonly tasks: CounterMetric;
  /** Unix time of the last word of each instance, by `outpost`, `uid` and `version`. */
  readonly outpostUpdates: GaugeMetric;
  /** Read when somebody scrapes. */
  readonly state: CoreState;
}

/** Set by whoever knows; nothing until then. */
export interface CoreState {
  outposts: () => readonly { readonly outpost: string; readonly uid: string }[];
  connections: () => readonly Reading[];
  tasks: () => Promise<readonly Reading[]>;
}

export function createCoreMetrics(metrics: Metrics): CoreMetrics {
  const state: CoreState = { outposts: () => [], connections: () => [], tasks: async () => [] };
  metrics.gauge({
    name: 'authentik_outposts_connected',
    help: 'Outposts that are connected to this process.',
    labels: ['tenant', 'outpost', 'uid', 'expected'],
    collect: () => state.outposts().map((labels) => ({ labels: { tenant, ...labels, expected: 1 }, value: 1 })),
  });
  metrics.gauge({
    name: 'authentik_core_database_connections',
    help: 'Connections to the database, and requests that wait for one.',
    labels: ['state'],
    collect: () => state.connections(),
  });
  metrics.gauge({
    name: 'authentik_core_tasks',
    help: 'Tasks that are not finished, in all processes.',
    labels: ['state'],
    collect: () => state.tasks().catch(() => []), // without a database there is nothing to tell of it
  });
  return {
    state,
    requestSeconds: metrics.histogram({
      name: 'authentik_core_request_duration_seconds',
      help: 'Time to answer a request.',
      labels: ['method', 'area', 'status'],
    }),
    stageSeconds: metrics.histogram({
      name: 'authentik_flows_execution_stage_time',
      help: 'Seconds that a stage took.',
      labels: ['stage_type', 'method'],
    }),
    planSeconds: metrics.histogram({
      name: 'authentik_flows_plan_time',
      help: 'Seconds that the plan of a flow took.',
      labels: ['flow_slug'],
    }),
    policySeconds: metrics.histogram({
      name: 'authentik_policies_execution_time',
      help: 'Seconds that a policy took.',
      labels: ['kind', 'result'],
    }),
    events: metrics.counter({
      name: 'authentik_core_events_total',
      help: 'Events recorded by this process, by action.',
      labels: ['action'],
    }),
    tasks: metrics.counter({
      name: 'authentik_core_tasks_total',
      help: 'Tasks that this process has run.',
      labels: ['actor_name', 'result'],
    }),
    outpostUpdates: updatesOf(metrics),
  };
}

function updatesOf(metrics: Metrics): GaugeMetric {
  const gauge = metrics.gauge({
    name: 'authentik_outposts_last_update',
    help: 'Time of the last word of an outpost.',
    labels: ['tenant', 'outpost', 'uid', 'version'],
  });
  return { set: (labels, value) => gauge.set({ tenant, ...labels }, value) };
}

const apiArea = /^\/api\/v3\/([a-z0-9_]+)\//;
const otherArea = /^\/(application|if|flows|static|media|-|ws|recovery|files)\//;

/** What a route is about, few enough to count by: `api/core`, `application`, `if`; `other`. @param route with `:name`s */
export function areaOf(route: string): string {
  const api = apiArea.exec(route)?.[1];
  return api === undefined ? (otherArea.exec(route)?.[1] ?? 'other') : `api/${api}`;
}
