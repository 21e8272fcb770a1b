// MD5 and HMAC-MD5 (RFC 1321, RFC 2104) in plain JavaScript: a RADIUS exchange needs six digests of some 60 bytes, and the
// step into OpenSSL costs more than each of them (LIBRARIES.md §5). Also works where OpenSSL runs in FIPS mode.
// Called by packet-key.ts only; RADIUS prescribes MD5, nothing else may use it.

const initial = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
const sines = Int32Array.from({ length: 64 }, (_, index) => Math.floor(Math.abs(Math.sin(index + 1)) * 2 ** 32));
const blockBytes = 64;

// Scratch: the functions here run to their end without a pause, and leave nothing of a secret but what the next one overwrites.
const words = new Int32Array(16);
const state = new Int32Array(4);
const tail = new Uint8Array(2 * blockBytes);
const tailView = new DataView(tail.buffer);

/** State of a digest after whole blocks, from which many digests can go on. */
export interface Md5State {
  readonly words: Int32Array;
  readonly bytes: number;
}

/** Digest of `message`, or of what led to `from` followed by `message`. */
export function md5(message: Uint8Array, from?: Md5State): Buffer {
  state.set(from?.words ?? initial);
  const whole = message.length - (message.length % blockBytes);
  for (let offset = 0; offset < whole; offset += blockBytes) mixBlock(message, offset);
  const rest = message.length - whole;
  tail.fill(0);
  for (let index = 0; index < rest; index++) tail[index] = at(message, whole + index);
  tail[rest] = 0x80;
  const tailBytes = rest < 56 ? blockBytes : 2 * blockBytes;
  const total = message.length + (from?.bytes ?? 0);
  tailView.setUint32(tailBytes - 8, (total * 8) >>> 0, true);
  tailView.setUint32(tailBytes - 4, Math.floor(total / 2 ** 29), true);
  for (let offset = 0; offset < tailBytes; offset += blockBytes) mixBlock(tail, offset);
  const digest = Buffer.allocUnsafe(16);
  for (let index = 0; index < 4; index++) digest.writeInt32LE(at(state, index), index * 4);
  return digest;
}

/** HMAC-MD5 with the two pads of `key` digested once. */
export function createHmacMd5(key: Uint8Array): (message: Uint8Array) => Buffer {
  const short = key.length > blockBytes ? md5(key) : key;
  const inner = padState(short, 0x36);
  const outer = padState(short, 0x5c);
  return (message) => md5(md5(message, inner), outer);
}

function padState(key: Uint8Array, pad: number): Md5State {
  const block = new Uint8Array(blockBytes).fill(pad);
  for (const [index, byte] of key.entries()) block[index] = byte ^ pad;
  state.set(initial);
  mixBlock(block, 0);
  return { words: state.slice(), bytes: blockBytes };
}

/** RFC 1321 §3.4: four rounds of sixteen steps over one block, into `state`. */
function mixBlock(bytes: Uint8Array, offset: number): void {
  for (let word = 0, byte = offset; word < 16; word++, byte += 4) {
    words[word] =
      at(bytes, byte) | (at(bytes, byte + 1) << 8) | (at(bytes, byte + 2) << 16) | (at(bytes, byte + 3) << 24);
  }
  let a = at(state, 0);
  let b = at(state, 1);
  let c = at(state, 2);
  let d = at(state, 3);
  for (let step = 0; step < 16; step += 4) {
    a = (turn(a + (d ^ (b & (c ^ d))) + at(words, step) + at(sines, step), 7) + b) | 0;
    d = (turn(d + (c ^ (a & (b ^ c))) + at(words, step + 1) + at(sines, step + 1), 12) + a) | 0;
    c = (turn(c + (b ^ (d & (a ^ b))) + at(words, step + 2) + at(sines, step + 2), 17) + d) | 0;
    b = (turn(b + (a ^ (c & (d ^ a))) + at(words, step + 3) + at(sines, step + 3), 22) + c) | 0;
  }
  for (let step = 0; step < 16; step += 4) {
    a = (turn(a + (c ^ (d & (b ^ c))) + at(words, (5 * step + 1) & 15) + at(sines, step + 16), 5) + b) | 0;
    d = (turn(d + (b ^ (c & (a ^ b))) + at(words, (5 * step + 6) & 15) + at(sines, step + 17), 9) + a) | 0;
    c = (turn(c + (a ^ (b & (d ^ a))) + at(words, (5 * step + 11) & 15) + at(sines, step + 18), 14) + d) | 0;
    b = (turn(b + (d ^ (a & (c ^ d))) + at(words, (5 * step + 16) & 15) + at(sines, step + 19), 20) + c) | 0;
  }
  for (let step = 0; step < 16; step += 4) {
    a = (turn(a + (b ^ c ^ d) + at(words, (3 * step + 5) & 15) + at(sines, step + 32), 4) + b) | 0;
    d = (turn(d + (a ^ b ^ c) + at(words, (3 * step + 8) & 15) + at(sines, step + 33), 11) + a) | 0;
    c = (turn(c + (d ^ a ^ b) + at(words, (3 * step + 11) & 15) + at(sines, step + 34), 16) + d) | 0;
    b = (turn(b + (c ^ d ^ a) + at(words, (3 * step + 14) & 15) + at(sines, step + 35), 23) + c) | 0;
  }
  for (let step = 0; step < 16; step += 4) {
    a = (turn(a + (c ^ (b | ~d)) + at(words, (7 * step) & 15) + at(sines, step + 48), 6) + b) | 0;
    d = (turn(d + (b ^ (a | ~c)) + at(words, (7 * step + 7) & 15) + at(sines, step + 49), 10) + a) | 0;
    c = (turn(c + (a ^ (d | ~b)) + at(words, (7 * step + 14) & 15) + at(sines, step + 50), 15) + d) | 0;
    b = (turn(b + (d ^ (c | ~a)) + at(words, (7 * step + 21) & 15) + at(sines, step + 51), 21) + c) | 0;
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
function at(list: Int32Array | Uint8Array, index: number): number {
  return list[index] ?? 0;
}
