// Sealing with AES-256-GCM (proxy.md §8.7.5): one key per provider and purpose, derived from its cookie secret, and
// associated data that binds what is sealed to where it belongs. Used for session records and for login cookies.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

export interface Seal {
  seal(plain: Uint8Array, context: string): Buffer;
  /** @returns `undefined` for anything that was not sealed with this key in this context */
  open(sealed: Uint8Array, context: string): Buffer | undefined;
}

const nonceBytes = 12;
const tagBytes = 16;

/** @param secret of the provider. @param purpose separates keys: `session`, `login` */
export function createSeal(secret: string, purpose: string): Seal {
  const key = Buffer.from(hkdfSync('sha256', Buffer.from(secret, 'utf8'), Buffer.alloc(0), purpose, 32));
  return {
    seal(plain, context) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context, 'utf8'));
      const parts = [nonce, cipher.update(plain), cipher.final()];
      parts.push(cipher.getAuthTag());
      // Not out of Buffer's pool: what is sealed is kept, and would keep whatever shared its piece of the pool.
      const sealed = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const part of parts) at += part.copy(sealed, at);
      return sealed;
    },
    open(sealed, context) {
      if (sealed.length < nonceBytes + tagBytes) return undefined;
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes))
          .setAAD(Buffer.from(context, 'utf8'))
          .setAuthTag(bytes.subarray(-tagBytes));
        return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
      } catch {
        return undefined; // forged, damaged, or of another key or context: all the same to the caller
      }
    },
  };
}
