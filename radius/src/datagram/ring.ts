// A queue for the hot path: nothing is allocated once it has grown to its bound. Called by duplicates.ts.

/** First in, first out, in a list that grows to its bound and no further. */
export class Ring<T> {
  #items: (T | undefined)[];
  #head = 0;
  #size = 0;

  constructor(maxEntries: number) {
    this.#items = Array.from({ length: Math.min(1_024, maxEntries + 1) });
  }

  oldest(): T | undefined {
    return this.#size === 0 ? undefined : this.#items[this.#head];
  }

  shift(): T | undefined {
    const oldest = this.oldest();
    if (oldest === undefined) return undefined;
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#items.length;
    this.#size -= 1;
    return oldest;
  }

  push(kept: T): void {
    if (this.#size === this.#items.length) {
      const [head, rest] = [this.#items.slice(this.#head), this.#items.slice(0, this.#head)];
      this.#items = [...head, ...rest, ...Array.from({ length: this.#size }, () => undefined)];
      this.#head = 0;
    }
    this.#items[(this.#head + this.#size) % this.#items.length] = kept;
    this.#size += 1;
  }
}
