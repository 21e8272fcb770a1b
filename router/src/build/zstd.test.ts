// zstd at the build: whatever it is given leads back to it, many at a time and beyond the memory that it begins with.
import { decompress } from '@bokuweb/zstd-wasm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openZstd } from './zstd.ts';

test('any bytes lead back to themselves, also those of several at a time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 5_000 }), { maxLength: 4 }), async (bodies) => {
      const packed = await Promise.all(bodies.map(async (body) => (await openZstd())(Buffer.from(body), 19)));
      const back = packed.map((bytes) => Buffer.from(decompress(bytes ?? Buffer.alloc(0))));
      expect(back).toEqual(bodies.map((body) => Buffer.from(body)));
    }),
    { numRuns: 50 },
  );
});

test('a file that is larger than its memory at the start', async () => {
  const zstd = await openZstd();
  const body = Buffer.from(Array.from({ length: 2_000_000 }, (_, at) => (at * at) % 251));
  const bytes = await zstd(body, 19);
  expect(bytes?.length).toBeLessThan(body.length / 10);
});
