// What a shared secret is used for, with everything precomputed that depends on it alone: MD5 over something and the
// secret, and HMAC-MD5 under it. One object per client, made at refresh, never per packet.
import { createHmacMd5, digestInto } from './md5.ts';

/** A shared secret in use. Printing it shows nothing. All digests have 16 bytes. */
export interface PacketKey {
  /** MD5(secret, …parts): password hiding (RFC 2865 §5.2, RFC 2868 §3.5). */
  digestAfterSecret(...parts: readonly Uint8Array[]): Buffer;
  /** MD5(message, secret): authenticators (RFC 2865 §3, RFC 2866 §3). */
  digestBeforeSecret(message: Uint8Array): Buffer;
  /** HMAC-MD5(secret, message): Message-Authenticator (RFC 3579 §3.2). */
  hmac(message: Uint8Array): Buffer;
  /** As {@link digestBeforeSecret}, written into `out`, which may be the message itself. */
  digestBeforeSecretInto(out: Uint8Array, at: number, message: Uint8Array): void;
  /** As {@link hmac}, written into `out`, which may be the message itself. */
  hmacInto(out: Uint8Array, at: number, message: Uint8Array): void;
}

/** @param secret its UTF-8 bytes are the key; not empty */
export function createPacketKey(secret: string): PacketKey {
  const bytes = Buffer.from(secret, 'utf8');
  const hmacInto = createHmacMd5(bytes);
  const allocated = (write: (out: Buffer) => void) => {
    const out = Buffer.allocUnsafe(16);
    write(out);
    return out;
  };
  return {
    hmacInto,
    digestBeforeSecretInto: (out, at, message) => digestInto(out, at, undefined, message, bytes),
    digestAfterSecret: (...parts) => allocated((out) => digestInto(out, 0, undefined, bytes, ...parts)),
    digestBeforeSecret: (message) => allocated((out) => digestInto(out, 0, undefined, message, bytes)),
    hmac: (message) => allocated((out) => hmacInto(out, 0, message)),
  };
}
