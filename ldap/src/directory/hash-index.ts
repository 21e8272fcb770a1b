// Rows by the hash of a value: sixteen octets a value, no object. What it finds may hold rows that only share the hash, or
// had the value once; whoever asks tests each row anyway.
import { grown } from './columns.ts';

/** FNV-1a over UTF-16 units. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

export class HashIndex {
  /** First node of each bucket plus one. */
  #heads = new Uint32Array(64);
  #hashes = new Uint32Array(32);
  #rows = new Uint32Array(32);
  #next = new Uint32Array(32);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  add(hash: number, row: number): void {
    if (this.#count >= this.#heads.length) this.#widen();
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
    let node = this.#heads[hash & (this.#heads.length - 1)] ?? 0;
    while (node !== 0) {
      if (this.#hashes[node - 1] === hash) found.push(this.#rows[node - 1] ?? 0);
      node = this.#next[node - 1] ?? 0;
    }
    return found;
  }

  #link(node: number, hash: number): void {
    const bucket = hash & (this.#heads.length - 1);
    this.#next[node] = this.#heads[bucket] ?? 0;
    this.#heads[bucket] = node + 1;
  }

  #widen(): void {
    this.#heads = new Uint32Array(this.#heads.length * 2);
    for (let node = 0; node < this.#count; node += 1) this.#link(node, this.#hashes[node] ?? 0);
  }
}
