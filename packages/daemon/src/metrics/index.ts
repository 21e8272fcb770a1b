// Entry `@gatehouse/daemon/metrics`: Prometheus metrics on an own registry; the one file that imports prom-client.
// Users: every daemon's metrics.ts.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string | number>>;

export interface CounterMetric {
  add(labels: Labels, by?: number): void;
}
export interface GaugeMetric {
  set(labels: Labels, value: number): void;
}
export interface HistogramMetric {
  /** @param value in the metric's unit, seconds for `…_seconds` */
  observe(labels: Labels, value: number): void;
}

export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Default: core-contract §7, 5 ms to 10 s. */
  readonly buckets?: readonly number[];
}

export interface Metrics {
  counter(options: MetricOptions): CounterMetric;
  gauge(options: MetricOptions & { readonly collect?: () => number }): GaugeMetric;
  histogram(options: MetricOptions): HistogramMetric;
  /** Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

const defaultBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(options: { readonly process?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.process === true) collectDefaultMetrics({ register: registry });
  const base = ({ name, help, labels }: MetricOptions) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return {
    counter(given) {
      const counter = new Counter(base(given));
      return { add: (labels, by = 1) => counter.inc({ ...labels }, by) };
    },
    gauge(given) {
      const { collect } = given;
      const gauge = new Gauge({
        ...base(given),
        ...(collect === undefined
          ? {}
          : {
              collect() {
                this.set(collect());
              },
            }),
      });
      return { set: (labels, value) => gauge.set({ ...labels }, value) };
    },
    histogram(given) {
      const histogram = new Histogram({ ...base(given), buckets: [...(given.buckets ?? defaultBuckets)] });
      return { observe: (labels, value) => histogram.observe({ ...labels }, value) };
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
