// Duplicate detection for RADIUS requests (RFC 5080 §2.2.2, radius.md §4.5): same source, identifier and authenticator
// within the window get the stored reply again, never a second login. Called by datagram/receive.ts before any cryptography.
//
// A slot is what a client uses for one request at a time: its address and port, code and identifier. Requests of one slot
// hang together, newest first. Ended ones also wait in a ring in the order of their end, so that forgetting the oldest costs
// the same however many there are, and a flood can only push out what has ended.
//
// A busy server remembers some ten thousand requests, each for seconds: as objects of their own they would all outlive the
// young generation, and collecting them would cost more than the look-up. So their objects are used again and again, and
// packet and reply are copied into one cell of a single buffer; what does not fit there (EAP) is kept as it is.
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

export type Sighting =
  | {
      readonly kind: 'working';
      /** What is to be done about a repetition; as a rule nothing. */
      readonly repeat?: () => void;
    }
  | { readonly kind: 'done'; readonly reply: Buffer };

/** A request in work. */
export interface DuplicateEntry {
  /** False when the client has meanwhile sent another request under the same identifier: it has given this one up. */
  isCurrent(): boolean;
  /** Keeps the reply for repetitions. */
  finish(reply: Buffer): void;
  /** Nothing was answered: a repetition is a new request. */
  forget(): void;
  /** To be called at each repetition until this one has ended. */
  whenRepeated(act: () => void): void;
}

export interface Duplicates {
  /** What was seen of this very packet; `undefined` for a new one. */
  look(from: Sender, packet: Buffer): Sighting | undefined;
  /**
   * Registers a packet that `look` has just called new, once it is admitted.
   * @param packet may be kept as it is: it must not be written to afterwards
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
  readonly #ended: Ring;
  readonly #free: Kept[] = [];
  readonly #cells: Buffer;
  #made = 0;
  #working = 0;

  constructor(clock: Clock, options: DuplicateOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#ended = new Ring(options.maxEntries);
    this.#cells = Buffer.allocUnsafeSlow(options.maxEntries * cellBytes); // the system gives pages when they are written
  }

  get size(): number {
    return this.#made - this.#free.length;
  }

  look({ address, port }: Sender, packet: Buffer): Sighting | undefined {
    this.#expire();
    let kept = this.#sources.get(address)?.get(slotOf(port, packet));
    if (kept === undefined) return undefined;
    const mark = markOf(packet);
    while (kept !== undefined && (kept.mark !== mark || !kept.holds(packet))) kept = kept.older;
    if (kept === undefined) return undefined;
    const reply = kept.reply();
    if (reply !== undefined) return { kind: 'done', reply };
    return kept.repeat === undefined ? working : { kind: 'working', repeat: kept.repeat };
  }

  begin({ address, port }: Sender, packet: Buffer): DuplicateEntry | undefined {
    if (this.#working >= this.#options.maxEntries) return undefined;
    const kept = this.#free.pop() ?? this.#make();
    let slots = this.#sources.get(address);
    if (slots === undefined) {
      slots = new Map();
      this.#sources.set(address, slots);
    }
    const slot = slotOf(port, packet);
    kept.start(slots, address, slot, packet);
    slots.set(slot, kept);
    cutChain(kept);
    this.#working += 1;
    return kept;
  }

  /** A request in work has got its reply, or will get none. It may be used again after the time of repetitions. */
  ended(kept: Kept): void {
    this.#working -= 1;
    kept.repeat = undefined;
    kept.endMs = this.#clock.monotonicMs() + this.#options.keepMs;
    if (kept.state === 'unanswered') this.#unhook(kept);
    this.#ended.push(kept);
  }

  /** A new one, or when there are enough the one that ended first. */
  #make(): Kept {
    const oldest = this.#made < this.#options.maxEntries ? undefined : this.#ended.shift();
    if (oldest === undefined) return new Kept(this, this.#cells, this.#made++ * cellBytes);
    this.#unhook(oldest);
    return oldest;
  }

  #expire(): void {
    let oldest = this.#ended.oldest();
    if (oldest === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    for (; oldest !== undefined && oldest.endMs <= nowMs; oldest = this.#ended.oldest()) {
      this.#ended.shift();
      this.#unhook(oldest);
      oldest.rest();
      this.#free.push(oldest);
    }
  }

  #unhook(kept: Kept): void {
    if (!kept.isHooked) return;
    kept.isHooked = false;
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

/** A packet and its reply of the usual sizes: PAP with the attributes that devices send. */
const cellBytes = 384;
const nothing: Buffer = Buffer.alloc(0);
const nowhere: Slots = new Map();

class Kept implements DuplicateEntry {
  /** First bytes of the authenticator: tells most others apart without comparing packets. */
  mark = 0;
  address = '';
  slot = 0;
  slots = nowhere;
  /** The request that had this slot before. */
  older: Kept | undefined = undefined;
  state: 'working' | 'answered' | 'unanswered' = 'unanswered';
  endMs = 0;
  repeat: (() => void) | undefined = undefined;
  /** Can be found by its slot. */
  isHooked = false;
  readonly #table: DuplicateTable;
  readonly #cells: Buffer;
  readonly #at: number;
  #packetBytes = 0;
  #replyBytes = 0;
  /** In place of the cell, where they are too long for it. */
  #longPacket: Buffer = nothing;
  #longReply: Buffer = nothing;

  constructor(table: DuplicateTable, cells: Buffer, at: number) {
    this.#table = table;
    this.#cells = cells;
    this.#at = at;
  }

  start(slots: Slots, address: string, slot: number, packet: Buffer): void {
    this.slots = slots;
    this.address = address;
    this.slot = slot;
    this.mark = markOf(packet);
    this.older = slots.get(slot);
    this.state = 'working';
    this.isHooked = true;
    const isLong = packet.length > cellBytes;
    this.#packetBytes = isLong ? 0 : packet.length;
    this.#replyBytes = 0;
    this.#longPacket = isLong ? packet : nothing;
    this.#longReply = nothing;
    if (!isLong) this.#cells.set(packet, this.#at);
  }

  /** Until it is used again nothing is held on to. */
  rest(): void {
    this.slots = nowhere;
    this.older = undefined;
    this.#longPacket = nothing;
    this.#longReply = nothing;
  }

  holds(packet: Buffer): boolean {
    if (this.#longPacket.length > 0) return this.#longPacket.equals(packet);
    const end = this.#at + this.#packetBytes;
    return packet.length === this.#packetBytes && this.#cells.compare(packet, 0, packet.length, this.#at, end) === 0;
  }

  reply(): Buffer | undefined {
    if (this.state !== 'answered') return undefined;
    if (this.#longReply.length > 0) return this.#longReply;
    const at = this.#at + this.#packetBytes;
    return Buffer.from(this.#cells.subarray(at, at + this.#replyBytes)); // the cell may be used again before it is sent
  }

  whenRepeated(act: () => void): void {
    this.repeat = act;
  }

  isCurrent(): boolean {
    return this.isHooked && this.slots.get(this.slot) === this;
  }

  finish(reply: Buffer): void {
    if (this.state !== 'working') return;
    this.state = 'answered';
    const isLong = this.#packetBytes + reply.length > cellBytes;
    if (isLong) this.#longReply = reply;
    else {
      this.#replyBytes = reply.length;
      this.#cells.set(reply, this.#at + this.#packetBytes);
    }
    this.#table.ended(this);
  }

  forget(): void {
    if (this.state !== 'working') return;
    this.state = 'unanswered';
    this.#table.ended(this);
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
    if (count >= maxOlder && last.older.state !== 'working') {
      last.older.isHooked = false; // the ring lets go of it in its time
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

  oldest(): Kept | undefined {
    return this.#size === 0 ? undefined : this.#items[this.#head];
  }

  shift(): Kept | undefined {
    const oldest = this.oldest();
    if (oldest === undefined) return undefined;
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#items.length;
    this.#size -= 1;
    return oldest;
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
