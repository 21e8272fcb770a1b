// What an update changed, field by field, for the audit (core.md §23.3): secrets appear as changed, never as values.
import { isDeepStrictEqual } from 'node:util';
import type { Model, Row, Values } from './model.ts';
import { fieldValue } from './represent.ts';
import type { Difference } from './unit.ts';

const mask = '*'.repeat(20);

/** Relations are compared as sets of keys. */
export function differenceOf(
  model: Model,
  before: Row,
  after: Row,
  relations: { readonly before: Values; readonly after: Values },
): Difference {
  const found: Record<string, Difference[string]> = {};
  for (const [name, { hidden, place }] of Object.entries(model.fields)) {
    const related = place.at === 'relation' && name in relations.before;
    const previous_value = related ? ordered(relations.before[name]) : fieldValue(model, before, name);
    const new_value = related ? ordered(relations.after[name]) : fieldValue(model, after, name);
    if (isDeepStrictEqual(previous_value, new_value)) continue;
    found[name] = hidden === true ? { previous_value: mask, new_value: mask } : { previous_value, new_value };
  }
  return found;
}

function ordered(keys: unknown): unknown[] {
  return Array.isArray(keys) ? [...new Set(keys)].sort((one, other) => (String(one) < String(other) ? -1 : 1)) : [];
}
