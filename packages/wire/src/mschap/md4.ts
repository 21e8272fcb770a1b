// MD4 (RFC 1320), which OpenSSL 3 no longer offers. MS-CHAPv2 prescribes it for NT hashes; nothing else may use it.
// Called by mschapv2.ts only.

const blockBytes = 64;

/** 16 bytes. About 1 µs for a short secret. */
export function md4(message: Uint8Array): Buffer {
  const size = Math.ceil((message.length + 9) / blockBytes) * blockBytes;
  const padded = Buffer.alloc(size);
  padded.set(message);
  padded[message.length] = 0x80;
  padded.writeUInt32LE((message.length * 8) >>> 0, size - 8);
  padded.writeUInt32LE(Math.floor(message.length / 2 ** 29), size - 4);
  const state: State = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476];
  for (let at = 0; at < size; at += blockBytes) mixBlock(state, padded.subarray(at, at + blockBytes));
  const digest = Buffer.alloc(16);
  for (const [index, word] of state.entries()) digest.writeInt32LE(word, index * 4);
  padded.fill(0);
  return digest;
}

type State = [number, number, number, number];

/** A round: which word each of its sixteen steps takes, how far it turns, its constant, and its function. */
interface Round {
  readonly order: readonly number[];
  readonly turns: readonly number[];
  readonly constant: number;
  readonly mix: (x: number, y: number, z: number) => number;
}

const rounds: readonly Round[] = [
  {
    order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    turns: [3, 7, 11, 19],
    constant: 0,
    mix: (x, y, z) => (x & y) | (~x & z),
  },
  {
    order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    turns: [3, 5, 9, 13],
    constant: 0x5a827999,
    mix: (x, y, z) => (x & y) | (x & z) | (y & z),
  },
  {
    order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    turns: [3, 9, 11, 15],
    constant: 0x6ed9eba1,
    mix: (x, y, z) => x ^ y ^ z,
  },
];

function mixBlock(state: State, block: Buffer): void {
  let [a, b, c, d] = state;
  for (const { order, turns, constant, mix } of rounds)
    for (const [step, word] of order.entries()) {
      const sum = (a + mix(b, c, d) + block.readInt32LE(word * 4) + constant) | 0;
      const turn = turns[step & 3] ?? 0;
      [a, b, c, d] = [d, (sum << turn) | (sum >>> (32 - turn)), b, c];
    }
  state[0] = (state[0] + a) | 0;
  state[1] = (state[1] + b) | 0;
  state[2] = (state[2] + c) | 0;
  state[3] = (state[3] + d) | 0;
}
