// Between JSON and the expression's world. What came from an object of ours goes back into that same object, so that an
// expression can change a plan's context.
import { BudgetFault } from '../faults.ts';
import { Bytes, Dict, Float, HostObject, Iteration, List, SetValue, Tuple, type Value } from './values.ts';

const deepest = 100;
const mostParts = 100_000;

/** Host objects for some keys of mappings; `undefined` for plain conversion. */
export type Wrap = (key: string, value: unknown) => Value | undefined;

export class Converter {
  readonly #wrap: Wrap;
  readonly #known = new Map<object, Dict | List>();

  constructor(wrap: Wrap = () => undefined) {
    this.#wrap = wrap;
  }

  toValue(value: unknown, depth = 0): Value {
    if (depth > deepest) throw new BudgetFault('A value is nested too deeply.');
    if (value === null || value === undefined) return null;
    if (typeof value === 'boolean' || typeof value === 'string') return value;
    if (typeof value === 'number') return Number.isSafeInteger(value) ? value : new Float(value);
    if (value instanceof Date) return value.toISOString();
    if (typeof value !== 'object') return String(value);
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    if (Array.isArray(value)) {
      const list = new List();
      this.#known.set(value, list);
      list.items.push(...value.map((item) => this.toValue(item, depth + 1)));
      return list;
    }
    const dict = new Dict();
    this.#known.set(value, dict);
    for (const [key, inner] of Object.entries(value))
      dict.set(key, this.#wrap(key, inner) ?? this.toValue(inner, depth + 1));
    return dict;
  }

  /** Puts what the expression changed back into the objects it was given. */
  writeBack(): void {
    const origin = new Map<Value, object>([...this.#known].map(([object, value]) => [value, object]));
    const plain = (value: Value): unknown => origin.get(value) ?? toPlain(value);
    for (const [object, value] of this.#known) {
      if (Array.isArray(object) && value instanceof List) object.splice(0, object.length, ...value.items.map(plain));
      else if (value instanceof Dict) writeObject(object, value, plain);
    }
  }
}

function writeObject(object: object, dict: Dict, plain: (value: Value) => unknown): void {
  const names = new Set<string>();
  for (const [key, value] of dict.entries()) {
    if (typeof key !== 'string' || key === '__proto__') continue;
    names.add(key);
    const own: unknown = Reflect.get(object, key);
    // An object of the core that was only looked at stays as it was.
    if (value instanceof HostObject && JSON.stringify(value.plain()) === JSON.stringify(own)) continue;
    if (value instanceof HostObject && !value.isStorable()) continue;
    const fresh = plain(value);
    if (fresh !== own) Reflect.set(object, key, fresh);
  }
  for (const key of Object.keys(object)) if (!names.has(key)) Reflect.deleteProperty(object, key);
}

/** JSON of a value; objects of the core give what they are stored as. */
export function toPlain(value: Value): unknown {
  return plainOf(value, 0, { left: mostParts });
}

function plainOf(value: Value, depth: number, parts: { left: number }): unknown {
  parts.left -= 1;
  if (depth > deepest || parts.left < 0) throw new BudgetFault('A value is too large to leave the expression.');
  const inner = (item: Value) => plainOf(item, depth + 1, parts);
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
    return value;
  if (value instanceof Float) return value.value;
  if (value instanceof Bytes) return value.data.toString('utf8');
  if (value instanceof List || value instanceof Tuple || value instanceof SetValue || value instanceof Iteration)
    return [...value.items].map(inner);
  if (value instanceof Dict)
    return Object.fromEntries(
      value
        .entries()
        .filter(([key]) => key !== '__proto__')
        .map(([key, item]) => [typeof key === 'string' ? key : String(inner(key)), inner(item)]),
    );
  if (value instanceof HostObject) return value.plain();
  return `<function ${value.name}>`;
}
