// Attributes: methods of built-in types by their tables, and what objects of the core show.
import { Raised } from '../faults.ts';
import { bytesMethods } from '../methods/bytes.ts';
import { dictMethods } from '../methods/dict.ts';
import { listMethods } from '../methods/list.ts';
import { setMethods } from '../methods/set.ts';
import { textMethods } from '../methods/text.ts';
import { settled } from './iterate.ts';
import {
  Bytes,
  type Call,
  Dict,
  Float,
  HostObject,
  List,
  Native,
  type Run,
  SetValue,
  type Step,
  sizeOf,
  Tuple,
  typeName,
  type Value,
} from './values.ts';

/** A method of a built-in type: gets the value it belongs to. */
export type Methods<T> = Readonly<Record<string, (self: T, call: Call) => Value | Step<Value>>>;

/** @throws Raised AttributeError */
export function* getAttribute(run: Run, object: Value, name: string): Step<Value> {
  // Most methods look at all of their object, so looking one up pays for that.
  if (!(object instanceof HostObject)) run.budget.work(sizeOf(object));
  const method = methodOf(object, name);
  if (method !== undefined) return method;
  const found = object instanceof HostObject ? object.get(name) : undefined;
  if (found !== undefined) return yield* settled(found);
  throw new Raised('AttributeError', `'${typeName(object)}' object has no attribute '${name}'`);
}

function methodOf(object: Value, name: string): Native | undefined {
  if (typeof object === 'string') return bound(textMethods, object, name);
  if (object instanceof List) return bound(listMethods, object, name);
  if (object instanceof Tuple)
    return ['count', 'index'].includes(name) ? bound(listMethods, new List([...object.items]), name) : undefined;
  if (object instanceof Dict) return bound(dictMethods, object, name);
  if (object instanceof SetValue) return bound(setMethods, object, name);
  if (object instanceof Bytes) return bound(bytesMethods, object, name);
  if (object instanceof Float && name === 'is_integer') return new Native(name, () => Number.isInteger(object.value));
  return undefined;
}

function bound<T>(methods: Methods<T>, self: T, name: string): Native | undefined {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  return method === undefined ? undefined : new Native(name, (call) => method(self, call));
}
