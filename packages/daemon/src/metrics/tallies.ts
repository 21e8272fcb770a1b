// Counters and histograms that are written on hot paths: a series is a few numbers that the caller may hold on to, and text is
// made only when somebody scrapes (Prometheus text format 0.0.4).

export type Labels = Readonly<Record<string, string | number>>;

export interface Tally {
  add(by?: number): void;
}

export interface Observer {
  /** @param value in the metric's unit, seconds for `…_seconds` */
  observe(value: number): void;
}

/** Series of one metric by their label values; finding one costs a text of them. */
abstract class Family<Series> {
  readonly name: string;
  protected readonly series = new Map<string, { readonly labels: string; readonly series: Series }>();
  readonly #help: string;
  readonly #labels: readonly string[];

  constructor(name: string, help: string, labels: readonly string[]) {
    this.name = name;
    this.#help = help;
    this.#labels = labels;
  }

  bind(labels: Labels): Series {
    let key = '';
    for (const label of this.#labels) key += `${labels[label] ?? ''}\0`;
    const known = this.series.get(key);
    if (known !== undefined) return known.series;
    const made = this.create();
    const texts = this.#labels.flatMap((label) => {
      const value = labels[label];
      return value === undefined ? [] : [`${label}="${escapeText(String(value)).replaceAll('"', '\\"')}"`];
    });
    this.series.set(key, { labels: texts.join(','), series: made });
    return made;
  }

  text(): string {
    if (this.#labels.length === 0) this.bind({});
    const lines = [`# HELP ${this.name} ${escapeText(this.#help)}`, `# TYPE ${this.name} ${this.type}`];
    for (const { labels, series } of this.series.values()) lines.push(...this.samples(labels, series));
    return `${lines.join('\n')}\n`;
  }

  protected abstract readonly type: string;
  protected abstract create(): Series;
  protected abstract samples(labels: string, series: Series): string[];
}

class Count implements Tally {
  value = 0;
  add(by = 1): void {
    this.value += by;
  }
}

export class CounterFamily extends Family<Count> {
  protected readonly type = 'counter';

  protected create(): Count {
    return new Count();
  }

  protected samples(labels: string, { value }: Count): string[] {
    return [sample(this.name, labels, value)];
  }
}

class Distribution implements Observer {
  readonly counts: number[];
  readonly #bounds: readonly number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count += 1;
    for (let at = 0; at < this.#bounds.length; at += 1) {
      if (value > (this.#bounds[at] ?? 0)) continue;
      this.counts[at] = (this.counts[at] ?? 0) + 1;
      return;
    }
  }
}

export class HistogramFamily extends Family<Distribution> {
  protected readonly type = 'histogram';
  readonly #bounds: readonly number[];

  constructor(name: string, help: string, labels: readonly string[], bounds: readonly number[]) {
    super(name, help, labels);
    this.#bounds = bounds;
  }

  protected create(): Distribution {
    return new Distribution(this.#bounds);
  }

  protected samples(labels: string, { counts, sum, count }: Distribution): string[] {
    const rest = labels === '' ? '' : `,${labels}`;
    let below = 0;
    const buckets = this.#bounds.map((bound, at) => {
      below += counts[at] ?? 0;
      return sample(`${this.name}_bucket`, `le="${bound}"${rest}`, below);
    });
    return [
      ...buckets,
      sample(`${this.name}_bucket`, `le="+Inf"${rest}`, count),
      sample(`${this.name}_sum`, labels, sum),
      sample(`${this.name}_count`, labels, count),
    ];
  }
}

function sample(name: string, labels: string, value: number): string {
  return labels === '' ? `${name} ${value}` : `${name}{${labels}} ${value}`;
}

function escapeText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
