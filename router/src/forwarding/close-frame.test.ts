import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFrameBoundary } from './close-frame.ts';

/** A frame as a server sends it, or a client (masked). */
function frame(length: number, masked: boolean): Buffer {
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(length));
  const [short, extended] =
    length < 126 ? [length, Buffer.alloc(0)] : length < 65_536 ? [126, size.subarray(6)] : [127, size];
  const key = masked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0);
  return Buffer.concat([Buffer.from([0x82, short | (masked ? 0x80 : 0)]), extended, key, Buffer.alloc(length, 0x81)]);
}

test('RFC 6455 §5.2: cut anyhow, only the ends of frames are between two frames', () => {
  const length = fc.oneof(fc.integer({ min: 0, max: 130 }), fc.constantFrom(65_535, 65_536, 70_000));
  const frames = fc.array(fc.tuple(length, fc.boolean()), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 5_000 }), (given, step) => {
      const parts = given.map(([size, masked]) => frame(size, masked));
      const stream = Buffer.concat(parts);
      const ends = new Set<number>([0]);
      let end = 0;
      for (const part of parts) {
        end += part.length;
        ends.add(end);
      }
      const boundary = createFrameBoundary();
      const wrong: number[] = []; // one look at the end: there may be hundreds of thousands of steps
      for (let at = 0; at < stream.length; at += step) {
        const next = Math.min(stream.length, at + step);
        boundary.see(stream.subarray(at, next));
        if (boundary.isBetween() !== ends.has(next)) wrong.push(next);
      }
      expect(wrong).toEqual([]);
    }),
  );
});
