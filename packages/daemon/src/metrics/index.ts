// Entry `@gatehouse/daemon/metrics`: Prometheus metrics on an own registry; the one file that imports prom-client.
// Users: every daemon's metrics.ts.
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { CounterFamily, HistogramFamily, type Labels, type Observer, type Tally } from './tallies.ts';

export { aggregateMetrics } from './aggregate.ts';
export type { Labels, Observer, Tally } from './tallies.ts';

export interface CounterMetric {
  add(labels: Labels, by?: number): void;
  /** The series of these labels, to hold on to where counting is hot. */
  bind(labels: Labels): Tally;
}
export interface GaugeMetric {
  set(labels: Labels, value: number): void;
}
export interface HistogramMetric {
  /** @param value in the metric's unit, seconds for `…_seconds` */
  observe(labels: Labels, value: number): void;
  /** The series of these labels, to hold on to where observing is hot. */
  bind(labels: Labels): Observer;
}

export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Default: core-contract §7, 5 ms to 10 s. */
  readonly buckets?: readonly number[];
}

/** A series and its value. */
export interface Reading {
  readonly labels: Labels;
  readonly value: number;
}

type Read = number | readonly Reading[];

export interface Metrics {
  counter(options: MetricOptions): CounterMetric;
  /** @param collect asked when the metrics are read: one value, or one for each series */
  gauge(options: MetricOptions & { readonly collect?: () => Read | Promise<Read> }): GaugeMetric;
  histogram(options: MetricOptions): HistogramMetric;
  /** Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

const defaultBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(options: { readonly process?: boolean } = {}): Metrics {
  const registry = new Registry();
  const families: (CounterFamily | HistogramFamily)[] = [];
  if (options.process === true) collectDefaultMetrics({ register: registry });
  return {
    counter({ name, help, labels }) {
      const family = new CounterFamily(name, help, labels);
      families.push(family);
      return { add: (given, by = 1) => family.bind(given).add(by), bind: (given) => family.bind(given) };
    },
    gauge({ name, help, labels, collect }) {
      const gauge = new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers: [registry],
        ...(collect === undefined
          ? {}
          : {
              async collect() {
                const read = await collect();
                if (typeof read === 'number') return this.set(read);
                this.reset();
                for (const one of read) this.set({ ...one.labels }, one.value);
              },
            }),
      });
      return { set: (given, value) => gauge.set({ ...given }, value) };
    },
    histogram({ name, help, labels, buckets = defaultBuckets }) {
      const family = new HistogramFamily(name, help, labels, buckets);
      families.push(family);
      return { observe: (given, value) => family.bind(given).observe(value), bind: (given) => family.bind(given) };
    },
    async text() {
      const others = registry.getMetricsAsArray().length === 0 ? '' : await registry.metrics();
      return others + families.map((family) => family.text()).join('');
    },
    contentType: registry.contentType,
  };
}
