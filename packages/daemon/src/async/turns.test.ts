// Slices of long work: one in each turn of the event loop, in order, and events come between.
import { expect, test } from 'vitest';
import { nextTurn, othersWait, stretches } from './turns.ts';

test('of many that wait, one resumes in each turn of the event loop, in the order of asking', async () => {
  let turn = 0;
  let counting = true;
  const count = () => {
    turn += 1;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  const resumed: { who: number; turn: number }[] = [];
  const work = async (who: number) => {
    for (let slice = 0; slice < 5; slice += 1) {
      await nextTurn();
      resumed.push({ who, turn });
    }
  };
  const all = Promise.all([0, 1, 2].map(work));
  expect(othersWait()).toBe(true);
  await all;
  counting = false;
  expect(resumed.map(({ who }) => who)).toEqual(Array.from({ length: 15 }, (_, at) => at % 3));
  expect(new Set(resumed.map((one) => one.turn)).size).toBe(15);
  expect(othersWait()).toBe(false);
});

test('work in stretches goes on until its time is over, then waits for a turn and has its time anew', async () => {
  const turn = stretches(5);
  expect(turn()).toBeUndefined();
  const busyUntil = performance.now() + 6;
  while (performance.now() < busyUntil);
  const wait = turn();
  expect(wait).toBeInstanceOf(Promise);
  await wait;
  expect(stretches(0)()).toBeInstanceOf(Promise);
  await stretches(0)();
  expect(stretches(60_000)()).toBeUndefined();
});
