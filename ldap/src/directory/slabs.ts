// Octets by row, packed into large buffers outside the JavaScript heap. A row that changes is written anew at the end; a
// slab of which less than half is in use any more is emptied into the others, so waste is bounded.
import { grown } from './columns.ts';

const slabBytes = 1_048_576;

interface Slab {
  readonly bytes: Buffer;
  used: number;
  live: number;
}

export class Slabs {
  readonly #slabs: Slab[] = [];
  #filling: Slab | undefined;
  /** Slab number plus one; 0: nothing there. */
  #slabOf = new Uint32Array(64);
  #start = new Uint32Array(64);
  #length = new Uint32Array(64);

  has(row: number): boolean {
    return (this.#slabOf[row] ?? 0) !== 0;
  }

  /** The buffer that holds a row, from `start` for `length` octets. Read only; good until the next `put`. */
  bytes(row: number): Buffer {
    return this.#slabs[(this.#slabOf[row] ?? 0) - 1]?.bytes ?? nothing;
  }

  start(row: number): number {
    return this.#start[row] ?? 0;
  }

  length(row: number): number {
    return this.#length[row] ?? 0;
  }

  /** @returns false when the same octets were there already */
  put(row: number, source: Buffer, length: number): boolean {
    if (this.has(row)) {
      const at = this.start(row);
      if (this.length(row) === length && this.bytes(row).compare(source, 0, length, at, at + length) === 0)
        return false;
      this.remove(row);
    }
    this.#write(row, source, 0, length);
    return true;
  }

  remove(row: number): void {
    const number = (this.#slabOf[row] ?? 0) - 1;
    const slab = this.#slabs[number];
    if (slab === undefined) return;
    slab.live -= this.length(row);
    this.#slabOf[row] = 0;
    if (slab !== this.#filling && slab.live < slab.bytes.length / 2) this.#empty(number, slab);
  }

  get allocatedBytes(): number {
    return this.#slabs.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  #write(row: number, source: Buffer, from: number, length: number): void {
    const slab = this.#slabWith(length);
    source.copy(slab.bytes, slab.used, from, from + length);
    this.#slabOf = grown(this.#slabOf, row + 1);
    this.#start = grown(this.#start, row + 1);
    this.#length = grown(this.#length, row + 1);
    this.#slabOf[row] = this.#slabs.indexOf(slab) + 1;
    this.#start[row] = slab.used;
    this.#length[row] = length;
    slab.used += length;
    slab.live += length;
  }

  #slabWith(room: number): Slab {
    const filling = this.#filling;
    if (filling !== undefined && filling.used + room <= filling.bytes.length) return filling;
    const slab = { bytes: Buffer.allocUnsafeSlow(Math.max(slabBytes, room)), used: 0, live: 0 };
    const free = this.#slabs.findIndex(({ bytes }) => bytes.length === 0);
    if (free === -1) this.#slabs.push(slab);
    else this.#slabs[free] = slab;
    this.#filling = slab;
    return slab;
  }

  /** Linear in rows for the look, in the slab's size for the copying. */
  #empty(number: number, slab: Slab): void {
    this.#slabs[number] = { bytes: nothing, used: 0, live: 0 };
    for (let row = 0; row < this.#slabOf.length; row += 1)
      if (this.#slabOf[row] === number + 1) this.#write(row, slab.bytes, this.start(row), this.length(row));
  }
}

const nothing = Buffer.alloc(0);
