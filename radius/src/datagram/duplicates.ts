// Duplicate detection for RADIUS requests (RFC 5080 §2.2.2, radius.md §4.5): same source, identifier and authenticator
// within the window get the stored reply again, never a second login. Called by datagram/admit.ts before any cryptography.
//
// A slot is what a client uses for one request at a time: its address and port, code and identifier. Requests of one slot
// hang together, newest first. Ended ones also wait in a ring in the order of their end, so that forgetting the oldest costs
// the same however many there are, and a flood can only push out what has ended.
import type { Clock } from '@gatehouse/daemon/async';
import { cellBytes, cutChain, type DuplicateEntry, Kept, markOf, type Slots, slotOf, unlink } from './kept-request.ts';
import { Ring } from './ring.ts';

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

const working: Sighting = { kind: 'working' };

class DuplicateTable implements Duplicates {
  readonly #clock: Clock;
  readonly #options: DuplicateOptions;
  readonly #sources = new Map<string, Slots>();
  readonly #ended: Ring<Kept>;
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
    this.#expire(this.#clock.monotonicMs());
    return this.#made - this.#free.length;
  }

  look({ address, port }: Sender, packet: Buffer): Sighting | undefined {
    let kept = this.#sources.get(address)?.get(slotOf(port, packet));
    const mark = markOf(packet);
    while (kept !== undefined && (kept.mark !== mark || !kept.holds(packet))) kept = kept.older;
    if (kept === undefined) return undefined; // nearly always, and the clock need not be asked
    this.#expire(this.#clock.monotonicMs());
    if (!kept.isHooked) return undefined;
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
  readonly #onEnd = (kept: Kept): void => {
    const nowMs = this.#clock.monotonicMs();
    this.#expire(nowMs);
    this.#working -= 1;
    kept.repeat = undefined;
    kept.endMs = nowMs + this.#options.keepMs;
    if (kept.state === 'unanswered') this.#unhook(kept);
    this.#ended.push(kept);
  };

  /** A new one, or when there are enough the one that ended first. */
  #make(): Kept {
    const oldest = this.#made < this.#options.maxEntries ? undefined : this.#ended.shift();
    if (oldest === undefined) return new Kept(this.#onEnd, this.#cells, this.#made++ * cellBytes);
    this.#unhook(oldest);
    return oldest;
  }

  /** At the end of each request, so that what is over takes no memory; and before anything is found. */
  #expire(nowMs: number): void {
    let oldest = this.#ended.oldest();
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
