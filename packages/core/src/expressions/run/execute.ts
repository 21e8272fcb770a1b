// Statements (Python reference §7, §8).
import { BudgetFault, isKindOf, Raised, SyntaxFault, UnsupportedFault } from '../faults.ts';
import type { Block, Expression, Handler, Statement } from '../source/syntax.ts';
import { assign, remove } from './assign.ts';
import { getAttribute } from './attributes.ts';
import { evaluate, makeFunction } from './evaluate.ts';
import { ExceptionObject, ExceptionType } from './exceptions.ts';
import { iterate } from './iterate.ts';
import { binary } from './operators.ts';
import { bindName } from './scopes.ts';
import { str } from './text.ts';
import { isTrue, List, type Run, type Scope, type Step, Tuple, type Value } from './values.ts';

/** How a block ended early. */
export type Ended = { readonly kind: 'return'; readonly value: Value } | { readonly kind: 'break' | 'continue' };

export function* execute(run: Run, scope: Scope, block: Block): Step<Ended | undefined> {
  for (const statement of block) {
    if (run.budget.step()) yield 'breathe';
    run.at = statement.at;
    const ended = yield* executeOne(run, scope, statement);
    if (ended !== undefined) return ended;
  }
  return undefined;
}

function* executeOne(run: Run, scope: Scope, node: Statement): Step<Ended | undefined> {
  switch (node.type) {
    case 'expression':
      yield* evaluate(run, scope, node.value);
      return undefined;
    case 'assign': {
      const value = yield* evaluate(run, scope, node.value);
      for (const target of node.targets) yield* assign(run, scope, target, value);
      return undefined;
    }
    case 'augment':
      yield* augment(run, scope, node);
      return undefined;
    case 'if': {
      const test = yield* evaluate(run, scope, node.test);
      return yield* execute(run, scope, isTrue(test) ? node.whenTrue : node.otherwise);
    }
    case 'for':
      return yield* loopFor(run, scope, node);
    case 'while':
      return yield* loopWhile(run, scope, node);
    case 'return':
      return { kind: 'return', value: node.value === undefined ? null : yield* evaluate(run, scope, node.value) };
    case 'pass':
      return undefined;
    case 'break':
    case 'continue':
      return { kind: node.type };
    case 'try':
      return yield* attempt(run, scope, node);
    case 'raise':
      return yield* raise(run, scope, node.value);
    case 'def':
      bindName(scope, node.name, yield* makeFunction(run, scope, node.name, node.parameters, node.body));
      return undefined;
    case 'import':
      yield* importNames(run, scope, node);
      return undefined;
    case 'delete':
      for (const target of node.targets) yield* remove(run, scope, target);
      return undefined;
    case 'assert': {
      if (isTrue(yield* evaluate(run, scope, node.test))) return undefined;
      throw new Raised('AssertionError', node.text === undefined ? '' : str(yield* evaluate(run, scope, node.text)));
    }
    case 'nonlocal':
      for (const name of node.names) scope.outer.add(name);
      return undefined;
  }
}

type NodeOf<Type extends Statement['type']> = Extract<Statement, { readonly type: Type }>;

function* augment(run: Run, scope: Scope, { target, operator, value, at }: NodeOf<'augment'>): Step<void> {
  const before = yield* evaluate(run, scope, target);
  const by = yield* evaluate(run, scope, value);
  run.at = at;
  if (operator === '+' && before instanceof List && (by instanceof List || by instanceof Tuple)) {
    run.budget.take(by.items.length);
    before.items.push(...by.items);
    return;
  }
  yield* assign(run, scope, target, binary(operator, before, by, run.budget));
}

function* loopFor(run: Run, scope: Scope, node: NodeOf<'for'>): Step<Ended | undefined> {
  const source = yield* evaluate(run, scope, node.source);
  for (const item of yield* iterate(source)) {
    if (run.budget.step()) yield 'breathe';
    yield* assign(run, scope, node.target, item);
    const ended = yield* execute(run, scope, node.body);
    if (ended?.kind === 'break') return undefined;
    if (ended?.kind === 'return') return ended;
  }
  return yield* execute(run, scope, node.otherwise);
}

function* loopWhile(run: Run, scope: Scope, node: NodeOf<'while'>): Step<Ended | undefined> {
  while (isTrue(yield* evaluate(run, scope, node.test))) {
    const ended = yield* execute(run, scope, node.body);
    if (ended?.kind === 'break') return undefined;
    if (ended?.kind === 'return') return ended;
  }
  return yield* execute(run, scope, node.otherwise);
}

function* attempt(run: Run, scope: Scope, node: NodeOf<'try'>): Step<Ended | undefined> {
  let ended: Ended | undefined;
  try {
    ended = yield* guarded(run, scope, node);
  } catch (error) {
    if (isFinal(error)) throw error;
    const always = yield* execute(run, scope, node.always);
    if (always !== undefined) return always;
    throw error;
  }
  return (yield* execute(run, scope, node.always)) ?? ended;
}

function* guarded(run: Run, scope: Scope, node: NodeOf<'try'>): Step<Ended | undefined> {
  try {
    const ended = yield* execute(run, scope, node.body);
    if (ended !== undefined) return ended;
  } catch (error) {
    if (isFinal(error)) throw error;
    const raised = error instanceof Raised ? error : new Raised('RuntimeError', String(error));
    for (const handler of node.handlers)
      if (yield* catches(run, scope, handler, raised)) return yield* handle(run, scope, handler, raised);
    throw error;
  }
  return yield* execute(run, scope, node.otherwise);
}

/** Never the expression's to catch. */
function isFinal(error: unknown): boolean {
  return error instanceof BudgetFault || error instanceof UnsupportedFault || error instanceof SyntaxFault;
}

function* catches(run: Run, scope: Scope, { types }: Handler, { type }: Raised): Step<boolean> {
  if (types === undefined) return true;
  const wanted = yield* evaluate(run, scope, types);
  const all = wanted instanceof Tuple ? wanted.items : [wanted];
  return all.some((one) => one instanceof ExceptionType && isKindOf(type, one.name));
}

function* handle(run: Run, scope: Scope, { name, body }: Handler, raised: Raised): Step<Ended | undefined> {
  if (name !== undefined) bindName(scope, name, new ExceptionObject(raised));
  const before = run.handling;
  run.handling = raised;
  try {
    return yield* execute(run, scope, body);
  } finally {
    run.handling = before;
  }
}

function* raise(run: Run, scope: Scope, value: Expression | undefined): Step<never> {
  if (value === undefined) throw run.handling ?? new Raised('RuntimeError', 'No active exception to reraise');
  const given = yield* evaluate(run, scope, value);
  if (given instanceof ExceptionObject) throw given.raised;
  if (given instanceof ExceptionType) throw new Raised(given.name, '');
  throw new Raised('TypeError', 'exceptions must derive from BaseException');
}

function* importNames(run: Run, scope: Scope, { module, names, as, at }: NodeOf<'import'>): Step<void> {
  const found = run.modules.get(module);
  if (found === undefined) throw new UnsupportedFault(`The module ${module}`, at);
  if (names.length === 0) {
    const top = run.modules.get(module.split('.')[0] ?? module);
    bindName(scope, as, as === module.split('.')[0] ? (top ?? found) : found);
    return;
  }
  for (const { name, as: alias } of names) {
    try {
      bindName(scope, alias, yield* getAttribute(run, found, name));
    } catch (error) {
      if (error instanceof Raised) throw new UnsupportedFault(`${name} of the module ${module}`, at);
      throw error;
    }
  }
}
