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

export type Sighting =
  | { readonly kind: 'new'; readonly entry: DuplicateEntry }
  | { readonly kind: 'working' }
  | { readonly kind: 'done'; readonly reply: Buffer }
  /** Everything kept is in work: drop new packets until something ends. */
  | { readonly kind: 'full' };

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
  /** Only looks; registering is for packets that were admitted. */
  look(from: Sender, packet: Buffer): Exclude<Sighting, { kind: 'new' }> | undefined;
  /** @param packet is kept as it is: it must not be written to afterwards */
  begin(from: Sender, packet: Buffer): Sighting;
  readonly size: number;
}

/** Requests of one address by slot. */
type Slots = Map<number, Kept>;

interface Kept {
  readonly packet: Buffer;
  /** First bytes of the authenticator: tells most others apart without comparing packets. */
  readonly mark: number;
  readonly address: string;
  readonly slot: number;
  /** The request that had this slot before. */
  older: Kept | undefined;
  reply: Buffer | undefined;
  endMs: number;
  isForgotten: boolean;
}

export function createDuplicates(clock: Clock, options: DuplicateOptions): Duplicates {
  const sources = new Map<string, Slots>();
  const done = createRing(options.maxEntries);
  let working = 0;

  const forget = (kept: Kept) => {
    if (kept.isForgotten) return;
    kept.isForgotten = true;
    const slots = sources.get(kept.address);
    const newest = slots?.get(kept.slot);
    if (slots === undefined || newest === undefined) return;
    if (newest !== kept) unlink(newest, kept);
    else if (kept.older !== undefined) slots.set(kept.slot, kept.older);
    else {
      slots.delete(kept.slot);
      if (slots.size === 0) sources.delete(kept.address);
    }
  };
  const expire = () => {
    const nowMs = clock.monotonicMs();
    for (let oldest = done.oldest(); oldest !== undefined; oldest = done.oldest()) {
      if (oldest.endMs > nowMs && done.size + working < options.maxEntries) return;
      done.shift();
      forget(oldest);
    }
  };
  const find = ({ address, port }: Sender, packet: Buffer): Kept | undefined => {
    let kept = sources.get(address)?.get(slotOf(port, packet));
    const mark = markOf(packet);
    while (kept !== undefined && (kept.mark !== mark || !kept.packet.equals(packet))) kept = kept.older;
    return kept;
  };
  const look: Duplicates['look'] = (from, packet) => {
    expire();
    const kept = find(from, packet);
    if (kept === undefined) return undefined;
    return kept.reply === undefined ? { kind: 'working' } : { kind: 'done', reply: kept.reply };
  };
  const end = (kept: Kept): boolean => {
    if (kept.isForgotten || kept.reply !== undefined) return false;
    working -= 1;
    return true;
  };
  return {
    look,
    begin({ address, port }, packet) {
      const seen = look({ address, port }, packet);
      if (seen !== undefined) return seen;
      if (working >= options.maxEntries) return { kind: 'full' };
      const slots = sources.get(address) ?? new Map<number, Kept>();
      if (slots.size === 0) sources.set(address, slots);
      const slot = slotOf(port, packet);
      const older = slots.get(slot);
      const kept: Kept = {
        packet,
        mark: markOf(packet),
        address,
        slot,
        older,
        reply: undefined,
        endMs: 0,
        isForgotten: false,
      };
      slots.set(slot, kept);
      cutChain(kept);
      working += 1;
      const entry: DuplicateEntry = {
        isCurrent: () => !kept.isForgotten && sources.get(address)?.get(slot) === kept,
        finish(reply) {
          if (!end(kept)) return;
          kept.reply = reply;
          kept.endMs = clock.monotonicMs() + options.keepMs;
          done.push(kept);
        },
        forget() {
          if (end(kept)) forget(kept);
        },
      };
      return { kind: 'new', entry };
    },
    get size() {
      return working + done.size;
    },
  };
}

/** Port, code and identifier. */
function slotOf(port: number, packet: Buffer): number {
  return port * 65_536 + (packet[0] ?? 0) * 256 + (packet[1] ?? 0);
}

function markOf(packet: Buffer): number {
  return packet.readInt32LE(4);
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
function createRing(maxEntries: number) {
  let items: (Kept | undefined)[] = Array.from({ length: Math.min(1_024, maxEntries + 1) });
  let head = 0;
  let size = 0;
  return {
    get size() {
      return size;
    },
    oldest: () => (size === 0 ? undefined : items[head]),
    shift() {
      items[head] = undefined;
      head = (head + 1) % items.length;
      size -= 1;
    },
    push(kept: Kept) {
      if (size === items.length) {
        items = [...items.slice(head), ...items.slice(0, head), ...Array.from({ length: size }, () => undefined)];
        head = 0;
      }
      items[(head + size) % items.length] = kept;
      size += 1;
    },
  };
}
