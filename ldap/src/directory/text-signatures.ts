// Rows that may hold a text somewhere in a value: a signature of 128 bits a row, in which every three letters in a row of its
// values have set one. A row can only match where all bits of what is looked for are set, so one pass over sixteen octets a row
// takes the place of reading every value. What it finds is a superset; whoever asks tests each row. No lists of rows are kept:
// a change rewrites one signature, and memory does not depend on what the values are.
import { type Column, grown, NumberList } from './columns.ts';

const words = 4;
/** Shorter texts have nothing to tell. */
const letters = 3;

export class TextSignatures {
  #bits: Column = new Uint32Array(64 * words);
  /** Rows that have a signature, or had one. */
  #rows = 0;

  /** @param values folded as the filter folds them; none for a row that is gone */
  put(row: number, values: Iterable<string>): void {
    this.#bits = grown(this.#bits, (row + 1) * words);
    this.#rows = Math.max(this.#rows, row + 1);
    this.#bits.fill(0, row * words, (row + 1) * words);
    for (const value of values) sign(value, this.#bits, row * words);
  }

  /**
   * Linear, some nanoseconds a row.
   * @param texts folded; each stands in one value, all of them in the same
   * @returns `undefined` where they are too short to tell anything
   */
  rowsWith(texts: readonly string[]): Uint32Array | undefined {
    if (texts.every((text) => text.length < letters)) return undefined;
    const wanted = new Uint32Array(words);
    for (const text of texts) sign(text, wanted, 0);
    const [first = 0, second = 0, third = 0, fourth = 0] = wanted;
    const found = new NumberList();
    const bits = this.#bits;
    for (let row = 0, at = 0; row < this.#rows; row += 1, at += words) {
      if (((bits[at] ?? 0) & first) >>> 0 !== first || ((bits[at + 1] ?? 0) & second) >>> 0 !== second) continue;
      if (((bits[at + 2] ?? 0) & third) >>> 0 !== third || ((bits[at + 3] ?? 0) & fourth) >>> 0 !== fourth) continue;
      found.push(row);
    }
    return found.values.subarray(0, found.length);
  }
}

/** Sets a bit for each three letters in a row. */
function sign(text: string, bits: Column, at: number): void {
  for (let end = letters; end <= text.length; end += 1) {
    const three = text.charCodeAt(end - 3) * 961 + text.charCodeAt(end - 2) * 31 + text.charCodeAt(end - 1);
    const bit = Math.imul(three, 0x9e3779b1) >>> 25;
    const word = at + (bit >>> 5);
    bits[word] = (bits[word] ?? 0) | (1 << (bit & 31));
  }
}
