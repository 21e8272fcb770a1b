// Six checks from each byte vector (STYLE 47): decode, encode, round trip, one byte at a time, cut at every offset, every
// byte flipped. A codec hands over three functions; the vectors are data with a source.
import { describe, expect, test } from 'vitest';
import { WireError } from '../errors.ts';

export interface Vector {
  readonly source: string;
  readonly hex: string;
  /** False for encodings that must be accepted but are not what we write. */
  readonly minimal?: boolean;
}

export interface Codec<Value> {
  decode(bytes: Buffer): Value;
  encode(value: Value): Buffer;
  /** Size of the first message, `undefined` while incomplete. */
  frame(bytes: Buffer): number | undefined;
}

export function vectorSuite<Value>(title: string, codec: Codec<Value>, vectors: readonly Vector[]): void {
  describe(title, () => {
    for (const { source, hex, minimal = true } of vectors) {
      const bytes = Buffer.from(hex, 'hex');
      test(`${source}: ${hex.slice(0, 48)}`, () => {
        const value = codec.decode(bytes);
        const encoded = codec.encode(value);
        if (minimal) expect(encoded.toString('hex')).toBe(hex);
        expect(codec.decode(encoded)).toEqual(value);
        for (let end = 0; end < bytes.length; end++)
          expect(codec.frame(bytes.subarray(0, end)), `cut at ${end}`).toBeUndefined();
        expect(codec.frame(bytes)).toBe(bytes.length);
        flipEveryByte(codec, bytes);
      });
    }
  });
}

/** Each byte in turn becomes something else: a value or a typed error, nothing third. */
function flipEveryByte<Value>(codec: Codec<Value>, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at++) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(at) ^ mask, at);
      try {
        codec.decode(flipped);
      } catch (error) {
        expect(error, `byte ${at} ^ ${mask}`).toBeInstanceOf(WireError);
      }
    }
  }
}
