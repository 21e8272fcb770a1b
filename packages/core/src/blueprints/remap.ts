// Keys in exported files are those of another installation (core.md §20.4): wherever one of them comes again, it stands for
// the object that was found or made here. Inside lists, and one level of mappings, too.
import { isMapping } from '../models/merge.ts';

export function remapKeys(value: unknown, keys: ReadonlyMap<string, string | number>): unknown {
  if (keys.size === 0 || !isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, name === 'pk' ? inner : one(inner, keys, 1)]),
  );
}

function one(value: unknown, keys: ReadonlyMap<string, string | number>, depth: number): unknown {
  if (typeof value === 'string' || typeof value === 'number') return keys.get(String(value)) ?? value;
  if (Array.isArray(value)) return value.map((item) => one(item, keys, depth));
  if (depth > 0 && isMapping(value))
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, one(inner, keys, depth - 1)]));
  return value;
}
