// MD5 and HMAC-MD5 (RFC 1321, RFC 2104) in plain JavaScript: a RADIUS exchange needs six digests of some 60 bytes, and the
// step into OpenSSL costs more than each of them (LIBRARIES.md §5). Also works where OpenSSL runs in FIPS mode.
// Called by packet-key.ts only; RADIUS prescribes MD5, nothing else may use it.

const initial = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
const sines = Int32Array.from({ length: 64 }, (_, at) => Math.floor(Math.abs(Math.sin(at + 1)) * 2 ** 32));
const shifts = Uint8Array.of(7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21);
const blockBytes = 64;
const words = new Int32Array(16); // scratch; the functions here run to their end without a pause

/** State of a digest after whole blocks, from which many digests can go on. */
export interface Md5State {
  readonly words: Int32Array;
  readonly bytes: number;
}

/** Digest of `message`, or of what led to `from` followed by `message`. */
export function md5(message: Uint8Array, from?: Md5State): Buffer {
  const state = Int32Array.from(from?.words ?? initial);
  const whole = message.length - (message.length % blockBytes);
  for (let at = 0; at < whole; at += blockBytes) mixBlock(state, message, at);
  const rest = message.length - whole;
  const tail = new Uint8Array(rest < 56 ? blockBytes : 2 * blockBytes);
  tail.set(message.subarray(whole));
  tail[rest] = 0x80;
  const total = message.length + (from?.bytes ?? 0);
  const length = new DataView(tail.buffer);
  length.setUint32(tail.length - 8, (total * 8) >>> 0, true);
  length.setUint32(tail.length - 4, Math.floor(total / 2 ** 29), true);
  for (let at = 0; at < tail.length; at += blockBytes) mixBlock(state, tail, at);
  const digest = Buffer.allocUnsafe(16);
  for (let at = 0; at < 4; at++) digest.writeInt32LE(state[at] ?? 0, at * 4);
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
  key.forEach((byte, at) => {
    block[at] = byte ^ pad;
  });
  const state = Int32Array.from(initial);
  mixBlock(state, block, 0);
  return { words: state, bytes: blockBytes };
}

/** RFC 1321 §3.4: four rounds of sixteen steps over one block. */
function mixBlock(state: Int32Array, bytes: Uint8Array, at: number): void {
  for (let word = 0, byte = at; word < 16; word++, byte += 4) {
    words[word] =
      (bytes[byte] ?? 0) |
      ((bytes[byte + 1] ?? 0) << 8) |
      ((bytes[byte + 2] ?? 0) << 16) |
      ((bytes[byte + 3] ?? 0) << 24);
  }
  let [a = 0, b = 0, c = 0, d = 0] = [state[0], state[1], state[2], state[3]];
  for (let step = 0; step < 64; step++) {
    let mixed: number;
    let word: number;
    if (step < 16) {
      mixed = d ^ (b & (c ^ d));
      word = step;
    } else if (step < 32) {
      mixed = c ^ (d & (b ^ c));
      word = (5 * step + 1) & 15;
    } else if (step < 48) {
      mixed = b ^ c ^ d;
      word = (3 * step + 5) & 15;
    } else {
      mixed = c ^ (b | ~d);
      word = (7 * step) & 15;
    }
    const sum = (a + mixed + (sines[step] ?? 0) + (words[word] ?? 0)) | 0;
    const shift = shifts[((step >> 4) << 2) | (step & 3)] ?? 0;
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
  }
  state[0] = ((state[0] ?? 0) + a) | 0;
  state[1] = ((state[1] ?? 0) + b) | 0;
  state[2] = ((state[2] ?? 0) + c) | 0;
  state[3] = ((state[3] ?? 0) + d) | 0;
}
