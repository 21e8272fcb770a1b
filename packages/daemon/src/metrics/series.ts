// One series of a histogram: counts per bucket, without a look-up. What a request costs here is a comparison or two; the
// library would hash the labels each time. index.ts hands its numbers to the registry when somebody asks for them.

/** Takes observations of one set of labels. */
export interface Observer {
  /** @param value in the metric's unit, seconds for `…_seconds` */
  observe(value: number): void;
}

export class Series implements Observer {
  readonly #bounds: readonly number[];
  /** One more than bounds: the last counts what is above them all. */
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds ascending; a value equal to a bound counts below it */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? 0)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  /** Cumulative, as the exposition format has them; `le` of the last is `+Inf`. */
  buckets(): { readonly le: number | '+Inf'; readonly count: number }[] {
    let total = 0;
    return Array.from(this.#counts, (count, at) => {
      total += count;
      return { le: this.#bounds[at] ?? '+Inf', count: total };
    });
  }

  get sum(): number {
    return this.#sum;
  }
}
