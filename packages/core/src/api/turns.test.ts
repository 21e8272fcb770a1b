// Floods take turns: a few at a time, in order, and more where the event loop has nothing else to do.
import { expect, test, vi } from 'vitest';
import { createTurns } from './turns.ts';

/** Work that ends when told to. */
function createWork() {
  const begun: number[] = [];
  const ends = new Map<number, () => void>();
  const work = (n: number) => () =>
    new Promise<number>((resolve) => {
      begun.push(n);
      ends.set(n, () => resolve(n));
    });
  return { begun, work, end: (n: number) => ends.get(n)?.() };
}

test('so many at a time, in the order in which they came', async () => {
  const { begun, work, end } = createWork();
  const inTurn = createTurns({ most: 2, idleMs: () => 0 });
  const all = [0, 1, 2, 3].map((n) => inTurn(work(n)));
  expect(begun).toEqual([0, 1]);
  end(1);
  await vi.waitFor(() => expect(begun).toEqual([0, 1, 2]));
  end(0);
  await vi.waitFor(() => expect(begun).toEqual([0, 1, 2, 3]));
  end(2);
  end(3);
  expect(await Promise.all(all)).toEqual([0, 1, 2, 3]);
});

test('while the event loop is idle, more begin though none has ended', async () => {
  const { begun, work, end } = createWork();
  let idle = 0;
  const inTurn = createTurns({ most: 1, idleMs: () => ++idle });
  const all = [0, 1, 2].map((n) => inTurn(work(n)));
  await vi.waitFor(() => expect(begun).toEqual([0, 1, 2]));
  for (const n of begun) end(n);
  await Promise.all(all);
});

test('who is busy elsewhere takes nobody’s place, and who fails gives his up', async () => {
  const { begun, work, end } = createWork();
  let elsewhere = 0;
  const inTurn = createTurns({ most: 1, elsewhere: () => elsewhere, idleMs: () => 0 });
  const all = [0, 1].map((n) => inTurn(work(n)));
  const failing = inTurn(() => Promise.reject(new Error('of its own')));
  const failed = expect(failing).rejects.toThrow('of its own');
  expect(begun).toEqual([0]);
  elsewhere = 1;
  await vi.waitFor(() => expect(begun).toEqual([0, 1]));
  elsewhere = 0;
  end(0);
  end(1);
  await Promise.all([...all, failed]);
  const [last] = [2].map((n) => inTurn(work(n)));
  await vi.waitFor(() => expect(begun).toEqual([0, 1, 2]));
  end(2);
  expect(await last).toBe(2);
});
