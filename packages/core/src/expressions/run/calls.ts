// Calling functions: arguments to parameters (Python reference §6.3.4), frames, and functions of ours.
import { Raised } from '../faults.ts';
import type { Block, Expression } from '../source/syntax.ts';
import { evaluate } from './evaluate.ts';
import { execute } from './execute.ts';
import { namesAssigned, yieldsIn } from './names.ts';
import {
  Dict,
  type Func,
  HostObject,
  List,
  Native,
  type Run,
  type Scope,
  type Step,
  sizeOf,
  Tuple,
  typeName,
  type Value,
} from './values.ts';

export function* callValue(
  run: Run,
  callee: Value,
  args: readonly Value[],
  named: ReadonlyMap<string, Value> = new Map(),
): Step<Value> {
  if (callee instanceof Native) return yield* callNative(run, callee, args, named);
  if (isFunc(callee)) return yield* callFunc(run, callee, args, named);
  const made = callee instanceof HostObject ? callee.get('__call__') : undefined;
  if (made instanceof Native) return yield* callNative(run, made, args, named);
  throw new Raised('TypeError', `'${typeName(callee)}' object is not callable`);
}

export function isFunc(value: Value): value is Func {
  return (
    typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'function' && 'scope' in value
  );
}

function* callNative(run: Run, callee: Native, args: readonly Value[], named: ReadonlyMap<string, Value>): Step<Value> {
  for (const arg of args) run.budget.work(sizeOf(arg));
  const result = callee.call({ args, named, run });
  if (result instanceof Promise) return (yield result) as Value; // a native's promise gives a value
  if (isStep(result)) return yield* result;
  return result;
}

function isStep(value: Value | Step<Value>): value is Step<Value> {
  return typeof value === 'object' && value !== null && 'next' in value && typeof value.next === 'function';
}

function* callFunc(run: Run, callee: Func, args: readonly Value[], named: ReadonlyMap<string, Value>): Step<Value> {
  run.depth += 1;
  run.budget.checkDepth(run.depth);
  const scope = frameOf(callee, bindArguments(callee, args, named));
  try {
    return yield* runBody(run, callee.body, scope);
  } finally {
    run.depth -= 1;
  }
}

function frameOf({ body, parameters, scope: parent }: Func, names: Map<string, Value>): Scope {
  const own = isBlock(body) ? namesAssigned(body) : new Set<string>();
  for (const { name } of parameters) own.add(name);
  return { names, parent, own, outer: new Set(), yielded: isBlock(body) && yieldsIn(body) ? [] : undefined };
}

const isBlock = (body: Block | Expression): body is Block => Array.isArray(body);

/** The result of a body: what it returns, or the list of what it yields. */
export function* runBody(run: Run, body: Block | Expression, scope: Scope): Step<Value> {
  if (!isBlock(body)) return yield* evaluate(run, scope, body);
  const ended = yield* execute(run, scope, body);
  if (scope.yielded !== undefined) return new List(scope.yielded);
  return ended?.kind === 'return' ? ended.value : null;
}

function bindArguments(callee: Func, args: readonly Value[], named: ReadonlyMap<string, Value>): Map<string, Value> {
  const bound = new Map<string, Value>();
  const plain = callee.parameters.filter(({ kind }) => kind === 'plain');
  for (const [at, { name }] of plain.entries()) {
    const value = args[at];
    if (value !== undefined) bound.set(name, value);
  }
  const rest = callee.parameters.find(({ kind }) => kind === 'rest');
  if (rest !== undefined) bound.set(rest.name, new Tuple(args.slice(plain.length)));
  else if (args.length > plain.length)
    throw new Raised(
      'TypeError',
      `${callee.name}() takes ${plain.length} positional arguments but ${args.length} were given`,
    );
  bindNamed(callee, named, bound);
  for (const { name, kind } of callee.parameters) {
    if (bound.has(name)) continue;
    const initial = callee.initial.get(name);
    if (initial !== undefined) bound.set(name, initial);
    else if (kind === 'plain' || kind === 'keyword only')
      throw new Raised('TypeError', `${callee.name}() missing required argument: '${name}'`);
  }
  return bound;
}

function bindNamed(callee: Func, named: ReadonlyMap<string, Value>, bound: Map<string, Value>): void {
  const keywords = callee.parameters.find(({ kind }) => kind === 'keywords');
  const others = new Dict();
  for (const [name, value] of named) {
    const known = callee.parameters.some(
      (one) => one.name === name && (one.kind === 'plain' || one.kind === 'keyword only'),
    );
    if (known && bound.has(name))
      throw new Raised('TypeError', `${callee.name}() got multiple values for argument '${name}'`);
    if (known) bound.set(name, value);
    else if (keywords !== undefined) others.set(name, value);
    else throw new Raised('TypeError', `${callee.name}() got an unexpected keyword argument '${name}'`);
  }
  if (keywords !== undefined) bound.set(keywords.name, others);
}
