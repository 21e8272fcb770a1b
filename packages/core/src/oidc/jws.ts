// Compact JWS (RFC 7515 §3.1) as the token endpoint makes them by the thousand. Curves and HMAC sign at once, in less time
// than handing the work to a thread takes; RSA, which takes milliseconds, goes to one. jose is its test.
import { createHmac, type KeyObject, sign } from 'node:crypto';

export interface JwsHeader {
  /** RS256, ES256, ES384, ES512 or HS256. */
  readonly alg: string;
  readonly typ: string;
  readonly kid?: string;
}

/** @param key private key, or the secret of HS256 */
export async function signCompact(header: JwsHeader, payload: object, key: KeyObject | Uint8Array): Promise<string> {
  const text = `${base64url(header)}.${base64url(payload)}`;
  return `${text}.${(await signature(header.alg, text, key)).toString('base64url')}`;
}

function signature(alg: string, text: string, key: KeyObject | Uint8Array): Buffer | Promise<Buffer> {
  const data = Buffer.from(text, 'ascii');
  const hash = `sha${alg.slice(2)}`;
  if (key instanceof Uint8Array) return createHmac(hash, key).update(data).digest();
  if (key.asymmetricKeyType === 'ec') return sign(hash, data, { key, dsaEncoding: 'ieee-p1363' }); // RFC 7518 §3.4
  return new Promise((resolve, reject) => {
    sign(hash, data, key, (error, made) => (error === null ? resolve(made) : reject(error)));
  });
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
}
