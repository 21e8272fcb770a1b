// Rows by the hash of a value: sixteen octets a value, no object. What it finds may hold rows that only share the hash, or
// had the value once; whoever asks tests each row anyway. It grows by one bucket with each value (linear hashing), so that none
// has to wait until all the others have been put elsewhere.
import { grown } from './columns.ts';

/** FNV-1a over UTF-16 units. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** A power of two. */
const firstBuckets = 64;

export class HashIndex {
  /** First node of each bucket plus one; only the first `#buckets` are there. */
  #heads = new Uint32Array(firstBuckets);
  #buckets = firstBuckets;
  /** Of as many bits as tell all buckets apart. */
  #mask = firstBuckets - 1;
  #hashes = new Uint32Array(32);
  #rows = new Uint32Array(32);
  #next = new Uint32Array(32);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  add(hash: number, row: number): void {
    if (this.#count >= this.#buckets) this.#split();
    const node = this.#count;
    this.#hashes = grown(this.#hashes, node + 1);
    this.#rows = grown(this.#rows, node + 1);
    this.#next = grown(this.#next, node + 1);
    this.#hashes[node] = hash;
    this.#rows[node] = row;
    this.#count += 1;
    this.#link(node, hash);
  }

  /** In no order; the same row may come twice. */
  rows(hash: number): number[] {
    const found: number[] = [];
    for (let node = this.#first(hash); node !== 0; node = this.#next[node - 1] ?? 0)
      if (this.#hashes[node - 1] === hash) found.push(this.#rows[node - 1] ?? 0);
    return found;
  }

  /** The latest row with the hash that passes. */
  find(hash: number, isIt: (row: number) => boolean): number | undefined {
    for (let node = this.#first(hash); node !== 0; node = this.#next[node - 1] ?? 0) {
      const row = this.#rows[node - 1] ?? 0;
      if (this.#hashes[node - 1] === hash && isIt(row)) return row;
    }
    return undefined;
  }

  #first(hash: number): number {
    return this.#heads[this.#bucketOf(hash)] ?? 0;
  }

  /** Buckets that are not there yet are still part of the one they will be split from. */
  #bucketOf(hash: number): number {
    const bucket = hash & this.#mask;
    return bucket < this.#buckets ? bucket : bucket & (this.#mask >>> 1);
  }

  #link(node: number, hash: number): void {
    const bucket = this.#bucketOf(hash);
    this.#next[node] = this.#heads[bucket] ?? 0;
    this.#heads[bucket] = node + 1;
  }

  /** One more bucket, with what it takes from the one that it was a part of; their order is turned round each time. */
  #split(): void {
    const made = this.#buckets;
    if (made > this.#mask) this.#mask = this.#mask * 2 + 1;
    this.#heads = grown(this.#heads, made + 1);
    this.#buckets += 1;
    const divided = made & (this.#mask >>> 1);
    let node = this.#heads[divided] ?? 0;
    this.#heads[divided] = 0;
    while (node !== 0) {
      const next = this.#next[node - 1] ?? 0;
      this.#link(node - 1, this.#hashes[node - 1] ?? 0);
      node = next;
    }
  }
}
