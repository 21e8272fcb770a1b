// Values of the expression's world. Texts, booleans, None and whole numbers are JavaScript's own; everything that Python
// tells apart and JavaScript does not has a class here.
import { type Position, Raised } from '../faults.ts';
import type { Block, Expression, Parameter } from '../source/syntax.ts';
import type { Budget } from './budget.ts';

export type Value =
  | null
  | boolean
  | number
  | string
  | Float
  | Bytes
  | List
  | Tuple
  | Dict
  | SetValue
  | Iteration
  | Func
  | Native
  | HostObject;

/** A computation that may have to wait: for the core, or for its turn. */
export type Step<T> = Generator<Promise<unknown> | 'breathe', T, unknown>;

export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export class Bytes {
  readonly data: Buffer;
  constructor(data: Uint8Array) {
    this.data = Buffer.from(data);
  }
}

export class List {
  readonly items: Value[];
  constructor(items: Value[] = []) {
    this.items = items;
  }
}

export class Tuple {
  readonly items: readonly Value[];
  constructor(items: readonly Value[] = []) {
    this.items = items;
  }
}

/** Keys are found by {@link hashOf} and kept in order of insertion. */
export class Dict {
  readonly #entries = new Map<string, [Value, Value]>();

  static of(entries: Iterable<readonly [Value, Value]>): Dict {
    const dict = new Dict();
    for (const [key, value] of entries) dict.set(key, value);
    return dict;
  }

  get size(): number {
    return this.#entries.size;
  }
  has(key: Value): boolean {
    return this.#entries.has(hashOf(key));
  }
  get(key: Value): Value | undefined {
    return this.#entries.get(hashOf(key))?.[1];
  }
  set(key: Value, value: Value): void {
    const hash = hashOf(key);
    this.#entries.set(hash, [this.#entries.get(hash)?.[0] ?? key, value]);
  }
  delete(key: Value): boolean {
    return this.#entries.delete(hashOf(key));
  }
  clear(): void {
    this.#entries.clear();
  }
  keys(): Value[] {
    return [...this.#entries.values()].map(([key]) => key);
  }
  values(): Value[] {
    return [...this.#entries.values()].map(([, value]) => value);
  }
  entries(): [Value, Value][] {
    return [...this.#entries.values()].map(([key, value]) => [key, value]);
  }
}

export class SetValue {
  readonly members = new Dict();
  constructor(items: Iterable<Value> = []) {
    for (const item of items) this.members.set(item, null);
  }
  get items(): Value[] {
    return this.members.keys();
  }
}

/** Something to walk through once or often: a range, what `zip` gives, a generator. */
export class Iteration {
  readonly kind: string;
  readonly items: Iterable<Value>;
  /** Known for ranges. */
  readonly length: number | undefined;
  constructor(kind: string, items: Iterable<Value>, length?: number) {
    this.kind = kind;
    this.items = items;
    this.length = length;
  }
}

/** A function of the expression. */
export interface Func {
  readonly kind: 'function';
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly initial: ReadonlyMap<string, Value>;
  readonly body: Block | Expression;
  readonly scope: Scope;
}

export interface Call {
  readonly args: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
  readonly run: Run;
}

/** A function of ours. */
export class Native {
  readonly name: string;
  readonly call: (call: Call) => Value | Promise<Value> | Step<Value>;
  constructor(name: string, call: Native['call']) {
    this.name = name;
    this.call = call;
  }
}

/** An object of the core, as far as an expression may see it: whatever `get` does not know is no attribute. */
export abstract class HostObject {
  abstract readonly typeName: string;
  abstract get(name: string): Value | Promise<Value> | undefined;
  /** @returns whether the attribute may be set */
  set(_name: string, _value: Value): boolean {
    return false;
  }
  /** Text for `str()` and formatting. */
  text(): string {
    return `<${this.typeName}>`;
  }
  /** What makes two objects the same; every object is its own unless given. */
  identity(): string | undefined {
    return undefined;
  }
  /** Members, of those that can be walked through. */
  iterate(): readonly Value[] | Promise<readonly Value[]> | undefined {
    return undefined;
  }
  isTrue(): boolean {
    return true;
  }
  /** `object[key]`, of those that have items. */
  item(_key: Value): Value | Promise<Value> | undefined {
    return undefined;
  }
  setItem(_key: Value, _value: Value): boolean {
    return false;
  }
  contains(_value: Value): boolean | undefined {
    return undefined;
  }
  /** Negative, zero or positive against its like; `undefined` for what has no order. */
  compareTo(_other: HostObject): number | undefined {
    return undefined;
  }
  /** `self operator other`, or with `reflected` the other way round; `undefined` for what it cannot do. */
  operate(_operator: string, _other: Value, _reflected: boolean): Value | undefined {
    return undefined;
  }
  /** Of a format specification it knows itself. */
  format(_spec: string): string | undefined {
    return undefined;
  }
  /** Whether `plain()` may be kept in a plan. */
  isStorable(): boolean {
    return false;
  }
  /** What leaves the expression: plain JSON. */
  plain(): unknown {
    return this.text();
  }
}

export interface Scope {
  readonly names: Map<string, Value>;
  readonly parent: Scope | undefined;
  /** Names this function assigns itself; absent in scopes that share their parent's. */
  readonly own: ReadonlySet<string> | undefined;
  /** Names assigned in the function around. */
  readonly outer: Set<string>;
  /** What `yield` has given, in a function that has one. */
  readonly yielded: Value[] | undefined;
}

/** One evaluation. */
export interface Run {
  readonly budget: Budget;
  /** Modules that may be imported. */
  readonly modules: ReadonlyMap<string, HostObject>;
  depth: number;
  /** Where the evaluation is, for errors. */
  at: Position;
  /** What is being handled by `except`, for a bare `raise`. */
  handling: Error | undefined;
}

/** Values in one key; tuples can hold each other many times over. */
const largestKey = 1000;
let serial = 0;
const serials = new WeakMap<object, number>();

/** Equal keys have equal hashes: 1 and True are one key, like in Python. @throws TypeError for what can change */
export function hashOf(value: Value, parts = { left: largestKey }): string {
  parts.left -= 1;
  if (parts.left < 0) throw new Raised('TypeError', 'the key is too large');
  if (value === null) return 'none';
  if (typeof value === 'boolean') return `n${Number(value)}`;
  if (typeof value === 'number') return `n${value}`;
  if (typeof value === 'string') return `s${value}`;
  if (value instanceof Float) return `n${value.value}`;
  if (value instanceof Tuple) return `t(${value.items.map((item) => JSON.stringify(hashOf(item, parts))).join()})`;
  if (value instanceof Bytes) return `b${Buffer.from(value.data).toString('hex')}`;
  if (value instanceof HostObject) return `o${value.identity() ?? serialOf(value)}`;
  if (value instanceof List || value instanceof Dict || value instanceof SetValue)
    throw new Raised('TypeError', `unhashable type: '${typeName(value)}'`);
  return `o${serialOf(value)}`;
}

function serialOf(value: object): number {
  const known = serials.get(value);
  if (known !== undefined) return known;
  serial += 1;
  serials.set(value, serial);
  return serial;
}

export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
      return 'int';
    case 'string':
      return 'str';
  }
  if (value instanceof Float) return 'float';
  if (value instanceof Bytes) return 'bytes';
  if (value instanceof List) return 'list';
  if (value instanceof Tuple) return 'tuple';
  if (value instanceof Dict) return 'dict';
  if (value instanceof SetValue) return 'set';
  if (value instanceof Iteration) return value.kind;
  if (value instanceof HostObject) return value.typeName;
  return 'function';
}

export function isTrue(value: Value): boolean {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
    return Boolean(value);
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Bytes) return value.data.length > 0;
  if (value instanceof List || value instanceof Tuple) return value.items.length > 0;
  if (value instanceof Dict) return value.size > 0;
  if (value instanceof SetValue) return value.members.size > 0;
  if (value instanceof Iteration) return value.length !== 0;
  if (value instanceof HostObject) return value.isTrue();
  return true;
}

/** Signs or items of a value, not looking inside of them. */
export function sizeOf(value: Value): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof List || value instanceof Tuple) return value.items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof SetValue) return value.members.size;
  return value instanceof Bytes ? value.data.length : 1;
}

/** A number for arithmetic: True is 1. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  return value instanceof Float ? value.value : undefined;
}
