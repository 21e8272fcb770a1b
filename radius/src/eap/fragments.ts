// Fragmentation of TLS messages in EAP, both ways (RFC 5216 §2.1.5).
import type { TlsFragment } from '@gatehouse/wire/eap';

const maxMessageBytes = 64 * 1024;
const largestFragment = 1000;
const smallestMtu = 64;

/** Bytes of TLS data in one EAP packet, so that it fits into the frames of the NAS (radius.md §8.6). */
export function fragmentBytes(framedMtu: number | undefined): number {
  return framedMtu === undefined || framedMtu < smallestMtu
    ? largestFragment
    : Math.min(largestFragment, framedMtu - 10);
}

export interface Outgoing {
  /** The next fragment; `undefined` when everything was sent. */
  next(limit: number): TlsFragment | undefined;
}

export function createOutgoing(message: Buffer): Outgoing {
  let at = 0;
  return {
    next(limit) {
      if (at >= message.length) return undefined;
      const data = message.subarray(at, at + limit);
      const isFirst = at === 0;
      at += data.length;
      const more = at < message.length;
      return { start: false, more, totalBytes: isFirst && more ? message.length : undefined, data };
    },
  };
}

export interface Incoming {
  /** @returns the whole message, `more` while fragments are missing, `too_large` when it breaks the limit */
  add(fragment: TlsFragment): Buffer | 'more' | 'too_large';
}

export function createIncoming(): Incoming {
  let pieces: Buffer[] = [];
  let bytes = 0;
  let announced: number | undefined;
  return {
    add({ data, more, totalBytes }) {
      if (pieces.length === 0) announced = totalBytes;
      bytes += data.length;
      if ((announced ?? 0) > maxMessageBytes || bytes > (announced ?? maxMessageBytes)) return 'too_large';
      pieces.push(Buffer.from(data));
      if (more) return 'more';
      const message = Buffer.concat(pieces);
      [pieces, bytes, announced] = [[], 0, undefined];
      return message;
    },
  };
}
