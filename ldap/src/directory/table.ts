// The users, or the groups, of a directory by row: what is sent of them, and the indexes that find them. A row is given out
// once and never to somebody else, so whoever holds one cannot be shown another entry.
import { type AttributeType, normalise } from './attribute-types.ts';
import { grown, NumberList } from './columns.ts';
import type { EntryAttribute } from './entry.ts';
import { foldPart } from './filter.ts';
import { HashIndex, hashOf } from './hash-index.ts';
import { Records } from './records.ts';
import type { Shape } from './shapes.ts';
import { SortedIndex, type SortKey } from './sorted-index.ts';
import { TextSignatures } from './text-signatures.ts';

/** Rows looked at, at once, while an index is made; the first are looked at by new code, and in a turn of their own. */
const sliceSize = 250;
/** More would only cost memory. */
const mostIndexes = 40;

export class Table {
  readonly records = new Records();
  /** Rows given out so far. */
  size = 0;
  /** Rows with an entry; the others are known by name at best. */
  count = 0;
  #listed = new Uint32Array(64);
  readonly #hashes = new Map<AttributeType, HashIndex>();
  readonly #sorted = new Map<AttributeType, SortedIndex>();
  readonly #signatures = new Map<AttributeType, TextSignatures>();
  /** Rows that changed since the making of an index began, by what is made. */
  readonly #making = new Map<AttributeType, Set<number>>();
  readonly #signing = new Map<AttributeType, Set<number>>();
  readonly #turn: () => Promise<void>;

  /** @param indexed types whose index grows with the rows; others get theirs when first asked for */
  constructor(indexed: readonly AttributeType[], turn: () => Promise<void>) {
    this.#turn = turn;
    for (const type of indexed) this.#hashes.set(type, new HashIndex());
  }

  newRow(): number {
    this.#listed = grown(this.#listed, this.size + 1);
    this.size += 1;
    return this.size - 1;
  }

  isListed(row: number): boolean {
    return this.#listed[row] === 1;
  }

  /** Listed rows in the order in which they came. @param bits set in each number besides its row */
  rows(bits = 0): Uint32Array {
    const listed = this.#listed;
    const { size } = this;
    const rows = new Uint32Array(this.count);
    for (let row = 0, at = 0; row < size; row += 1)
      if (listed[row] === 1) {
        rows[at] = bits | row;
        at += 1;
      }
    return rows;
  }

  /** Something to call a row by that has no entry here. */
  mention(row: number, name: EntryAttribute): void {
    if (this.isListed(row) || !this.records.put(row, [name], [])) return;
    this.#noteChange(row);
    this.#index(row, name);
  }

  put(row: number, withStar: readonly EntryAttribute[], byName: readonly EntryAttribute[]): boolean {
    const wasListed = this.isListed(row);
    for (const [type, index] of this.#sorted) if (wasListed) index.remove(row, sortKey(this.records, row, type));
    const changed = this.records.put(row, withStar, byName) || !wasListed;
    this.#listed[row] = 1;
    if (!wasListed) this.count += 1;
    for (const index of this.#sorted.values()) index.insert(row);
    if (!changed) return false;
    this.#noteChange(row);
    for (const [type, signatures] of this.#signatures) signatures.put(row, this.#texts(row, type));
    for (const attribute of withStar) this.#index(row, attribute);
    for (const attribute of byName) this.#index(row, attribute);
    return true;
  }

  remove(row: number): void {
    if (!this.isListed(row)) return;
    for (const [type, index] of this.#sorted) index.remove(row, sortKey(this.records, row, type));
    this.#noteChange(row);
    this.#listed[row] = 0;
    this.count -= 1;
    this.records.remove(row);
  }

  /** At least the listed rows with this value, which is normalised; `undefined` while there is no index. */
  withValue(type: AttributeType, value: string): readonly number[] | undefined {
    const index = this.#hashes.get(type);
    if (index === undefined) {
      if (this.#hashes.size < mostIndexes) void this.#makeHashes(type);
      return undefined;
    }
    return index.rows(hashOf(value));
  }

  /** As `withValue`, by order: `undefined` too where the type has no order. */
  sorted(type: AttributeType): SortedIndex | undefined {
    const index = this.#sorted.get(type);
    if (index === undefined && type.singleValue && this.#sorted.size < mostIndexes) void this.#makeSorted(type);
    return index;
  }

  /** As `withValue`, for texts anywhere in a value. */
  signatures(type: AttributeType): TextSignatures | undefined {
    const index = this.#signatures.get(type);
    if (index === undefined && this.#signatures.size < mostIndexes) void this.#makeSignatures(type);
    return index;
  }

  /** Waits for every index that was asked for. @returns whether there was one to wait for */
  async settled(): Promise<boolean> {
    const isMaking = () => this.#making.size + this.#signing.size > 0;
    const waits = isMaking();
    while (isMaking()) await this.#turn();
    return waits;
  }

  /** Listed rows that have the attribute. Linear, without a look into any record. */
  having(type: AttributeType): NumberList {
    const found = new NumberList();
    let shape: Shape | undefined;
    let isFilled = false;
    for (let row = 0; row < this.size; row += 1) {
      if (this.#listed[row] !== 1) continue;
      const own = this.records.shapeOf(row);
      if (own !== shape) {
        shape = own;
        isFilled = own.filled[own.placeOf(type)] === true;
      }
      if (isFilled) found.push(row);
    }
    return found;
  }

  #noteChange(row: number): void {
    for (const rows of this.#making.values()) rows.add(row);
    for (const rows of this.#signing.values()) rows.add(row);
  }

  #index(row: number, { type, values }: EntryAttribute): void {
    const index = this.#hashes.get(type);
    if (index === undefined) return;
    // Values that were there once stay in the index; when they are too many it is made anew, and serves until then.
    if (index.size > 4 * this.size + 1_024) void this.#makeHashes(type);
    for (const value of values) {
      const key = normalise(type.syntax, value);
      if (key !== undefined) index.add(hashOf(key), row);
    }
  }

  async #makeHashes(type: AttributeType): Promise<void> {
    if (this.#making.has(type)) return;
    const changed = new Set<number>();
    this.#making.set(type, changed);
    await this.#turn();
    const index = new HashIndex();
    for (let row = 0; row < this.size; row += 1) {
      if (row % sliceSize === sliceSize - 1) await this.#turn();
      this.#addTo(index, row, type);
    }
    for (const row of changed) this.#addTo(index, row, type);
    this.#making.delete(type);
    this.#hashes.set(type, index);
  }

  #addTo(index: HashIndex, row: number, type: AttributeType): void {
    if (!this.records.has(row)) return;
    for (const value of this.records.values(row, type)) {
      const key = normalise(type.syntax, value);
      if (key !== undefined) index.add(hashOf(key), row);
    }
  }

  async #makeSignatures(type: AttributeType): Promise<void> {
    if (this.#signing.has(type)) return;
    const changed = new Set<number>();
    this.#signing.set(type, changed);
    await this.#turn();
    const index = new TextSignatures();
    for (let row = 0; row < this.size; row += 1) {
      if (row % sliceSize === sliceSize - 1) await this.#turn();
      index.put(row, this.#texts(row, type));
    }
    for (const row of changed) index.put(row, this.#texts(row, type));
    this.#signing.delete(type);
    this.#signatures.set(type, index);
  }

  #texts(row: number, type: AttributeType): string[] {
    return this.isListed(row) ? this.records.values(row, type).map(foldPart) : [];
  }

  async #makeSorted(type: AttributeType): Promise<void> {
    if (this.#making.has(type)) return;
    const changed = new Set<number>();
    this.#making.set(type, changed);
    await this.#turn();
    const keyOf = (row: number) => (this.isListed(row) ? sortKey(this.records, row, type) : undefined);
    const index = await SortedIndex.build(this.rows(), keyOf, { turn: this.#turn, changed });
    this.#making.delete(type);
    this.#sorted.set(type, index);
  }
}

/** Integers and times are compared as numbers, all else as text. */
function sortKey(records: Records, row: number, type: AttributeType): SortKey | undefined {
  const value = records.firstValue(row, type);
  const key = value === undefined ? undefined : normalise(type.syntax, value);
  return key === undefined || (type.syntax !== 'integer' && type.syntax !== 'generalizedTime') ? key : Number(key);
}
