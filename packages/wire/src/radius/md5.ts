// MD5 and HMAC-MD5 (RFC 1321, RFC 2104) in plain JavaScript: a RADIUS exchange needs six digests of some 60 bytes, and the
// step into OpenSSL costs more than each of them (LIBRARIES.md §5). Also works where OpenSSL runs in FIPS mode.
// Called by packet-key.ts only; RADIUS prescribes MD5, nothing else may use it.
//
// Messages are copied into one scratch area of words, so that a block is sixteen reads and nothing is allocated but the
// result. The plain version that it is tested against is node:crypto.

const initial = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
const sines = Int32Array.from({ length: 64 }, (_, index) => Math.floor(Math.abs(Math.sin(index + 1)) * 2 ** 32));
const blockBytes = 64;
const blockWords = 16;
const digestBytes = 16;

// The functions here run to their end without a pause, and leave nothing of a secret but what the next one overwrites.
const scratchBytes = 8 * 1024;
const scratch = new Uint8Array(scratchBytes);
const words = new Int32Array(scratch.buffer);
const state = new Int32Array(4);
const digestView = new Uint8Array(state.buffer);
const isBigEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 0;

/** State of a digest after whole blocks, from which many digests can go on. */
export interface Md5State {
  readonly words: Int32Array;
  readonly bytes: number;
}

/** Digest of `message`, or of what led to `from` followed by `message`. */
export function md5(message: Uint8Array, from?: Md5State): Buffer {
  const digest = Buffer.allocUnsafe(digestBytes);
  digestInto(digest, 0, from, message);
  return digest;
}

/** Writes the digest of all parts, one behind the other, into `out`. */
export function digestInto(
  out: Uint8Array,
  at: number,
  from: Md5State | undefined,
  ...parts: readonly Uint8Array[]
): void {
  state.set(from?.words ?? initial);
  let filled = 0;
  let total = from?.bytes ?? 0;
  for (const part of parts) {
    total += part.length;
    for (let taken = 0; taken < part.length; ) {
      const size = Math.min(part.length - taken, scratchBytes - 2 * blockBytes - filled);
      scratch.set(taken === 0 && size === part.length ? part : part.subarray(taken, taken + size), filled);
      taken += size;
      filled += size;
      if (taken < part.length) filled = mixWhole(filled);
    }
  }
  finish(filled, total);
  for (let index = 0; index < digestBytes; index++) out[at + index] = digestView[isBigEndian ? index ^ 3 : index] ?? 0;
}

/** HMAC-MD5 with the two pads of `key` digested once; writes into `out`. */
export function createHmacMd5(key: Uint8Array): (out: Uint8Array, at: number, message: Uint8Array) => void {
  const short = key.length > blockBytes ? md5(key) : key;
  const inner = padState(short, 0x36);
  const outer = padState(short, 0x5c);
  const middle = new Uint8Array(digestBytes);
  return (out, at, message) => {
    digestInto(middle, 0, inner, message);
    digestInto(out, at, outer, middle);
  };
}

function padState(key: Uint8Array, pad: number): Md5State {
  scratch.fill(pad, 0, blockBytes);
  for (const [index, byte] of key.entries()) scratch[index] = byte ^ pad;
  state.set(initial);
  mixWhole(blockBytes);
  return { words: state.slice(), bytes: blockBytes };
}

/** RFC 1321 §3.1, §3.2: padding and length behind what is in the scratch, then the last blocks. */
function finish(filled: number, total: number): void {
  const end =
    filled % blockBytes < 56
      ? filled - (filled % blockBytes) + blockBytes
      : filled - (filled % blockBytes) + 2 * blockBytes;
  scratch[filled] = 0x80;
  scratch.fill(0, filled + 1, end - 8);
  const bits = total * 8;
  for (let byte = 0; byte < 4; byte++) {
    scratch[end - 8 + byte] = bits >>> (8 * byte);
    scratch[end - 4 + byte] = Math.floor(total / 2 ** 29) >>> (8 * byte);
  }
  mixWhole(end);
}

/** Digests the whole blocks of the scratch. @returns how many bytes are left, at its front */
function mixWhole(filled: number): number {
  const whole = filled - (filled % blockBytes);
  if (isBigEndian) swap(whole);
  for (let block = 0; block < whole / 4; block += blockWords) mixBlock(block);
  scratch.copyWithin(0, whole, filled);
  return filled - whole;
}

/** MD5's words are little-endian. */
function swap(bytes: number): void {
  Buffer.from(scratch.buffer, 0, bytes).swap32();
}

/** RFC 1321 §3.4: four rounds of sixteen steps over one block of the scratch, into `state`. */
function mixBlock(block: number): void {
  let a = at(state, 0);
  let b = at(state, 1);
  let c = at(state, 2);
  let d = at(state, 3);
  for (let step = 0; step < 16; step += 4) {
    a = (turn(a + (d ^ (b & (c ^ d))) + at(words, block + step) + at(sines, step), 7) + b) | 0;
    d = (turn(d + (c ^ (a & (b ^ c))) + at(words, block + step + 1) + at(sines, step + 1), 12) + a) | 0;
    c = (turn(c + (b ^ (d & (a ^ b))) + at(words, block + step + 2) + at(sines, step + 2), 17) + d) | 0;
    b = (turn(b + (a ^ (c & (d ^ a))) + at(words, block + step + 3) + at(sines, step + 3), 22) + c) | 0;
  }
  for (let step = 0; step < 16; step += 4) {
    a = (turn(a + (c ^ (d & (b ^ c))) + at(words, block + ((5 * step + 1) & 15)) + at(sines, step + 16), 5) + b) | 0;
    d = (turn(d + (b ^ (c & (a ^ b))) + at(words, block + ((5 * step + 6) & 15)) + at(sines, step + 17), 9) + a) | 0;
    c = (turn(c + (a ^ (b & (d ^ a))) + at(words, block + ((5 * step + 11) & 15)) + at(sines, step + 18), 14) + d) | 0;
    b = (turn(b + (d ^ (a & (c ^ d))) + at(words, block + ((5 * step + 16) & 15)) + at(sines, step + 19), 20) + c) | 0;
  }
  for (let step = 0; step < 16; step += 4) {
    a = (turn(a + (b ^ c ^ d) + at(words, block + ((3 * step + 5) & 15)) + at(sines, step + 32), 4) + b) | 0;
    d = (turn(d + (a ^ b ^ c) + at(words, block + ((3 * step + 8) & 15)) + at(sines, step + 33), 11) + a) | 0;
    c = (turn(c + (d ^ a ^ b) + at(words, block + ((3 * step + 11) & 15)) + at(sines, step + 34), 16) + d) | 0;
    b = (turn(b + (c ^ d ^ a) + at(words, block + ((3 * step + 14) & 15)) + at(sines, step + 35), 23) + c) | 0;
  }
  for (let step = 0; step < 16; step += 4) {
    a = (turn(a + (c ^ (b | ~d)) + at(words, block + ((7 * step) & 15)) + at(sines, step + 48), 6) + b) | 0;
    d = (turn(d + (b ^ (a | ~c)) + at(words, block + ((7 * step + 7) & 15)) + at(sines, step + 49), 10) + a) | 0;
    c = (turn(c + (a ^ (d | ~b)) + at(words, block + ((7 * step + 14) & 15)) + at(sines, step + 50), 15) + d) | 0;
    b = (turn(b + (d ^ (c | ~a)) + at(words, block + ((7 * step + 21) & 15)) + at(sines, step + 51), 21) + c) | 0;
  }
  state[0] = at(state, 0) + a;
  state[1] = at(state, 1) + b;
  state[2] = at(state, 2) + c;
  state[3] = at(state, 3) + d;
}

/** Sum to 32 bits, turned left. */
function turn(sum: number, by: number): number {
  return (sum << by) | ((sum | 0) >>> (32 - by));
}

/** Indexes here are within bounds by construction; the type does not know. */
function at(list: Int32Array, index: number): number {
  return list[index] ?? 0;
}
