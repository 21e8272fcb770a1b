// What a shared secret is used for, with everything precomputed that depends on it alone: MD5 over something and the
// secret, and HMAC-MD5 under it. One object per client, made at refresh, never per packet.
import { createHmacMd5, md5 } from './md5.ts';

/** A shared secret in use. Printing it shows nothing. */
export interface PacketKey {
  /** MD5(secret, …parts): password hiding (RFC 2865 §5.2, RFC 2868 §3.5). */
  digestAfterSecret(...parts: readonly Uint8Array[]): Buffer;
  /** MD5(message, secret): authenticators (RFC 2865 §3, RFC 2866 §3). */
  digestBeforeSecret(message: Uint8Array): Buffer;
  /** HMAC-MD5(secret, message): Message-Authenticator (RFC 3579 §3.2). */
  hmac(message: Uint8Array): Buffer;
}

/** @param secret its UTF-8 bytes are the key; not empty */
export function createPacketKey(secret: string): PacketKey {
  const bytes = Buffer.from(secret, 'utf8');
  const hmac = createHmacMd5(bytes);
  return {
    digestAfterSecret: (...parts) => md5(Buffer.concat([bytes, ...parts])),
    digestBeforeSecret: (message) => md5(Buffer.concat([message, bytes])),
    hmac,
  };
}
