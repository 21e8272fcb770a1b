// Entry `@gatehouse/daemon/metrics`: Prometheus metrics on an own registry; the one file that imports prom-client.
// Users: every daemon's metrics.ts.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type Observer, Series } from './series.ts';

export type { Observer } from './series.ts';

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
  /** The same for labels that stay the same: what is kept costs no look-up per observation. */
  bind(labels: Labels): Observer;
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
      const histogram = new CountedHistogram({ ...base(given), buckets: [...(given.buckets ?? defaultBuckets)] });
      return {
        bind: (labels) => histogram.bind(labels),
        observe: (labels, value) => histogram.bind(labels).observe(value),
      };
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** The library's histogram with the counting done by {@link Series}; it only describes and exposes. */
class CountedHistogram extends Histogram {
  readonly #described: { readonly name: string; readonly help: string };
  readonly #names: readonly string[];
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, { readonly labels: Labels; readonly series: Series }>();

  constructor(options: { name: string; help: string; labelNames: string[]; registers: Registry[]; buckets: number[] }) {
    super(options);
    this.#described = options;
    this.#names = options.labelNames;
    this.#bounds = options.buckets;
  }

  bind(labels: Labels): Observer {
    const key = this.#names.map((name) => labels[name] ?? '').join('\0');
    const known = this.#series.get(key);
    if (known !== undefined) return known.series;
    const series = new Series(this.#bounds);
    this.#series.set(key, { labels: { ...labels }, series });
    return series;
  }

  /** What the registry and the library's own `get` ask for the numbers. */
  async getForPromString() {
    const { name, help } = this.#described;
    const values = [...this.#series.values()].flatMap(({ labels, series }) => {
      const buckets = series.buckets();
      return [
        ...buckets.map(({ le, count }) => value(`${name}_bucket`, { le, ...labels }, count)),
        value(`${name}_sum`, labels, series.sum),
        value(`${name}_count`, labels, buckets.at(-1)?.count ?? 0),
      ];
    });
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }
}

function value(metricName: string, labels: Labels, count: number) {
  return { metricName, labels: { ...labels }, value: count };
}
