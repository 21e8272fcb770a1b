// MD5 and HMAC-MD5 (RFC 1321, RFC 2104) in plain JavaScript: a RADIUS exchange needs six digests of some 60 bytes, and the
// step into OpenSSL costs more than each of them (LIBRARIES.md §5). Also works where OpenSSL runs in FIPS mode.
// Called by packet-key.ts only; RADIUS prescribes MD5, nothing else may use it.
//
// A message is put into one area, `front`, by whoever wants its digest; there it is padded and read as words, and nothing is
// allocated. The functions run to their end without a pause, and leave nothing of a secret but what the next one overwrites.
// The plain version that it is tested against is node:crypto.
import { mixBlock } from './md5-block.ts';

const blockBytes = 64;
const digestBytes = 16;
const paddingBytes = 2 * blockBytes;
/** Most that can be digested at once: the largest packet and the longest secret. */
export const frontBytes = 8 * 1024;

const area = new Uint8Array(frontBytes + paddingBytes);
const words = new Int32Array(area.buffer);
const state = new Int32Array(4);
const stateBytes = new Uint8Array(state.buffer);
const initial = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
const isBigEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 0;

/** Where the message stands; written by the caller right before a digest, from its first byte on. */
export const front: Uint8Array = area.subarray(0, frontBytes);

/** Writes the digest of the first `length` bytes of {@link front} into `out`. */
export function digestFront(out: Uint8Array, at: number, length: number): void {
  mix(initial, length, length);
  writeState(out, at);
}

/** The two pads of a key of HMAC, digested once. */
export interface HmacPads {
  readonly inner: Int32Array;
  readonly outer: Int32Array;
}

/** @param key at most {@link frontBytes} */
export function createPads(key: Uint8Array): HmacPads {
  let short = key;
  if (key.length > blockBytes) {
    front.set(key);
    short = new Uint8Array(digestBytes);
    digestFront(short, 0, key.length);
  }
  return { inner: padState(short, 0x36), outer: padState(short, 0x5c) };
}

/** Writes the HMAC of the first `length` bytes of {@link front} into `out`. */
export function hmacFront(out: Uint8Array, at: number, { inner, outer }: HmacPads, length: number): void {
  mix(inner, length, blockBytes + length);
  writeState(area, 0);
  mix(outer, digestBytes, blockBytes + digestBytes);
  writeState(out, at);
}

function padState(key: Uint8Array, pad: number): Int32Array {
  area.fill(pad, 0, blockBytes);
  for (const [index, byte] of key.entries()) area[index] = byte ^ pad;
  if (isBigEndian) swap(blockBytes);
  state.set(initial);
  mixBlock(state, words, 0);
  return state.slice();
}

/** RFC 1321 §3.1 to §3.4: padding and length behind the message, then block by block into `state`. */
function mix(from: Int32Array, length: number, total: number): void {
  const end = length + 72 - ((length + 8) % blockBytes);
  area[length] = 0x80;
  for (let at = length + 1; at < end; at++) area[at] = 0;
  if (isBigEndian) swap(end);
  words[(end >> 2) - 2] = total << 3;
  words[(end >> 2) - 1] = Math.floor(total / 2 ** 29);
  for (let word = 0; word < 4; word++) state[word] = from[word] ?? 0;
  for (let block = 0; block < end >> 2; block += blockBytes >> 2) mixBlock(state, words, block);
}

/** MD5's words are little-endian. */
function swap(bytes: number): void {
  Buffer.from(area.buffer, 0, bytes).swap32();
}

function writeState(out: Uint8Array, at: number): void {
  for (let index = 0; index < digestBytes; index++) out[at + index] = stateBytes[isBigEndian ? index ^ 3 : index] ?? 0;
}
