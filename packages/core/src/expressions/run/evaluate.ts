// Expressions to values (Python reference §6). Generators, so that an evaluation can wait without a promise a node.
import { Raised } from '../faults.ts';
import type { Argument, Clause, Expression, FormatPart } from '../source/syntax.ts';
import { assign } from './assign.ts';
import { getAttribute } from './attributes.ts';
import type { Budget } from './budget.ts';
import { callValue } from './calls.ts';
import { compare, contains, equals, isSame } from './equality.ts';
import { formatValue } from './format.ts';
import { collect, iterate, settled } from './iterate.ts';
import { binary, unary } from './operators.ts';
import { lookUp } from './scopes.ts';
import { getItem, getSlice } from './subscripts.ts';
import { repr, str } from './text.ts';
import {
  Bytes,
  Dict,
  Float,
  type Func,
  HostObject,
  Iteration,
  isTrue,
  List,
  numberOf,
  type Run,
  type Scope,
  SetValue,
  type Step,
  Tuple,
  type Value,
} from './values.ts';

export function* evaluate(run: Run, scope: Scope, node: Expression): Step<Value> {
  if (run.budget.step()) yield 'breathe';
  run.at = node.at;
  switch (node.type) {
    case 'constant':
      return node.value;
    case 'float':
      return new Float(node.value);
    case 'bytes':
      return new Bytes(node.value);
    case 'name':
      return lookUp(scope, node.name);
    case 'f-string':
      return yield* formatString(run, scope, node.parts);
    case 'list':
      return new List(yield* evaluateItems(run, scope, node.items));
    case 'tuple':
      return new Tuple(yield* evaluateItems(run, scope, node.items));
    case 'set':
      return new SetValue(yield* evaluateItems(run, scope, node.items));
    case 'dict':
      return yield* evaluateDict(run, scope, node);
    case 'unary': {
      const value = yield* evaluate(run, scope, node.value);
      return node.operator === 'not' ? !isTrue(value) : unary(node.operator, value);
    }
    case 'binary': {
      const left = yield* evaluate(run, scope, node.left);
      const right = yield* evaluate(run, scope, node.right);
      run.at = node.at;
      return binary(node.operator, left, right, run.budget);
    }
    case 'bool': {
      const left = yield* evaluate(run, scope, node.left);
      return isTrue(left) === (node.operator === 'or') ? left : yield* evaluate(run, scope, node.right);
    }
    case 'compare':
      return yield* evaluateComparison(run, scope, node);
    case 'conditional': {
      const test = yield* evaluate(run, scope, node.test);
      return yield* evaluate(run, scope, isTrue(test) ? node.whenTrue : node.otherwise);
    }
    case 'lambda':
      return yield* makeFunction(run, scope, '<lambda>', node.parameters, node.body);
    case 'call':
      return yield* evaluateCall(run, scope, node);
    case 'attribute': {
      const object = yield* evaluate(run, scope, node.object);
      run.at = node.at;
      return yield* getAttribute(run, object, node.name);
    }
    case 'subscript':
      return yield* evaluateSubscript(run, scope, node);
    case 'comprehension':
      return yield* comprehend(run, scope, node);
    case 'named': {
      const value = yield* evaluate(run, scope, node.value);
      yield* assign(run, scope, { type: 'name', name: node.name, at: node.at }, value);
      return value;
    }
    case 'yield': {
      const value = node.value === undefined ? null : yield* evaluate(run, scope, node.value);
      run.budget.take(1);
      frameOf(scope).yielded?.push(value);
      return null;
    }
    case 'star':
    case 'slice':
      throw new Raised('TypeError', 'this cannot stand here');
  }
}

type NodeOf<Type extends Expression['type']> = Extract<Expression, { readonly type: Type }>;

function frameOf(scope: Scope): Scope {
  return scope.own === undefined && scope.parent !== undefined ? frameOf(scope.parent) : scope;
}

function* evaluateItems(run: Run, scope: Scope, nodes: readonly Expression[]): Step<Value[]> {
  const items: Value[] = [];
  run.budget.take(nodes.length + 1);
  for (const node of nodes) {
    if (node.type === 'star') items.push(...(yield* collect(run, yield* evaluate(run, scope, node.value))));
    else items.push(yield* evaluate(run, scope, node));
  }
  return items;
}

function* evaluateDict(run: Run, scope: Scope, { entries }: NodeOf<'dict'>): Step<Value> {
  const dict = new Dict();
  run.budget.take(entries.length + 1);
  for (const { key, value } of entries) {
    if (key !== undefined) {
      const name = yield* evaluate(run, scope, key);
      dict.set(name, yield* evaluate(run, scope, value));
      continue;
    }
    const merged = yield* evaluate(run, scope, value);
    if (!(merged instanceof Dict)) throw new Raised('TypeError', 'only a dict can be merged by **');
    run.budget.take(merged.size);
    for (const [name, inner] of merged.entries()) dict.set(name, inner);
  }
  return dict;
}

function* evaluateComparison(run: Run, scope: Scope, { first, rest, at }: NodeOf<'compare'>): Step<Value> {
  let left = yield* evaluate(run, scope, first);
  for (const { operator, value } of rest) {
    const right = yield* members(operator, yield* evaluate(run, scope, value));
    run.at = at;
    if (!holds(operator, left, right, run.budget)) return false;
    left = right;
  }
  return true;
}

/** Objects of the core that can be walked through are lists to `in`. */
function* members(operator: string, value: Value): Step<Value> {
  if (!operator.endsWith('in') || !(value instanceof HostObject)) return value;
  const found = value.iterate();
  return found === undefined ? value : new List([...(yield* settled(found))]);
}

function holds(
  operator: NodeOf<'compare'>['rest'][number]['operator'],
  left: Value,
  right: Value,
  budget: Budget,
): boolean {
  switch (operator) {
    case '==':
      return equals(left, right, budget);
    case '!=':
      return !equals(left, right, budget);
    case 'is':
      return isSame(left, right);
    case 'is not':
      return !isSame(left, right);
    case 'in':
      return contains(right, left, budget);
    case 'not in':
      return !contains(right, left, budget);
  }
  if (left instanceof SetValue && right instanceof SetValue) return compareSets(operator, left, right);
  const order = compare(left, right, budget);
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

function compareSets(operator: '<' | '<=' | '>' | '>=', left: SetValue, right: SetValue): boolean {
  const [small, large] = operator.startsWith('<') ? [left, right] : [right, left];
  const within = small.items.every((item) => large.members.has(item));
  return within && (operator.endsWith('=') || small.members.size < large.members.size);
}

export function* makeFunction(
  run: Run,
  scope: Scope,
  name: string,
  parameters: Func['parameters'],
  body: Func['body'],
): Step<Value> {
  const initial = new Map<string, Value>();
  for (const parameter of parameters)
    if (parameter.initial !== undefined) initial.set(parameter.name, yield* evaluate(run, scope, parameter.initial));
  return { kind: 'function', name, parameters, initial, body, scope } satisfies Func;
}

function* evaluateCall(run: Run, scope: Scope, node: NodeOf<'call'>): Step<Value> {
  const callee = yield* evaluate(run, scope, node.callee);
  const { args, named } = yield* evaluateArguments(run, scope, node.args);
  run.at = node.at;
  return yield* callValue(run, callee, args, named);
}

function* evaluateArguments(run: Run, scope: Scope, given: readonly Argument[]) {
  const args: Value[] = [];
  const named = new Map<string, Value>();
  for (const { kind, name, value } of given) {
    const result: Value = yield* evaluate(run, scope, value);
    if (kind === 'positional') args.push(result);
    else if (kind === 'keyword') named.set(name, result);
    else if (kind === 'star') args.push(...(yield* collect(run, result)));
    else if (result instanceof Dict) for (const [key, inner] of result.entries()) named.set(str(key), inner);
    else throw new Raised('TypeError', 'the argument after ** must be a dict');
  }
  return { args, named };
}

function* evaluateSubscript(run: Run, scope: Scope, { object, index, at }: NodeOf<'subscript'>): Step<Value> {
  const collection = yield* evaluate(run, scope, object);
  if (index.type !== 'slice') {
    const key = yield* evaluate(run, scope, index);
    run.at = at;
    return yield* getItem(run, collection, key);
  }
  const bounds: (number | undefined)[] = [];
  for (const part of [index.start, index.stop, index.step]) {
    const value = part === undefined ? null : yield* evaluate(run, scope, part);
    if (value !== null && (numberOf(value) === undefined || value instanceof Float))
      throw new Raised('TypeError', 'slice indices must be integers or None');
    bounds.push(value === null ? undefined : numberOf(value));
  }
  run.at = at;
  const [start, stop, step] = bounds;
  return getSlice(run, collection, { start, stop, step });
}

function* comprehend(run: Run, scope: Scope, node: NodeOf<'comprehension'>): Step<Value> {
  const inner: Scope = { names: new Map(), parent: scope, own: undefined, outer: new Set(), yielded: undefined };
  const results: Value[] = [];
  const dict = new Dict();
  yield* clause(run, inner, node.clauses, function* () {
    run.budget.take(1);
    const element = yield* evaluate(run, inner, node.element);
    if (node.value === undefined) results.push(element);
    else dict.set(element, yield* evaluate(run, inner, node.value));
  });
  switch (node.makes) {
    case 'list':
      return new List(results);
    case 'set':
      return new SetValue(results);
    case 'dict':
      return dict;
    case 'generator':
      return new Iteration('generator', results.values());
  }
}

function* clause(run: Run, scope: Scope, [first, ...rest]: readonly Clause[], make: () => Step<void>): Step<void> {
  if (first === undefined) return yield* make();
  const source = yield* evaluate(run, scope, first.source);
  for (const item of yield* iterate(source)) {
    if (run.budget.step()) yield 'breathe';
    yield* bindLocally(run, scope, first.target, item);
    let wanted = true;
    for (const test of first.tests) wanted = wanted && isTrue(yield* evaluate(run, scope, test));
    if (wanted) yield* clause(run, scope, rest, make);
  }
}

/** Names of a comprehension are its own. */
function* bindLocally(run: Run, scope: Scope, target: Expression, item: Value): Step<void> {
  const own: Scope = { ...scope, own: new Set() };
  yield* assign(run, own, target, item);
}

function* formatString(run: Run, scope: Scope, parts: readonly FormatPart[]): Step<string> {
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') text += part;
    else {
      const value = yield* evaluate(run, scope, part.value);
      const spec = yield* formatString(run, scope, part.spec);
      const shown = part.conversion === 'r' || part.conversion === 'a' ? repr(value) : value;
      text += formatValue(part.conversion === 's' ? str(value) : shown, spec);
    }
    run.budget.take(text.length);
  }
  return text;
}
