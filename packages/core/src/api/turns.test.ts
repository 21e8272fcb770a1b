// Floods begin one piece in each turn of the event loop; what else arrives comes in between.
import { expect, test } from 'vitest';
import { createTurns } from './turns.ts';

test('alone nobody waits, and of many one begins in each turn', async () => {
  const turns = createTurns();
  expect(turns.take()).toBeUndefined();
  let turn = 0;
  let isDone = false;
  const count = () => {
    turn += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const begun: number[] = [];
  await Promise.all([1, 2, 3].map(() => turns.take()?.then(() => begun.push(turn))));
  isDone = true;
  expect(new Set(begun).size).toBe(3);
  await new Promise((resolve) => setImmediate(resolve));
  expect(turns.take(), 'when all have begun').toBeUndefined();
});
