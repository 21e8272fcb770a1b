// Arithmetic and its relatives (Python reference §6.5–§6.9). Results are counted before they are made.
import { Raised } from '../faults.ts';
import type { BinaryOperator } from '../source/syntax.ts';
import type { Budget } from './budget.ts';
import { formatPercent } from './format.ts';
import { lengthOf } from './text.ts';
import { Bytes, Dict, Float, HostObject, List, numberOf, SetValue, Tuple, typeName, type Value } from './values.ts';

export function binary(operator: BinaryOperator, left: Value, right: Value, budget: Budget): Value {
  const own =
    (left instanceof HostObject ? left.operate(operator, right, false) : undefined) ??
    (right instanceof HostObject ? right.operate(operator, left, true) : undefined);
  if (own !== undefined) return own;
  if (operator === '%' && typeof left === 'string') return counted(formatPercent(left, right), budget);
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined) {
    const exact = !(left instanceof Float) && !(right instanceof Float);
    return exact ? wholeNumbers(operator, a, b, left, right) : realNumbers(operator, a, b);
  }
  const joined = operator === '+' ? concatenate(left, right, budget) : undefined;
  const repeated = operator === '*' ? repeat(left, right, budget) : undefined;
  const merged = sets(operator, left, right, budget);
  const result = joined ?? repeated ?? merged;
  if (result !== undefined) return result;
  throw new Raised(
    'TypeError',
    `unsupported operand type(s) for ${operator}: '${typeName(left)}' and '${typeName(right)}'`,
  );
}

function whole(value: number): number {
  if (!Number.isSafeInteger(value)) throw new Raised('OverflowError', 'the whole number is too large');
  return Object.is(value, -0) ? 0 : value;
}

function wholeNumbers(operator: BinaryOperator, a: number, b: number, left: Value, right: Value): Value {
  switch (operator) {
    case '+':
      return whole(a + b);
    case '-':
      return whole(a - b);
    case '*':
      return whole(a * b);
    case '/':
      return new Float(a / nonZero(b));
    case '//':
      return whole(Math.floor(a / nonZero(b)));
    case '%':
      return whole(a - nonZero(b) * Math.floor(a / b));
    case '**':
      return b < 0 ? new Float(a ** b) : whole(a ** b);
    case '<<':
      return whole(a * 2 ** shift(b));
    case '>>':
      return whole(Math.floor(a / 2 ** shift(b)));
    default: {
      const bits = bitwise(operator, a, b);
      return typeof left === 'boolean' && typeof right === 'boolean' ? bits !== 0 : bits;
    }
  }
}

function bitwise(operator: BinaryOperator, a: number, b: number): number {
  const [one, other] = [BigInt(a), BigInt(b)];
  return whole(Number(operator === '&' ? one & other : operator === '|' ? one | other : one ^ other));
}

function shift(by: number): number {
  if (by < 0) throw new Raised('ValueError', 'negative shift count');
  return by;
}

function nonZero(value: number): number {
  if (value === 0) throw new Raised('ZeroDivisionError', 'division by zero');
  return value;
}

function realNumbers(operator: BinaryOperator, a: number, b: number): Value {
  switch (operator) {
    case '+':
      return new Float(a + b);
    case '-':
      return new Float(a - b);
    case '*':
      return new Float(a * b);
    case '/':
      return new Float(a / nonZero(b));
    case '//':
      return new Float(Math.floor(a / nonZero(b)));
    case '%':
      return new Float(a - nonZero(b) * Math.floor(a / b));
    case '**':
      return new Float(a ** b);
    default:
      throw new Raised('TypeError', `unsupported operand type(s) for ${operator}: 'float' and 'float'`);
  }
}

function counted(text: string, budget: Budget): string {
  budget.take(text.length);
  return text;
}

function concatenate(left: Value, right: Value, budget: Budget): Value | undefined {
  if (typeof left === 'string' && typeof right === 'string') {
    budget.take(left.length + right.length);
    return left + right;
  }
  if (left instanceof List && right instanceof List) {
    budget.take(left.items.length + right.items.length);
    return new List([...left.items, ...right.items]);
  }
  if (left instanceof Tuple && right instanceof Tuple) {
    budget.take(left.items.length + right.items.length);
    return new Tuple([...left.items, ...right.items]);
  }
  if (left instanceof Bytes && right instanceof Bytes) {
    budget.take(left.data.length + right.data.length);
    return new Bytes(Buffer.concat([left.data, right.data]));
  }
  return undefined;
}

function repeat(left: Value, right: Value, budget: Budget): Value | undefined {
  const [sequence, count] = typeof left === 'number' ? [right, left] : [left, right];
  if (typeof count !== 'number' && typeof count !== 'boolean') return undefined;
  const times = Math.max(0, Number(count));
  if (typeof sequence === 'string') {
    budget.take(lengthOf(sequence) * times);
    return sequence.repeat(times);
  }
  if (!(sequence instanceof List) && !(sequence instanceof Tuple)) return undefined;
  budget.take(sequence.items.length * times);
  const items = Array.from({ length: times }, () => sequence.items).flat();
  return sequence instanceof List ? new List(items) : new Tuple(items);
}

function sets(operator: BinaryOperator, left: Value, right: Value, budget: Budget): Value | undefined {
  if (operator === '|' && left instanceof Dict && right instanceof Dict) {
    budget.take(left.size + right.size);
    return Dict.of([...left.entries(), ...right.entries()]);
  }
  if (!(left instanceof SetValue) || !(right instanceof SetValue)) return undefined;
  budget.take(left.members.size + right.members.size);
  switch (operator) {
    case '|':
      return new SetValue([...left.items, ...right.items]);
    case '&':
      return new SetValue(left.items.filter((item) => right.members.has(item)));
    case '-':
      return new SetValue(left.items.filter((item) => !right.members.has(item)));
    case '^':
      return new SetValue([
        ...left.items.filter((item) => !right.members.has(item)),
        ...right.items.filter((item) => !left.members.has(item)),
      ]);
    default:
      return undefined;
  }
}

export function unary(operator: '-' | '+' | '~', value: Value): Value {
  const number = numberOf(value);
  if (number === undefined)
    throw new Raised('TypeError', `bad operand type for unary ${operator}: '${typeName(value)}'`);
  if (value instanceof Float) {
    if (operator === '~') throw new Raised('TypeError', "bad operand type for unary ~: 'float'");
    return operator === '-' ? new Float(-number) : value;
  }
  if (operator === '~') return whole(-number - 1);
  return operator === '-' ? whole(-number) : number;
}
