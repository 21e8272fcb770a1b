// Built-in functions and types (Python library, "Built-in Functions"), those of core.md §16.2.
import { exceptionNames, Raised } from '../faults.ts';
import { getAttribute } from './attributes.ts';
import { callValue } from './calls.ts';
import { compare } from './equality.ts';
import { ExceptionType } from './exceptions.ts';
import { formatValue } from './format.ts';
import { collect, iterate, settled } from './iterate.ts';
import { binary } from './operators.ts';
import { expectArguments, optional, required, textAt, wholeAt } from './parameters.ts';
import { sortValues } from './sort.ts';
import { lengthOf, repr, str } from './text.ts';
import {
  Bytes,
  type Call,
  Dict,
  Float,
  HostObject,
  Iteration,
  isTrue,
  List,
  Native,
  numberOf,
  SetValue,
  type Step,
  Tuple,
  typeName,
  type Value,
} from './values.ts';

type Function = Native['call'];

/** A type can be called, and asked by `isinstance`. */
export class TypeObject extends HostObject {
  readonly typeName = 'type';
  readonly name: string;
  readonly #call: Native;
  constructor(name: string, call: Function) {
    super();
    this.name = name;
    this.#call = new Native(name, call);
  }
  get(name: string): Value | undefined {
    if (name === '__call__') return this.#call;
    if (name === '__name__') return this.name;
    return name === 'fromkeys' && this.name === 'dict' ? new Native('fromkeys', fromKeys) : undefined;
  }
  override identity(): string {
    return `type ${this.name}`;
  }
  override text(): string {
    return `<class '${this.name}'>`;
  }
}

function* fromKeys(call: Call): Step<Value> {
  const value = optional(call, 1, 'value') ?? null;
  return Dict.of((yield* collect(call.run, required(call, 0, 'iterable'))).map((key) => [key, value]));
}

function toInt(call: Call): Value {
  const [given = 0] = call.args;
  if (typeof given === 'string') {
    const base = wholeAt(call, 1, 'base', 10);
    const text = given.trim().replaceAll('_', '').toLowerCase();
    const digits = text.replace(/^[-+]/, '').replace(base === 16 ? /^0x/ : base === 2 ? /^0b/ : /^(?!)/, '');
    const legal = [...digits].every((digit) => Number.parseInt(digit, 36) < base) && digits !== '';
    const value = legal ? Number.parseInt(digits, base) * (text.startsWith('-') ? -1 : 1) : Number.NaN;
    if (!Number.isSafeInteger(value))
      throw new Raised('ValueError', `invalid literal for int() with base ${base}: ${repr(given)}`);
    return value;
  }
  const number = numberOf(given);
  if (number === undefined)
    throw new Raised('TypeError', `int() argument must be a string or a number, not '${typeName(given)}'`);
  if (!Number.isFinite(number)) throw new Raised('OverflowError', 'cannot convert float infinity to integer');
  return Math.trunc(number) + 0;
}

function toFloat({ args: [given = 0] }: Call): Value {
  if (typeof given === 'string') {
    const text = given.trim().toLowerCase();
    const special = /^([-+]?)(inf(?:inity)?|nan)$/.exec(text);
    if (special !== null)
      return new Float(
        special[2] === 'nan' ? Number.NaN : special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY,
      );
    if (!/^[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[-+]?\d+)?$/.test(text))
      throw new Raised('ValueError', `could not convert string to float: ${repr(given)}`);
    return new Float(Number(text.replaceAll('_', '')));
  }
  const number = numberOf(given);
  if (number === undefined)
    throw new Raised('TypeError', `float() argument must be a string or a number, not '${typeName(given)}'`);
  return new Float(number);
}

function* toDict(call: Call): Step<Value> {
  const [given] = call.args;
  const dict = given instanceof Dict ? Dict.of(given.entries()) : new Dict();
  if (given !== undefined && !(given instanceof Dict))
    for (const pair of yield* collect(call.run, given)) {
      const [key, value] = yield* collect(call.run, pair);
      if (key === undefined || value === undefined) throw new Raised('ValueError', 'dict() needs pairs');
      dict.set(key, value);
    }
  for (const [name, value] of call.named) dict.set(name, value);
  call.run.budget.take(dict.size);
  return dict;
}

function collecting(make: (items: Value[]) => Value): Function {
  return function* (call) {
    return make(call.args[0] === undefined ? [] : yield* collect(call.run, call.args[0]));
  };
}

/** Types by their names, in the order `isinstance` and `type` know them. */
export const types: ReadonlyMap<string, TypeObject> = new Map(
  [
    new TypeObject('bool', ({ args: [value = false] }) => isTrue(value)),
    new TypeObject('int', toInt),
    new TypeObject('float', toFloat),
    new TypeObject('str', (call) => {
      const text = call.args[0] === undefined ? '' : str(call.args[0]);
      call.run.budget.take(text.length);
      return text;
    }),
    new TypeObject('bytes', ({ args: [value = ''] }) => {
      if (value instanceof Bytes) return value;
      if (typeof value === 'string') return new Bytes(Buffer.from(value, 'utf8'));
      throw new Raised('TypeError', 'bytes() takes a text or bytes here');
    }),
    new TypeObject(
      'list',
      collecting((items) => new List(items)),
    ),
    new TypeObject(
      'tuple',
      collecting((items) => new Tuple(items)),
    ),
    new TypeObject(
      'set',
      collecting((items) => new SetValue(items)),
    ),
    new TypeObject(
      'frozenset',
      collecting((items) => new SetValue(items)),
    ),
    new TypeObject('dict', toDict),
  ].map((type) => [type.name, type]),
);

function isInstance(value: Value, type: Value): boolean {
  if (type instanceof Tuple) return type.items.some((one) => isInstance(value, one));
  if (type instanceof TypeObject)
    return typeName(value) === type.name || (type.name === 'int' && typeof value === 'boolean');
  if (type instanceof ExceptionType) return value instanceof HostObject && value.typeName === type.name;
  if (type instanceof HostObject) return value instanceof HostObject && type.get('__instances__') === value.typeName;
  throw new Raised('TypeError', 'isinstance() arg 2 must be a type or a tuple of types');
}

function length(value: Value): number {
  if (typeof value === 'string') return lengthOf(value);
  if (value instanceof List || value instanceof Tuple) return value.items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof SetValue) return value.members.size;
  if (value instanceof Bytes) return value.data.length;
  if (value instanceof Iteration && value.length !== undefined) return value.length;
  throw new Raised('TypeError', `object of type '${typeName(value)}' has no len()`);
}

function range(call: Call): Value {
  const [first = 0, second, step = 1] = call.args.map((_value, at) => wholeAt(call, at, 'range'));
  if (step === 0) throw new Raised('ValueError', 'range() arg 3 must not be zero');
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const count = Math.max(0, Math.ceil((stop - start) / step));
  const items = {
    *[Symbol.iterator]() {
      for (let at = 0; at < count; at += 1) yield start + at * step;
    },
  };
  return new Iteration('range', items, count);
}

function extreme(sign: 1 | -1): Function {
  return function* (call) {
    const { run, args, named } = call;
    const items = args.length === 1 && args[0] !== undefined ? yield* collect(run, args[0]) : [...args];
    const key = named.get('key') ?? null;
    let best: { readonly item: Value; readonly by: Value } | undefined;
    for (const item of items) {
      const by: Value = key === null ? item : yield* callValue(run, key, [item]);
      if (best === undefined || sign * compare(by, best.by, run.budget) > 0) best = { item, by };
    }
    const fallback = named.get('default');
    if (best !== undefined) return best.item;
    if (fallback !== undefined) return fallback;
    throw new Raised('ValueError', 'the sequence is empty');
  };
}

function quantified(until: boolean): Function {
  return function* ({ run, args: [source = null] }) {
    for (const item of yield* iterate(source)) {
      if (run.budget.step()) yield 'breathe';
      if (isTrue(item) === until) return until;
    }
    return !until;
  };
}

const functions: Readonly<Record<string, Function>> = {
  abs: ({ args: [value = null] }) => {
    const number = numberOf(value);
    if (number === undefined) throw new Raised('TypeError', `bad operand type for abs(): '${typeName(value)}'`);
    return value instanceof Float ? new Float(Math.abs(number)) : Math.abs(number);
  },
  all: quantified(false),
  any: quantified(true),
  callable: ({ args: [value = null] }) =>
    value instanceof Native ||
    typeName(value) === 'function' ||
    (value instanceof HostObject && value.get('__call__') !== undefined),
  chr: (call) => String.fromCodePoint(Math.max(0, Math.min(0x10ffff, wholeAt(call, 0, 'i')))),
  *enumerate(call) {
    const start = wholeAt(call, 1, 'start', 0);
    const items = yield* collect(call.run, required(call, 0, 'iterable'));
    return new Iteration(
      'enumerate',
      items.map((item, at) => new Tuple([start + at, item])),
    );
  },
  *filter({ run, args: [keep = null, source = null] }) {
    const kept: Value[] = [];
    for (const item of yield* collect(run, source))
      if (isTrue(keep === null ? item : yield* callValue(run, keep, [item]))) kept.push(item);
    return new Iteration('filter', kept);
  },
  format: (call) => formatValue(required(call, 0, 'value'), textAt(call, 1, 'format_spec', '')),
  *getattr(call) {
    const fallback = call.args[2];
    try {
      return yield* getAttribute(call.run, required(call, 0, 'object'), textAt(call, 1, 'name'));
    } catch (error) {
      if (fallback !== undefined && error instanceof Raised && error.type === 'AttributeError') return fallback;
      throw error;
    }
  },
  *hasattr(call) {
    try {
      yield* getAttribute(call.run, required(call, 0, 'object'), textAt(call, 1, 'name'));
      return true;
    } catch (error) {
      if (error instanceof Raised && error.type === 'AttributeError') return false;
      throw error;
    }
  },
  isinstance: (call) => isInstance(required(call, 0, 'object'), required(call, 1, 'class_or_tuple')),
  *iter({ run, args: [source = null] }) {
    return new Iteration('iterator', (yield* collect(run, source)).values());
  },
  *len(call) {
    const value = required(call, 0, 'obj');
    const members = value instanceof HostObject ? value.iterate() : undefined;
    return members === undefined ? length(value) : (yield* settled(members)).length;
  },
  *map({ run, args: [change = null, ...sources] }) {
    const columns: Value[][] = [];
    for (const source of sources) columns.push(yield* collect(run, source));
    const results: Value[] = [];
    const rows = Math.min(...columns.map((column) => column.length));
    for (let at = 0; at < rows; at += 1)
      results.push(
        yield* callValue(
          run,
          change,
          columns.map((column) => column[at] ?? null),
        ),
      );
    return new Iteration('map', results);
  },
  max: extreme(1),
  min: extreme(-1),
  *next({ args: [source = null, fallback] }) {
    const iterator = (yield* iterate(source))[Symbol.iterator]();
    const { done, value } = iterator.next();
    if (done !== true) return value;
    if (fallback !== undefined) return fallback;
    throw new Raised('RuntimeError', 'StopIteration');
  },
  ord: (call) => {
    const text = textAt(call, 0, 'c');
    if (lengthOf(text) !== 1) throw new Raised('TypeError', 'ord() expected a character');
    return text.codePointAt(0) ?? 0;
  },
  print: () => null,
  range,
  repr: (call) => repr(required(call, 0, 'obj')),
  *reversed({ run, args: [source = null] }) {
    return new Iteration('reversed', (yield* collect(run, source)).reverse());
  },
  round: (call) => {
    const value = required(call, 0, 'number');
    const number = numberOf(value) ?? 0;
    const digits = optional(call, 1, 'ndigits');
    // Half to even, like Python.
    const half = (scaled: number) => {
      const down = Math.floor(scaled);
      if (scaled - down !== 0.5) return Math.round(scaled);
      return down % 2 === 0 ? down : down + 1;
    };
    if (digits === undefined || digits === null) return half(number);
    const scale = 10 ** wholeAt(call, 1, 'ndigits');
    return value instanceof Float ? new Float(half(number * scale) / scale) : half(number * scale) / scale;
  },
  *sorted(call) {
    expectArguments(call, 1, ['key', 'reverse']);
    const items = yield* collect(call.run, required(call, 0, 'iterable'));
    return new List(yield* sortValues(call.run, items, call.named.get('key'), call.named.get('reverse')));
  },
  *sum({ run, args: [source = null, start = 0] }) {
    let total = start;
    for (const item of yield* collect(run, source)) total = binary('+', total, item, run.budget);
    return total;
  },
  type: (call) => types.get(typeName(required(call, 0, 'object'))) ?? typeName(required(call, 0, 'object')),
  *zip({ run, args }) {
    const columns: Value[][] = [];
    for (const source of args) columns.push(yield* collect(run, source));
    const rows = columns.length === 0 ? 0 : Math.min(...columns.map((column) => column.length));
    const tuples = Array.from({ length: rows }, (_row, at) => new Tuple(columns.map((column) => column[at] ?? null)));
    return new Iteration('zip', tuples);
  },
};

/** Every name an expression can use without being given it. */
export function builtinNames(): Map<string, Value> {
  return new Map<string, Value>([
    ...[...types].map(([name, type]): [string, Value] => [name, type]),
    ...exceptionNames.map((name): [string, Value] => [name, new ExceptionType(name)]),
    ...Object.entries(functions).map(([name, call]): [string, Value] => [name, new Native(name, call)]),
  ]);
}
