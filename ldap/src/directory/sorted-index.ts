// Rows in the order of a value, four octets a row, for prefixes and ranges. Values are read from the rows themselves, so a
// row must be taken out before its value changes.

/** Compared by `<`: texts, or numbers where the syntax has an order of its own. */
export type SortKey = string | number;

/** Rows sorted in one go, between turns of others. */
const sliceSize = 1_024;

export class SortedIndex {
  readonly #keyOf: (row: number) => SortKey | undefined;
  #rows: Uint32Array = new Uint32Array(0);
  #length = 0;

  private constructor(keyOf: (row: number) => SortKey | undefined) {
    this.#keyOf = keyOf;
  }

  /**
   * Merge sort in slices.
   * @param keyOf `undefined` for a row without a value
   * @param turn lets others run
   * @param changed rows that change meanwhile; they are put where they belong in the end
   */
  static async build(
    rows: Iterable<number>,
    keyOf: (row: number) => SortKey | undefined,
    { turn, changed }: { readonly turn: () => Promise<void>; readonly changed: ReadonlySet<number> },
  ): Promise<SortedIndex> {
    let runs: Run[] = [];
    let run: Run = [];
    for (const row of rows) {
      const key = keyOf(row);
      if (key !== undefined) run.push({ key, row });
      if (run.length < sliceSize) continue;
      runs.push(run.sort(byKey));
      run = [];
      await turn();
    }
    runs.push(run.sort(byKey));
    while (runs.length > 1) {
      const merged: Run[] = [];
      for (let at = 0; at < runs.length; at += 2) merged.push(await merge(runs[at] ?? [], runs[at + 1] ?? [], turn));
      runs = merged;
    }
    const index = new SortedIndex(keyOf);
    index.#rows = Uint32Array.from(
      (runs[0] ?? []).filter(({ row }) => !changed.has(row)),
      ({ row }) => row,
    );
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

type Run = { readonly key: SortKey; readonly row: number }[];

function byKey(one: Run[number], other: Run[number]): number {
  return one.key < other.key ? -1 : one.key > other.key ? 1 : 0;
}

async function merge(left: Run, right: Run, turn: () => Promise<void>): Promise<Run> {
  const merged: Run = [];
  let [atLeft, atRight] = [0, 0];
  for (;;) {
    const [one, other] = [left[atLeft], right[atRight]];
    const next = other === undefined || (one !== undefined && byKey(one, other) <= 0) ? one : other;
    if (next === undefined) return merged;
    merged.push(next);
    if (next === one) atLeft += 1;
    else atRight += 1;
    if (merged.length % (4 * sliceSize) === 0) await turn();
  }
}
