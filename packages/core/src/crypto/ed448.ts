// Self-signed certificates under Ed448 (RFC 8410), which the certificate library cannot sign: it makes the same certificate
// under Ed25519, whose identifier differs from Ed448's in one octet; that is changed, and the body signed again.
import { sign } from 'node:crypto';

/** id-Ed25519 and id-Ed448 as DER (RFC 8410 §3). */
const ed25519 = Buffer.from('06032b6570', 'hex');
const ed448 = Buffer.from('06032b6571', 'hex');

/**
 * @param certificate DER, signed by any Ed25519 key, around an Ed448 public key
 * @param keyPem the Ed448 private key
 * @returns DER, signed by it
 */
export function resignWithEd448(certificate: Uint8Array, keyPem: string): Buffer {
  const outer = contentOf(Buffer.from(certificate));
  const body = Buffer.from(outer.subarray(0, sizeOf(outer)));
  ed448.copy(body, body.indexOf(ed25519));
  const signature = sign(null, body, keyPem);
  return sequence(0x30, body, sequence(0x30, ed448), sequence(0x03, Buffer.from([0]), signature));
}

/** Octets of the first element, header and content. */
function sizeOf(der: Buffer): number {
  const first = der.readUInt8(1);
  if (first < 0x80) return 2 + first;
  const octets = first & 0x7f;
  return 2 + octets + der.readUIntBE(2, octets);
}

function contentOf(der: Buffer): Buffer {
  const first = der.readUInt8(1);
  return der.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f));
}

function sequence(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, Math.floor(length / 256), length % 256];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
