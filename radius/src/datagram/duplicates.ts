// Duplicate detection for RADIUS requests (RFC 5080 §2.2.2, radius.md §4.5): same source, identifier and authenticator
// within the window get the stored reply again, never a second login. Called by datagram/receive.ts before any cryptography.
import type { Clock } from '@gatehouse/daemon/async';

export interface DuplicateOptions {
  /** How long a reply is kept; RFC 5080 suggests 5 to 30 s. */
  readonly keepMs: number;
  readonly maxEntries: number;
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
  readonly isCurrent: () => boolean;
  /** Keeps the reply for repetitions. */
  finish(reply: Buffer): void;
  /** Nothing was answered: a repetition is a new request. */
  forget(): void;
}

export interface Duplicates {
  /** Only looks; registering is for packets that were admitted. */
  look(source: string, packet: Buffer): Exclude<Sighting, { kind: 'new' }> | undefined;
  begin(source: string, packet: Buffer): Sighting;
  readonly size: number;
}

interface Kept {
  readonly packet: Buffer;
  readonly slot: string;
  reply: Buffer | undefined;
  endMs: number;
}

export function createDuplicates(clock: Clock, options: DuplicateOptions): Duplicates {
  const working = new Map<string, Kept>();
  const done = new Map<string, Kept>(); // in order of completion, so the front is the first to expire
  const slots = new Map<string, string>();

  const drop = (key: string, kept: Kept) => {
    working.delete(key);
    done.delete(key);
    if (slots.get(kept.slot) === key) slots.delete(kept.slot);
  };
  const expire = () => {
    const nowMs = clock.monotonicMs();
    for (const [key, kept] of done) {
      if (kept.endMs > nowMs && done.size + working.size < options.maxEntries) return;
      drop(key, kept);
    }
  };
  const look: Duplicates['look'] = (source, packet) => {
    expire();
    const key = keyOf(source, packet);
    const kept = working.get(key) ?? done.get(key);
    if (kept === undefined || !kept.packet.equals(packet)) return undefined;
    return kept.reply === undefined ? { kind: 'working' } : { kind: 'done', reply: kept.reply };
  };
  return {
    look,
    begin(source, packet) {
      const seen = look(source, packet);
      if (seen !== undefined) return seen;
      if (working.size >= options.maxEntries) return { kind: 'full' };
      const key = keyOf(source, packet);
      const slot = slotOf(source, packet);
      const kept: Kept = { packet: Buffer.from(packet), slot, reply: undefined, endMs: Number.POSITIVE_INFINITY };
      done.delete(key);
      working.set(key, kept);
      slots.set(slot, key);
      const isCurrent = () => working.get(key) === kept && slots.get(slot) === key;
      return {
        kind: 'new',
        entry: {
          isCurrent,
          finish(reply) {
            if (working.get(key) !== kept) return;
            working.delete(key);
            kept.reply = reply;
            kept.endMs = clock.monotonicMs() + options.keepMs;
            done.set(key, kept);
          },
          forget() {
            if (working.get(key) === kept) drop(key, kept);
          },
        },
      };
    },
    get size() {
      return working.size + done.size;
    },
  };
}

/** Source, code, identifier and authenticator; Length is between them and may be part of it. */
function keyOf(source: string, packet: Buffer): string {
  return `${source}|${packet.toString('latin1', 0, 20)}`;
}

/** Source, code, identifier: what a client uses for one request at a time. */
function slotOf(source: string, packet: Buffer): string {
  return `${source}|${packet.toString('latin1', 0, 2)}`;
}
