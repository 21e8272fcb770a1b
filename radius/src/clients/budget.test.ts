// The budget of an address: exact in one process, bounded over several whatever the order of what they tell each other.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSourceBudget, untoldAtMost } from './budget.ts';

test('one process: exactly as many as are allowed, for each address of its own', () => {
  const budget = createSourceBudget({ most: 3 });
  for (let count = 0; count < 3; count++) {
    expect(budget.isSpent('a')).toBe(false);
    budget.begin('a');
  }
  expect([budget.isSpent('a'), budget.isSpent('b')]).toEqual([true, false]);
  budget.end('a');
  expect(budget.isSpent('a')).toBe(false);
});

test('several workers: the sum is never more than the budget and what nobody was told of', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 2, max: 5 }),
      fc.array(fc.record({ worker: fc.nat(4), isEnd: fc.boolean() }), { maxLength: 600 }),
      (most, workers, moves) => {
        const inWork = Array.from({ length: workers }, () => 0);
        const budgets = inWork.map((_, from) =>
          createSourceBudget({
            most,
            tell: (address, count) =>
              budgets.forEach((one, to) => {
                if (to !== from) one.hear(from, address, count);
              }),
          }),
        );
        for (const { worker, isEnd } of moves) {
          const at = worker % workers;
          const budget = budgets[at];
          if (budget === undefined) continue;
          if (isEnd && (inWork[at] ?? 0) > 0) {
            budget.end('a');
            inWork[at] = (inWork[at] ?? 0) - 1;
          } else if (!isEnd && !budget.isSpent('a')) {
            budget.begin('a');
            inWork[at] = (inWork[at] ?? 0) + 1;
          }
          const sum = inWork.reduce((all, one) => all + one, 0);
          if (sum > most + untoldAtMost(most, workers)) return false;
        }
        for (const [at, count] of inWork.entries()) for (let one = 0; one < count; one++) budgets[at]?.end('a');
        return budgets.every((budget) => !budget.isSpent('a'));
      },
    ),
  );
});

test('a worker that dies holds nothing for ever', () => {
  const budget = createSourceBudget({ most: 16, tell: () => undefined });
  budget.hear(1, 'a', 16);
  expect(budget.isSpent('a')).toBe(true);
  budget.forget(1);
  expect(budget.isSpent('a')).toBe(false);
});
