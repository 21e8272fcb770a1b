// `==`, `<` and `in` of the expression's world.
import { BudgetFault, Raised } from '../faults.ts';
import type { Budget } from './budget.ts';
import {
  Bytes,
  Dict,
  HostObject,
  hashOf,
  Iteration,
  List,
  numberOf,
  SetValue,
  sizeOf,
  Tuple,
  typeName,
  type Value,
} from './values.ts';

const deepest = 50;

export function equals(one: Value, other: Value, budget: Budget, depth = 0): boolean {
  if (one === other) return true;
  budget.work(typeof one === 'string' ? one.length : 1);
  if (depth > deepest) throw new BudgetFault('Values are nested too deeply to be compared.');
  const [a, b] = [numberOf(one), numberOf(other)];
  if (a !== undefined && b !== undefined) return a === b;
  if (one instanceof List && other instanceof List) return sameItems(one.items, other.items, budget, depth);
  if (one instanceof Tuple && other instanceof Tuple) return sameItems(one.items, other.items, budget, depth);
  if (one instanceof Dict && other instanceof Dict)
    return (
      one.size === other.size &&
      one.entries().every(([key, value]) => {
        const found = other.get(key);
        return found !== undefined && equals(value, found, budget, depth + 1);
      })
    );
  if (one instanceof SetValue && other instanceof SetValue)
    return one.members.size === other.members.size && one.items.every((item) => other.members.has(item));
  if (one instanceof Bytes && other instanceof Bytes) return Buffer.from(one.data).equals(other.data);
  if (one instanceof HostObject && other instanceof HostObject)
    return one.identity() !== undefined && one.identity() === other.identity();
  return false;
}

function sameItems(one: readonly Value[], other: readonly Value[], budget: Budget, depth: number): boolean {
  return one.length === other.length && one.every((item, at) => equals(item, other[at] ?? null, budget, depth + 1));
}

/** Negative, zero or positive. @throws Raised TypeError for what has no order */
export function compare(one: Value, other: Value, budget: Budget, depth = 0): number {
  budget.work(typeof one === 'string' ? one.length : 1);
  if (depth > deepest) throw new BudgetFault('Values are nested too deeply to be compared.');
  const [a, b] = [numberOf(one), numberOf(other)];
  if (a !== undefined && b !== undefined) return a - b;
  if (typeof one === 'string' && typeof other === 'string') return compareTexts(one, other);
  if (one instanceof Bytes && other instanceof Bytes) return Buffer.compare(one.data, other.data);
  const sequences = (one instanceof List && other instanceof List) || (one instanceof Tuple && other instanceof Tuple);
  if (sequences) {
    for (const [at, item] of one.items.entries()) {
      const against = other.items[at];
      if (against === undefined) return 1;
      if (!equals(item, against, budget)) return compare(item, against, budget, depth + 1);
    }
    return one.items.length - other.items.length;
  }
  if (one instanceof HostObject && other instanceof HostObject) {
    const order = one.compareTo(other);
    if (order !== undefined) return order;
  }
  throw new Raised('TypeError', `'<' not supported between instances of '${typeName(one)}' and '${typeName(other)}'`);
}

/** By code points, as Python orders texts. */
function compareTexts(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one, 'utf8'), Buffer.from(other, 'utf8'));
}

/** Whether the collection holds the value. @throws Raised TypeError */
export function contains(collection: Value, value: Value, budget: Budget): boolean {
  budget.work(sizeOf(collection));
  if (typeof collection === 'string') {
    if (typeof value === 'string') return collection.includes(value);
    throw new Raised('TypeError', `'in <string>' requires string as left operand, not ${typeName(value)}`);
  }
  if (collection instanceof List || collection instanceof Tuple)
    return collection.items.some((item) => equals(item, value, budget));
  if (collection instanceof Dict) return collection.has(value);
  if (collection instanceof SetValue) return collection.members.has(value);
  if (collection instanceof Bytes)
    return value instanceof Bytes
      ? Buffer.from(collection.data).includes(value.data)
      : collection.data.includes(numberOf(value) ?? -1);
  if (collection instanceof Iteration) {
    for (const item of collection.items) if (equals(item, value, budget)) return true;
    return false;
  }
  const held = collection instanceof HostObject ? collection.contains(value) : undefined;
  if (held !== undefined) return held;
  throw new Raised('TypeError', `argument of type '${typeName(collection)}' is not iterable`);
}

export function isSame(one: Value, other: Value): boolean {
  if (one === other) return true;
  return one instanceof HostObject && other instanceof HostObject && hashOf(one) === hashOf(other);
}
