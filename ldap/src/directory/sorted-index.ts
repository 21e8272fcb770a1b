// Rows in the order of a value, four octets a row, for prefixes and ranges. Values are read from the rows themselves, so a
// row must be taken out before its value changes.
import { NumberList } from './columns.ts';

/** Compared by `<`: texts, or numbers where the syntax has an order of its own. */
export type SortKey = string | number;

/** Rows sorted in one go, between turns of others. */
const sliceSize = 512;

export class SortedIndex {
  readonly #keyOf: (row: number) => SortKey | undefined;
  #rows: Uint32Array = new Uint32Array(0);
  #length = 0;

  private constructor(keyOf: (row: number) => SortKey | undefined) {
    this.#keyOf = keyOf;
  }

  /**
   * Merge sort in slices, of places in typed arrays: an object a row would be a hundred thousand for the garbage collector.
   * @param keyOf `undefined` for a row without a value
   * @param turn lets others run
   * @param changed rows that change meanwhile; they are put where they belong in the end
   */
  static async build(
    rows: Iterable<number>,
    keyOf: (row: number) => SortKey | undefined,
    { turn, changed }: { readonly turn: () => Promise<void>; readonly changed: ReadonlySet<number> },
  ): Promise<SortedIndex> {
    const keyed = new NumberList();
    const keys: SortKey[] = [];
    for (const row of rows) {
      const key = keyOf(row);
      if (key === undefined) continue;
      keyed.push(row);
      if (keys.push(key) % sliceSize === 0) await turn();
    }
    const places = await sortedPlaces(keys, turn);
    const sorted = new Uint32Array(places.length);
    for (let at = 0; at < places.length; at += 1) {
      sorted[at] = keyed.values[places[at] ?? 0] ?? 0;
      if (at % (4 * sliceSize) === 0) await turn();
    }
    const index = new SortedIndex(keyOf);
    index.#rows = changed.size === 0 ? sorted : sorted.filter((row) => !changed.has(row));
    index.#length = index.#rows.length;
    for (const row of changed) index.insert(row);
    return index;
  }

  insert(row: number): void {
    const key = this.#keyOf(row);
    if (key === undefined) return;
    const at = this.#lowerBound(key);
    if (this.#length === this.#rows.length) {
      const longer = new Uint32Array(Math.ceil((this.#length + 16) * 1.25));
      longer.set(this.#rows);
      this.#rows = longer;
    }
    this.#rows.copyWithin(at + 1, at, this.#length);
    this.#rows[at] = row;
    this.#length += 1;
  }

  /** Before the row changes. @param key the one it stands under */
  remove(row: number, key: SortKey | undefined): void {
    if (key === undefined) return;
    for (let at = this.#lowerBound(key); at < this.#length && this.#keyAt(at) === key; at += 1) {
      if (this.#rows[at] !== row) continue;
      this.#rows.copyWithin(at, at + 1, this.#length);
      this.#length -= 1;
      return;
    }
  }

  withPrefix(prefix: string): Uint32Array {
    const from = this.#lowerBound(prefix);
    let [low, high] = [from, this.#length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (String(this.#keyAt(middle)).startsWith(prefix)) low = middle + 1;
      else high = middle;
    }
    return this.#rows.slice(from, low);
  }

  /** Both ends included; `undefined` is open. */
  within(least: SortKey | undefined, most: SortKey | undefined): Uint32Array {
    const from = least === undefined ? 0 : this.#lowerBound(least);
    let to = most === undefined ? this.#length : this.#lowerBound(most);
    while (most !== undefined && to < this.#length && this.#keyAt(to) === most) to += 1;
    return this.#rows.slice(from, to);
  }

  #keyAt(at: number): SortKey {
    return this.#keyOf(this.#rows[at] ?? 0) ?? '';
  }

  #lowerBound(key: SortKey): number {
    let [low, high] = [0, this.#length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keyAt(middle) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Places of the keys in their order; of equal ones, the first comes first. */
async function sortedPlaces(keys: readonly SortKey[], turn: () => Promise<void>): Promise<Uint32Array> {
  let places = new Uint32Array(keys.length);
  for (let at = 0; at < keys.length; at += 1) places[at] = at;
  const byKey = (one: number, other: number): number => {
    const [left = '', right = ''] = [keys[one], keys[other]];
    return left < right ? -1 : left > right ? 1 : one - other;
  };
  for (let from = 0; from < keys.length; from += sliceSize) {
    places.subarray(from, from + sliceSize).sort(byKey);
    await turn();
  }
  let merged = new Uint32Array(keys.length);
  for (let width = sliceSize; width < keys.length; width *= 2) {
    for (let from = 0; from < keys.length; from += 2 * width)
      await merge(
        { places, merged, from, middle: from + width, to: Math.min(keys.length, from + 2 * width) },
        byKey,
        turn,
      );
    [places, merged] = [merged, places];
  }
  return places;
}

interface Runs {
  readonly places: Uint32Array;
  readonly merged: Uint32Array;
  /** Two sorted runs: up to `middle`, and from there up to `to`. */
  readonly from: number;
  readonly middle: number;
  readonly to: number;
}

async function merge(
  { places, merged, from, middle, to }: Runs,
  byKey: (one: number, other: number) => number,
  turn: () => Promise<void>,
): Promise<void> {
  let left = from;
  let right = Math.min(middle, to);
  for (let at = from; at < to; at += 1) {
    const isLeft = left < middle && left < to && (right >= to || byKey(places[left] ?? 0, places[right] ?? 0) <= 0);
    merged[at] = places[isLeft ? left : right] ?? 0;
    if (isLeft) left += 1;
    else right += 1;
    if (at % (4 * sliceSize) === 0) await turn();
  }
}
