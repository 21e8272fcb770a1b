// Numbers by row in typed arrays that grow by half, and sets of rows: no object per row, nothing for the garbage collector to
// visit.

export type Column = Uint32Array<ArrayBuffer>;

export function grown(column: Column, atLeast: number): Column {
  if (column.length >= atLeast) return column;
  const longer = new Uint32Array(Math.max(atLeast, Math.ceil(column.length * 1.5)));
  longer.set(column);
  return longer;
}

/** A list of numbers; `values` is longer than the list. */
export class NumberList {
  values: Column = new Uint32Array(4);
  length = 0;

  push(value: number): void {
    this.values = grown(this.values, this.length + 1);
    this.values[this.length] = value;
    this.length += 1;
  }

  /** Linear. Order is kept. */
  remove(value: number): boolean {
    const at = this.values.subarray(0, this.length).indexOf(value);
    if (at === -1) return false;
    this.length -= 1;
    this.values.copyWithin(at, at + 1, this.length + 1);
    return true;
  }

  /** Linear, however many. Order is kept. */
  removeAll(gone: ReadonlySet<number>): void {
    let kept = 0;
    for (let at = 0; at < this.length; at += 1) {
      const value = this.values[at] ?? 0;
      if (gone.has(value)) continue;
      this.values[kept] = value;
      kept += 1;
    }
    this.length = kept;
  }

  toArray(): number[] {
    return Array.from(this.values.subarray(0, this.length));
  }
}

/** A set of rows, a bit each. */
export class RowSet {
  size = 0;
  #words: Column = new Uint32Array(4);

  has(row: number): boolean {
    return (((this.#words[row >>> 5] ?? 0) >>> (row & 31)) & 1) === 1;
  }

  add(row: number): void {
    if (this.has(row)) return;
    const word = row >>> 5;
    this.#words = grown(this.#words, word + 1);
    this.#words[word] = (this.#words[word] ?? 0) | (1 << (row & 31));
    this.size += 1;
  }

  delete(row: number): void {
    if (!this.has(row)) return;
    const word = row >>> 5;
    this.#words[word] = (this.#words[word] ?? 0) & ~(1 << (row & 31));
    this.size -= 1;
  }

  /** Rows that are here and not there, in their order. A look for each 32 rows. */
  *besides(there: RowSet): Iterable<number> {
    for (let word = 0; word < this.#words.length; word += 1) {
      let bits = (this.#words[word] ?? 0) & ~(there.#words[word] ?? 0);
      for (; bits !== 0; bits &= bits - 1) yield word * 32 + (31 - Math.clz32(bits & -bits));
    }
  }
}
