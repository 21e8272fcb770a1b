import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import { gathered, together } from './gathered.ts';

test('what comes while something is written goes with the next, and nobody is answered before his own is stored', async () => {
  const batches: string[][] = [];
  const stored = new Set<string>();
  let release = () => {};
  const store = gathered(async (_deps: object, items: readonly string[]) => {
    batches.push([...items]);
    await new Promise<void>((done) => {
      release = done;
    });
    for (const item of items) stored.add(item);
  });
  const deps = {};
  const all = ['a', 'b', 'c'].map((item) => store(deps, item).then(() => assert.ok(stored.has(item))));
  await new Promise((soon) => setImmediate(soon));
  all.push(store(deps, 'd').then(() => assert.ok(stored.has('d'))));
  assert.deepEqual(batches, [['a', 'b', 'c']]);
  release();
  await Promise.all(all.slice(0, 3));
  await new Promise((soon) => setImmediate(soon));
  assert.deepEqual(batches, [['a', 'b', 'c'], ['d']]);
  release();
  await Promise.all(all);
});

/** The plain version writes each by itself. */
test('each is stored or refused exactly as it would be alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ id: fc.nat(), isBad: fc.boolean(), pause: fc.nat(2) })), async (given) => {
      const table: number[] = [];
      const store = gathered(async (_deps: object, items: readonly { id: number; isBad: boolean }[]) => {
        await new Promise((soon) => setImmediate(soon));
        if (items.some(({ isBad }) => isBad)) throw new Error('refused');
        table.push(...items.map(({ id }) => id));
      });
      const deps = {};
      const outcomes: Promise<boolean>[] = [];
      for (const item of given) {
        outcomes.push(
          store(deps, item).then(
            () => true,
            () => false,
          ),
        );
        for (let times = 0; times < item.pause; times += 1) await new Promise((soon) => setImmediate(soon));
      }
      assert.deepEqual(
        await Promise.all(outcomes),
        given.map(({ isBad }) => !isBad),
      );
      const good = given.filter(({ isBad }) => !isBad).map(({ id }) => id);
      assert.deepEqual(table.toSorted(), good.toSorted());
    }),
    { seed: 16, numRuns: 100 },
  );
});

/** The plain version asks for each by itself. */
test('each is answered as it would be alone, whoever else asks', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: -2, max: 6 })), async (asked) => {
      const half = (n: number) => (n % 2 === 0 ? n / 2 : undefined);
      const ask = together(async (_deps: object, items: readonly number[]) => {
        await new Promise((soon) => setImmediate(soon));
        if (items.some((item) => item < 0)) throw new Error('negative');
        return items.map(half);
      });
      const deps = {};
      const answers = await Promise.allSettled(asked.map((item) => ask(deps, item)));
      const alone = await Promise.allSettled(
        asked.map(async (item) => {
          if (item < 0) throw new Error('negative');
          return half(item);
        }),
      );
      assert.deepEqual(answers, alone);
    }),
    { seed: 17, numRuns: 100 },
  );
});
