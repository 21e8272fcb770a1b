// Which names a body assigns itself, and whether it yields: known before it runs, as in Python (reference §4.2).
import type { Block, Expression, Statement } from '../source/syntax.ts';

const assigned = new WeakMap<Block, Set<string>>();
const yielding = new WeakMap<Block, boolean>();

/** A fresh set; computed once a body. */
export function namesAssigned(body: Block): Set<string> {
  const known = assigned.get(body) ?? new Set<string>();
  if (!assigned.has(body)) {
    const outer = new Set<string>();
    for (const statement of body) collectNames(statement, known, outer);
    for (const name of outer) known.delete(name);
    assigned.set(body, known);
  }
  return new Set(known);
}

function collectNames(statement: Statement, found: Set<string>, outer: Set<string>): void {
  switch (statement.type) {
    case 'assign':
      for (const target of statement.targets) addTarget(target, found);
      break;
    case 'augment':
      addTarget(statement.target, found);
      break;
    case 'for':
      addTarget(statement.target, found);
      break;
    case 'def':
      found.add(statement.name);
      break;
    case 'import':
      if (statement.names.length === 0) found.add(statement.as);
      for (const { as } of statement.names) found.add(as);
      break;
    case 'nonlocal':
      for (const name of statement.names) outer.add(name);
      break;
    case 'try':
      for (const { name } of statement.handlers) if (name !== undefined) found.add(name);
      break;
  }
  for (const block of blocksOf(statement)) for (const inner of block) collectNames(inner, found, outer);
  for (const value of expressionsOf(statement))
    eachExpression(value, (one) => one.type === 'named' && found.add(one.name));
}

function addTarget(target: Expression, found: Set<string>): void {
  if (target.type === 'name') found.add(target.name);
  else if (target.type === 'star') addTarget(target.value, found);
  else if (target.type === 'tuple' || target.type === 'list') for (const item of target.items) addTarget(item, found);
}

export function yieldsIn(body: Block): boolean {
  const known = yielding.get(body);
  if (known !== undefined) return known;
  const found = body.some(statementYields);
  yielding.set(body, found);
  return found;
}

function statementYields(statement: Statement): boolean {
  if (statement.type === 'def') return false;
  let found = false;
  for (const value of expressionsOf(statement))
    eachExpression(value, (one) => {
      if (one.type === 'yield') found = true;
    });
  return found || blocksOf(statement).some((block) => block.some(statementYields));
}

/** Every statement of a body, those of other functions included. */
export function* statementsOf(block: Block): Generator<Statement> {
  for (const statement of block) {
    yield statement;
    for (const inner of blocksOf(statement)) yield* statementsOf(inner);
    if (statement.type === 'def') yield* statementsOf(statement.body);
  }
}

function blocksOf(statement: Statement): Block[] {
  switch (statement.type) {
    case 'if':
      return [statement.whenTrue, statement.otherwise];
    case 'for':
    case 'while':
      return [statement.body, statement.otherwise];
    case 'try':
      return [statement.body, ...statement.handlers.map(({ body }) => body), statement.otherwise, statement.always];
    default:
      return [];
  }
}

function expressionsOf(statement: Statement): Expression[] {
  switch (statement.type) {
    case 'expression':
    case 'assign':
    case 'augment':
      return [statement.value];
    case 'return':
    case 'raise':
      return statement.value === undefined ? [] : [statement.value];
    case 'if':
    case 'while':
      return [statement.test];
    case 'for':
      return [statement.source];
    case 'assert':
      return [statement.test];
    default:
      return [];
  }
}

/** The expression and everything in it, apart from bodies of other functions. */
function eachExpression(value: Expression, visit: (one: Expression) => unknown): void {
  visit(value);
  if (value.type === 'lambda') return;
  for (const inner of Object.values(value)) for (const found of expressionsIn(inner)) eachExpression(found, visit);
}

function expressionsIn(inner: unknown): Expression[] {
  if (Array.isArray(inner)) return inner.flatMap(expressionsIn);
  if (typeof inner !== 'object' || inner === null) return [];
  if ('type' in inner && 'at' in inner) return [inner as Expression]; // only expressions carry both inside of expressions
  return 'line' in inner ? [] : Object.values(inner).flatMap(expressionsIn);
}
