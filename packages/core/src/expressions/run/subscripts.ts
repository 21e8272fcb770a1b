// `a[i]`, `a[i:j]`, and their assignments (Python reference §6.3.2).
import { Raised } from '../faults.ts';
import { settled } from './iterate.ts';
import { codePoints, repr } from './text.ts';
import {
  Bytes,
  Dict,
  Float,
  HostObject,
  Iteration,
  List,
  numberOf,
  type Run,
  type Step,
  sizeOf,
  Tuple,
  typeName,
  type Value,
} from './values.ts';

export function* getItem(run: Run, collection: Value, key: Value): Step<Value> {
  run.budget.work(sizeOf(key) + (typeof collection === 'string' ? collection.length : 0));
  if (collection instanceof Dict) {
    const found = collection.get(key);
    if (found === undefined) throw new Raised('KeyError', repr(key));
    return found;
  }
  if (collection instanceof HostObject) {
    const found = collection.item(key);
    if (found !== undefined) return yield* settled(found);
    throw new Raised('KeyError', repr(key));
  }
  const items = itemsOf(collection);
  const found = items[position(key, items.length, collection)];
  return found ?? null;
}

function itemsOf(collection: Value): readonly Value[] {
  if (typeof collection === 'string') return codePoints(collection);
  if (collection instanceof List || collection instanceof Tuple) return collection.items;
  if (collection instanceof Bytes) return [...collection.data];
  if (collection instanceof Iteration && collection.length !== undefined) return [...collection.items];
  throw new Raised('TypeError', `'${typeName(collection)}' object is not subscriptable`);
}

function position(key: Value, length: number, collection: Value): number {
  const index = key instanceof Float ? undefined : numberOf(key);
  if (index === undefined)
    throw new Raised('TypeError', `${typeName(collection)} indices must be integers, not ${typeName(key)}`);
  const at = index < 0 ? index + length : index;
  if (at < 0 || at >= length) throw new Raised('IndexError', `${typeName(collection)} index out of range`);
  return at;
}

export interface Bounds {
  readonly start: number | undefined;
  readonly stop: number | undefined;
  readonly step: number | undefined;
}

export function getSlice(run: Run, collection: Value, bounds: Bounds): Value {
  const items = itemsOf(collection);
  const taken = slice(items, bounds);
  run.budget.take(taken.length + 1);
  if (typeof collection === 'string') return taken.join('');
  if (collection instanceof Bytes) return new Bytes(Buffer.from(taken.map(Number)));
  return collection instanceof Tuple ? new Tuple(taken) : new List(taken);
}

function slice(items: readonly Value[], { start, stop, step = 1 }: Bounds): Value[] {
  if (step === 0) throw new Raised('ValueError', 'slice step cannot be zero');
  const { length } = items;
  const clamp = (value: number | undefined, initial: number, least: number, most: number) =>
    value === undefined ? initial : Math.min(most, Math.max(least, value < 0 ? value + length : value));
  const from = step > 0 ? clamp(start, 0, 0, length) : clamp(start, length - 1, -1, length - 1);
  const to = step > 0 ? clamp(stop, length, 0, length) : clamp(stop, -1, -1, length - 1);
  const taken: Value[] = [];
  for (let at = from; step > 0 ? at < to : at > to; at += step) taken.push(items[at] ?? null);
  return taken;
}

export function setItem(run: Run, collection: Value, key: Value, value: Value): void {
  run.budget.take(1);
  run.budget.work(sizeOf(key));
  if (collection instanceof Dict) collection.set(key, value);
  else if (collection instanceof List) collection.items[position(key, collection.items.length, collection)] = value;
  else if (!(collection instanceof HostObject && collection.setItem(key, value)))
    throw new Raised('TypeError', `'${typeName(collection)}' object does not support item assignment`);
}

export function deleteItem(collection: Value, key: Value): void {
  if (collection instanceof Dict) {
    if (!collection.delete(key)) throw new Raised('KeyError', repr(key));
  } else if (collection instanceof List) collection.items.splice(position(key, collection.items.length, collection), 1);
  else throw new Raised('TypeError', `'${typeName(collection)}' object does not support item deletion`);
}
