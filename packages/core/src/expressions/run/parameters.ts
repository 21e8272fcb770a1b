// Arguments of our own functions, by position or name, with the type they must have.
import { Raised } from '../faults.ts';
import { type Call, Float, numberOf, typeName, type Value } from './values.ts';

/** The argument at this place or of this name; `undefined` if it is not given, which None is. */
export function optional({ args, named }: Call, at: number, name: string): Value | undefined {
  const value = args[at];
  return value === undefined ? named.get(name) : value;
}

export function required(call: Call, at: number, name: string): Value {
  const value = optional(call, at, name);
  if (value === undefined) throw new Raised('TypeError', `missing required argument: '${name}'`);
  return value;
}

export function textAt(call: Call, at: number, name: string, initial?: string): string {
  const value = initial === undefined ? required(call, at, name) : (optional(call, at, name) ?? initial);
  if (typeof value === 'string') return value;
  throw new Raised('TypeError', `'${name}' must be str, not ${typeName(value)}`);
}

export function wholeAt(call: Call, at: number, name: string, initial?: number): number {
  const value = initial === undefined ? required(call, at, name) : (optional(call, at, name) ?? initial);
  const number = value instanceof Float ? undefined : numberOf(value);
  if (number === undefined) throw new Raised('TypeError', `'${name}' must be int, not ${typeName(value)}`);
  return number;
}

/** At most so many arguments by position, and none by another name. */
export function expectArguments({ args, named }: Call, most: number, names: readonly string[] = []): void {
  if (args.length > most) throw new Raised('TypeError', `at most ${most} arguments expected, got ${args.length}`);
  for (const name of named.keys())
    if (!names.includes(name)) throw new Raised('TypeError', `unexpected keyword argument '${name}'`);
}
