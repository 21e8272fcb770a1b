// What a shared secret is used for, with everything precomputed that depends on it alone: MD5 over something and the
// secret, and HMAC-MD5 under it. One object per client, made at refresh, never per packet.
import { tooLarge } from '../errors.ts';
import { createPads, digestFront, front, frontBytes, hmacFront } from './md5.ts';
import { maxPacketBytes } from './packet.ts';

/** A shared secret in use. Printing it shows nothing. All digests have 16 bytes and are written into `out`. */
export interface PacketKey {
  /** MD5(secret, part): password hiding (RFC 2865 §5.2, RFC 2868 §3.5). */
  digestAfterSecretInto(out: Uint8Array, at: number, part: Uint8Array): void;
  /**
   * MD5(packet, secret): authenticators (RFC 2865 §3, RFC 2866 §3).
   * @param authenticator what stands in that field of the packet for the digest, as it is unless given; `packet` itself is
   *   not changed
   */
  digestBeforeSecretInto(out: Uint8Array, at: number, packet: Uint8Array, authenticator?: Uint8Array): void;
  /**
   * HMAC-MD5(secret, packet): Message-Authenticator (RFC 3579 §3.2).
   * @param authenticator as for {@link digestBeforeSecretInto}
   * @param valueAt where the sixteen bytes of the attribute stand, which count as zeros
   */
  hmacInto(
    out: Uint8Array,
    at: number,
    packet: Uint8Array,
    authenticator: Uint8Array | undefined,
    valueAt: number,
  ): void;
}

/** Longest secret in bytes; devices take 128 at most. */
export const maxSecretBytes = frontBytes - maxPacketBytes;

/**
 * @param secret its UTF-8 bytes are the key; not empty
 * @throws WireError `ERR_WIRE_TOO_LARGE`
 */
export function createPacketKey(secret: string): PacketKey {
  const bytes = new Uint8Array(Buffer.from(secret, 'utf8'));
  if (bytes.length > maxSecretBytes)
    throw tooLarge(`a shared secret of ${bytes.length} bytes; at most ${maxSecretBytes}`);
  const pads = createPads(bytes);
  return {
    digestAfterSecretInto(out, at, part) {
      front.set(bytes);
      front.set(part, bytes.length);
      digestFront(out, at, bytes.length + part.length);
    },
    digestBeforeSecretInto(out, at, packet, authenticator) {
      front.set(packet);
      if (authenticator !== undefined) front.set(authenticator, authenticatorAt);
      front.set(bytes, packet.length);
      digestFront(out, at, packet.length + bytes.length);
    },
    hmacInto(out, at, packet, authenticator, valueAt) {
      front.set(packet);
      if (authenticator !== undefined) front.set(authenticator, authenticatorAt);
      for (let byte = valueAt; byte < valueAt + 16; byte++) front[byte] = 0; // fill() is a call into C++
      hmacFront(out, at, pads, packet.length);
    },
  };
}

const authenticatorAt = 4;
