// Walking through values, and unpacking them into names.
import { Raised } from '../faults.ts';
import { codePoints } from './text.ts';
import {
  Bytes,
  Dict,
  HostObject,
  Iteration,
  List,
  type Run,
  SetValue,
  type Step,
  Tuple,
  typeName,
  type Value,
} from './values.ts';

/** @throws Raised TypeError for what cannot be walked through */
export function* iterate(value: Value): Step<Iterable<Value>> {
  if (typeof value === 'string') return codePoints(value);
  // Copies: what a loop changes does not change the loop.
  if (value instanceof List) return [...value.items];
  if (value instanceof Tuple || value instanceof SetValue) return value.items;
  if (value instanceof Dict) return value.keys();
  if (value instanceof Bytes) return value.data;
  if (value instanceof Iteration) return value.items;
  const members = value instanceof HostObject ? value.iterate() : undefined;
  if (members !== undefined) return (yield* settled(members)) ?? [];
  throw new Raised('TypeError', `'${typeName(value)}' object is not iterable`);
}

/** Everything at once, counted step by step. */
export function* collect(run: Run, value: Value): Step<Value[]> {
  const items: Value[] = [];
  for (const item of yield* iterate(value)) {
    if (run.budget.step()) yield 'breathe';
    run.budget.take(1);
    items.push(item);
  }
  return items;
}

/** What a promise gives; the evaluation sleeps meanwhile. */
export function* settled<T>(value: T | Promise<T>): Step<T> {
  if (!(value instanceof Promise)) return value;
  return (yield value) as T; // the driver gives back what the promise gave
}
