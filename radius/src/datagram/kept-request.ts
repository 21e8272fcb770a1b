// One request that was seen, and its reply. A busy server remembers some ten thousand of them, each for seconds: as objects of
// their own they would all outlive the young generation, and collecting them would cost more than the look-up. So the objects are
// used again and again, and packet and reply are copied into one cell of a single buffer; what does not fit there (EAP) is kept as
// it is. Called by duplicates.ts.

/** Requests of one address by slot. */
export type Slots = Map<number, Kept>;

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

/** A packet and its reply of the usual sizes: PAP with the attributes that devices send. */
export const cellBytes = 384;
const nothing: Buffer = Buffer.alloc(0);
const nowhere: Slots = new Map();

export class Kept implements DuplicateEntry {
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
  readonly #onEnd: (kept: Kept) => void;
  readonly #cells: Buffer;
  readonly #at: number;
  #packetBytes = 0;
  #replyBytes = 0;
  /** In place of the cell, where they are too long for it. */
  #longPacket: Buffer = nothing;
  #longReply: Buffer = nothing;

  constructor(onEnd: (kept: Kept) => void, cells: Buffer, at: number) {
    this.#onEnd = onEnd;
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
    this.#onEnd(this);
  }

  forget(): void {
    if (this.state !== 'working') return;
    this.state = 'unanswered';
    this.#onEnd(this);
  }
}

/** Port, code (of those that are admitted) and identifier, in 28 bits: a larger number would be an object. */
export function slotOf(port: number, packet: Buffer): number {
  return port * 4_096 + ((packet[0] ?? 0) & 15) * 256 + (packet[1] ?? 0);
}

export function markOf(packet: Buffer): number {
  return (packet[4] ?? 0) | ((packet[5] ?? 0) << 8) | ((packet[6] ?? 0) << 16);
}

/** A client that has used an identifier this often since does not repeat what it had sent first. */
const maxOlder = 4;

/** Cuts off done requests behind the fourth; those in work stay, or a repetition would start them again. */
export function cutChain(newest: Kept): void {
  let last = newest;
  for (let count = 0; last.older !== undefined; count++) {
    if (count >= maxOlder && last.older.state !== 'working') {
      last.older.isHooked = false; // the ring lets go of it in its time
      last.older = last.older.older;
    } else last = last.older;
  }
}

export function unlink(newest: Kept, kept: Kept): void {
  for (let one: Kept | undefined = newest; one !== undefined; one = one.older)
    if (one.older === kept) one.older = kept.older;
}
