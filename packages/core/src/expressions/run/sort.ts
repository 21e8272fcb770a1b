// Sorting, with the expression's own keys. Every comparison counts as a step.
import { callValue } from './calls.ts';
import { compare } from './equality.ts';
import { isTrue, type Run, type Step, type Value } from './values.ts';

export function* sortValues(
  run: Run,
  items: readonly Value[],
  key: Value | undefined,
  reverse: Value | undefined,
): Step<Value[]> {
  run.budget.take(items.length);
  const pairs: { readonly by: Value; readonly item: Value }[] = [];
  for (const item of items)
    pairs.push({ by: key === undefined || key === null ? item : yield* callValue(run, key, [item]), item });
  const sign = reverse !== undefined && isTrue(reverse) ? -1 : 1;
  pairs.sort((one, other) => {
    return sign * compare(one.by, other.by, run.budget);
  });
  return pairs.map(({ item }) => item);
}
