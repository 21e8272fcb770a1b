// Duplicate detection for RADIUS requests (RFC 5080 §2.2.2, radius.md §4.5): same source, identifier and authenticator
// within the window get the stored reply again, never a second login. Called by datagram/receive.ts before any cryptography.
//
// A slot is what a client uses for one request at a time: its address and port, code and identifier. Requests of one slot
// hang together, newest first. Done ones also wait in a ring in the order of their end, so that forgetting the oldest costs
// the same however many there are, and a flood can only push out what is done.
import type { Clock } from '@gatehouse/daemon/async';

export interface DuplicateOptions {
  /** How long a reply is kept; RFC 5080 suggests 5 to 30 s. */
  readonly keepMs: number;
  readonly maxEntries: number;
}

/** Whence a packet came. */
export interface Sender {
  readonly address: string;
  readonly port: number;
}

export type Sighting = { readonly kind: 'working' } | { readonly kind: 'done'; readonly reply: Buffer };

/** A request in work. */
export interface DuplicateEntry {
  /** False when the client has meanwhile sent another request under the same identifier: it has given this one up. */
  isCurrent(): boolean;
  /** Keeps the reply for repetitions. */
  finish(reply: Buffer): void;
  /** Nothing was answered: a repetition is a new request. */
  forget(): void;
}

export interface Duplicates {
  /** What was seen of this very packet; `undefined` for a new one. */
  look(from: Sender, packet: Buffer): Sighting | undefined;
  /**
   * Registers a packet that `look` has just called new, once it is admitted.
   * @param packet is kept as it is: it must not be written to afterwards
   * @returns `undefined` when everything kept is in work: drop new packets until something ends
   */
  begin(from: Sender, packet: Buffer): DuplicateEntry | undefined;
  readonly size: number;
}

export function createDuplicates(clock: Clock, options: DuplicateOptions): Duplicates {
  return new DuplicateTable(clock, options);
}

/** Requests of one address by slot. */
type Slots = Map<number, Kept>;

const working: Sighting = { kind: 'working' };

class DuplicateTable implements Duplicates {
  readonly #clock: Clock;
  readonly #options: DuplicateOptions;
  readonly #sources = new Map<string, Slots>();
  readonly #done: Ring;
  #working = 0;

  constructor(clock: Clock, options: DuplicateOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#done = new Ring(options.maxEntries);
  }

  get size(): number {
    return this.#working + this.#done.size;
  }

  look({ address, port }: Sender, packet: Buffer): Sighting | undefined {
    this.#expire();
    let kept = this.#sources.get(address)?.get(slotOf(port, packet));
    if (kept === undefined) return undefined;
    const mark = markOf(packet);
    while (kept !== undefined && (kept.mark !== mark || !kept.packet.equals(packet))) kept = kept.older;
    if (kept === undefined) return undefined;
    return kept.reply === undefined ? working : { kind: 'done', reply: kept.reply };
  }

  begin({ address, port }: Sender, packet: Buffer): DuplicateEntry | undefined {
    if (this.#working >= this.#options.maxEntries) return undefined;
    let slots = this.#sources.get(address);
    if (slots === undefined) {
      slots = new Map();
      this.#sources.set(address, slots);
    }
    const slot = slotOf(port, packet);
    const kept = new Kept(this, slots, { address, slot, packet, older: slots.get(slot) });
    slots.set(slot, kept);
    cutChain(kept);
    this.#working += 1;
    return kept;
  }

  /** A request in work has got its reply. */
  finished(kept: Kept): void {
    this.#working -= 1;
    kept.endMs = this.#clock.monotonicMs() + this.#options.keepMs;
    this.#done.push(kept);
  }

  /** A request in work will get none. */
  given(kept: Kept): void {
    this.#working -= 1;
    this.#forget(kept);
  }

  #expire(): void {
    if (this.#done.size === 0) return;
    const nowMs = this.#clock.monotonicMs();
    for (let oldest = this.#done.oldest(); oldest !== undefined; oldest = this.#done.oldest()) {
      if (oldest.endMs > nowMs && this.size < this.#options.maxEntries) return;
      this.#done.shift();
      this.#forget(oldest);
    }
  }

  #forget(kept: Kept): void {
    if (kept.isForgotten) return;
    kept.isForgotten = true;
    const { slots, slot, address } = kept;
    const newest = slots.get(slot);
    if (newest === undefined) return;
    if (newest !== kept) unlink(newest, kept);
    else if (kept.older !== undefined) slots.set(slot, kept.older);
    else {
      slots.delete(slot);
      if (slots.size === 0) this.#sources.delete(address);
    }
  }
}

class Kept implements DuplicateEntry {
  readonly packet: Buffer;
  /** First bytes of the authenticator: tells most others apart without comparing packets. */
  readonly mark: number;
  readonly address: string;
  readonly slot: number;
  readonly slots: Slots;
  /** The request that had this slot before. */
  older: Kept | undefined;
  reply: Buffer | undefined = undefined;
  endMs = 0;
  isForgotten = false;
  readonly #table: DuplicateTable;

  constructor(table: DuplicateTable, slots: Slots, given: Pick<Kept, 'address' | 'slot' | 'packet' | 'older'>) {
    this.#table = table;
    this.slots = slots;
    this.address = given.address;
    this.slot = given.slot;
    this.packet = given.packet;
    this.mark = markOf(given.packet);
    this.older = given.older;
  }

  isCurrent(): boolean {
    return !this.isForgotten && this.slots.get(this.slot) === this;
  }

  finish(reply: Buffer): void {
    if (this.isForgotten || this.reply !== undefined) return;
    this.reply = reply;
    this.#table.finished(this);
  }

  forget(): void {
    if (!this.isForgotten && this.reply === undefined) this.#table.given(this);
  }
}

/** Port, code (of those that are admitted) and identifier, in 28 bits: a larger number would be an object. */
function slotOf(port: number, packet: Buffer): number {
  return port * 4_096 + ((packet[0] ?? 0) & 15) * 256 + (packet[1] ?? 0);
}

function markOf(packet: Buffer): number {
  return (packet[4] ?? 0) | ((packet[5] ?? 0) << 8) | ((packet[6] ?? 0) << 16);
}

/** A client that has used an identifier this often since does not repeat what it had sent first. */
const maxOlder = 4;

/** Cuts off done requests behind the fourth; those in work stay, or a repetition would start them again. */
function cutChain(newest: Kept): void {
  let last = newest;
  for (let count = 0; last.older !== undefined; count++) {
    if (count >= maxOlder && last.older.reply !== undefined) {
      last.older.isForgotten = true; // the ring lets go of it in its time
      last.older = last.older.older;
    } else last = last.older;
  }
}

function unlink(newest: Kept, kept: Kept): void {
  for (let one: Kept | undefined = newest; one !== undefined; one = one.older)
    if (one.older === kept) one.older = kept.older;
}

/** First in, first out, in a list that grows to its bound and no further. */
class Ring {
  #items: (Kept | undefined)[];
  #head = 0;
  #size = 0;

  constructor(maxEntries: number) {
    this.#items = Array.from({ length: Math.min(1_024, maxEntries + 1) });
  }

  get size(): number {
    return this.#size;
  }

  oldest(): Kept | undefined {
    return this.#size === 0 ? undefined : this.#items[this.#head];
  }

  shift(): void {
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#items.length;
    this.#size -= 1;
  }

  push(kept: Kept): void {
    if (this.#size === this.#items.length) {
      const [head, rest] = [this.#items.slice(this.#head), this.#items.slice(0, this.#head)];
      this.#items = [...head, ...rest, ...Array.from({ length: this.#size }, () => undefined)];
      this.#head = 0;
    }
    this.#items[(this.#head + this.#size) % this.#items.length] = kept;
    this.#size += 1;
  }
}
