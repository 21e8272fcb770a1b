// MS-CHAPv2 (RFC 2759) and the keys it yields (RFC 3079), computed from an NT hash. Called by the RADIUS daemon, which only
// ever has hashes of generated Wi-Fi secrets, and by the core, which makes them.
import { createCipheriv, createHash, timingSafeEqual } from 'node:crypto';
import { md4 } from './md4.ts';

/** What a peer has answered to a challenge. */
export interface MsChapResponse {
  /** Without a Windows domain (RFC 2759 §4). */
  readonly username: string;
  /** 16 bytes of the authenticator. */
  readonly challenge: Buffer;
  /** 16 bytes of the peer. */
  readonly peerChallenge: Buffer;
  /** 24 bytes. */
  readonly ntResponse: Buffer;
}

/** RFC 2759 §8.3: MD4 over the secret in UTF-16. */
export function ntHash(secret: string): Buffer {
  return md4(Buffer.from(secret, 'utf16le'));
}

/** The name that goes into the hashes: what stands behind a backslash (RFC 2759 §8.2). */
export function withoutDomain(username: string): string {
  return username.slice(username.lastIndexOf('\\') + 1);
}

/** Whether the peer knows the secret of this hash. Constant time in the hash. */
export function isMsChapResponse(hash: Buffer, response: MsChapResponse): boolean {
  const expected = challengeResponse(hash, response);
  return expected.length === response.ntResponse.length && timingSafeEqual(expected, response.ntResponse);
}

/** RFC 2759 §8.5: three DES blocks, the keys cut out of the hash and zeros. */
export function challengeResponse(hash: Buffer, response: Omit<MsChapResponse, 'ntResponse'>): Buffer {
  const challenge = challengeHash(response);
  const keys = Buffer.concat([hash], 21);
  return Buffer.concat([0, 7, 14].map((at) => des(keys.subarray(at, at + 7), challenge)));
}

const magicServer = Buffer.from('Magic server to client signing constant');
const magicPad = Buffer.from('Pad to make it do more than one iteration');

/** `S=` and forty hex digits: the proof that we know the hash too (RFC 2759 §8.7). */
export function authenticatorResponse(hash: Buffer, response: MsChapResponse): string {
  const inner = sha1(md4(hash), response.ntResponse, magicServer);
  return `S=${sha1(inner, challengeHash(response), magicPad).toString('hex').toUpperCase()}`;
}

const magicMaster = Buffer.from('This is the MPPE Master Key');
const magicOfClient = 'On the client side, this is the send key; on the server side, it is the receive key.';
const magicOfServer = 'On the client side, this is the receive key; on the server side, it is the send key.';
const pad1 = Buffer.alloc(40, 0);
const pad2 = Buffer.alloc(40, 0xf2);

/** The server's two keys of 16 bytes (RFC 3079 §3.4). */
export function mppeKeys(hash: Buffer, ntResponse: Buffer): { readonly sendKey: Buffer; readonly recvKey: Buffer } {
  const master = sha1(md4(hash), ntResponse, magicMaster).subarray(0, 16);
  const key = (magic: string) => sha1(master, pad1, Buffer.from(magic), pad2).subarray(0, 16);
  return { sendKey: key(magicOfServer), recvKey: key(magicOfClient) };
}

/** RFC 2759 §8.2. */
function challengeHash({ peerChallenge, challenge, username }: Omit<MsChapResponse, 'ntResponse'>): Buffer {
  return sha1(peerChallenge, challenge, Buffer.from(withoutDomain(username), 'utf8')).subarray(0, 8);
}

function sha1(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** One block of DES under 56 bits of key. OpenSSL 3 has it as triple DES with three equal keys only. */
function des(key: Buffer, block: Buffer): Buffer {
  const bits = BigInt(`0x${key.toString('hex')}`);
  const spread = Buffer.from(Array.from({ length: 8 }, (_, at) => Number((bits >> BigInt(49 - 7 * at)) & 127n) << 1));
  const cipher = createCipheriv('des-ede3', Buffer.concat([spread, spread, spread]), null).setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
}
