// Tokens to expressions (Python reference §6), loosest first: each level calls the next tighter one.
// 330 lines: one grammar reads better in one place.
import { type Position, SyntaxFault, UnsupportedFault } from '../faults.ts';
import { tokenize } from './lexer.ts';
import { type RawPart, readLiteral, resolveEscapes, splitFormat } from './strings.ts';
import type {
  Argument,
  BinaryOperator,
  Clause,
  CompareOperator,
  DictEntry,
  Expression,
  FormatPart,
  Parameter,
} from './syntax.ts';
import { TokenStream } from './token-stream.ts';

/** `a, b` without brackets, too; stars allowed. */
export function parseExpressionList(stream: TokenStream): Expression {
  const { position: at } = stream;
  const first = parseStarOrNamed(stream);
  if (!stream.sees(',')) return first;
  const items = [first];
  while (stream.accept(',')) {
    if (startsNothing(stream)) break;
    items.push(parseStarOrNamed(stream));
  }
  return { type: 'tuple', items, at };
}

function startsNothing(stream: TokenStream): boolean {
  const { kind } = stream.peek();
  return kind === 'newline' || kind === 'end' || stream.sees(')', ']', '}', '=', ':', 'in', ';');
}

function parseStarOrNamed(stream: TokenStream): Expression {
  const { position: at } = stream;
  if (stream.accept('*')) return { type: 'star', value: parseBitwise(stream, 0), at };
  return parseNamed(stream);
}

function parseNamed(stream: TokenStream): Expression {
  const next = stream.peek();
  const { at } = next;
  if (next.kind === 'name' && stream.afterNext?.text === ':=') {
    stream.take();
    stream.take();
    return { type: 'named', name: next.text, value: parseExpression(stream), at };
  }
  return parseExpression(stream);
}

export function parseExpression(stream: TokenStream): Expression {
  return stream.nested(() => {
    if (stream.sees('lambda')) return parseLambda(stream);
    if (stream.sees('yield')) return parseYield(stream);
    const { position: at } = stream;
    const whenTrue = parseOr(stream);
    if (!stream.accept('if')) return whenTrue;
    const test = parseOr(stream);
    stream.expect('else');
    return { type: 'conditional', test, whenTrue, otherwise: parseExpression(stream), at };
  });
}

function parseYield(stream: TokenStream): Expression {
  const { position: at } = stream;
  stream.expect('yield');
  if (stream.sees('from')) throw new UnsupportedFault('yield from', at);
  return { type: 'yield', value: startsNothing(stream) ? undefined : parseExpressionList(stream), at };
}

function parseLambda(stream: TokenStream): Expression {
  const { position: at } = stream;
  stream.expect('lambda');
  const parameters = parseParameters(stream, ':');
  stream.expect(':');
  return { type: 'lambda', parameters, body: parseExpression(stream), at };
}

/** Up to, without, the closing sign. Annotations are read and forgotten. */
export function parseParameters(stream: TokenStream, end: ')' | ':'): Parameter[] {
  const parameters: Parameter[] = [];
  let keywordOnly = false;
  while (!stream.sees(end)) {
    const { position: at } = stream;
    if (stream.accept('/')) throw new UnsupportedFault('Positional-only parameters', at);
    if (stream.accept('**')) parameters.push({ name: nameOf(stream), kind: 'keywords', initial: undefined });
    else if (stream.accept('*')) {
      keywordOnly = true;
      if (!stream.sees(',')) parameters.push({ name: nameOf(stream), kind: 'rest', initial: undefined });
    } else {
      const name = nameOf(stream);
      if (end === ')' && stream.accept(':')) parseExpression(stream);
      const initial = stream.accept('=') ? parseExpression(stream) : undefined;
      parameters.push({ name, kind: keywordOnly ? 'keyword only' : 'plain', initial });
    }
    if (!stream.accept(',')) break;
  }
  return parameters;
}

const nameOf = (stream: TokenStream) => stream.expectKind('name').text;

function parseOr(stream: TokenStream): Expression {
  let left = parseAnd(stream);
  for (let { position: at } = stream; stream.accept('or'); at = stream.position)
    left = { type: 'bool', operator: 'or', left, right: parseAnd(stream), at };
  return left;
}

function parseAnd(stream: TokenStream): Expression {
  let left = parseNot(stream);
  for (let { position: at } = stream; stream.accept('and'); at = stream.position)
    left = { type: 'bool', operator: 'and', left, right: parseNot(stream), at };
  return left;
}

function parseNot(stream: TokenStream): Expression {
  const { position: at } = stream;
  if (!stream.accept('not')) return parseComparison(stream);
  return { type: 'unary', operator: 'not', value: stream.nested(() => parseNot(stream)), at };
}

function parseComparison(stream: TokenStream): Expression {
  const { position: at } = stream;
  const first = parseBitwise(stream, 0);
  const rest: { operator: CompareOperator; value: Expression }[] = [];
  for (let operator = compareOperator(stream); operator !== undefined; operator = compareOperator(stream))
    rest.push({ operator, value: parseBitwise(stream, 0) });
  return rest.length === 0 ? first : { type: 'compare', first, rest, at };
}

function compareOperator(stream: TokenStream): CompareOperator | undefined {
  for (const operator of ['==', '!=', '<=', '>=', '<', '>', 'in'] as const)
    if (stream.accept(operator)) return operator;
  if (stream.accept('is')) return stream.accept('not') ? 'is not' : 'is';
  if (stream.sees('not') && stream.afterNext?.text === 'in') {
    stream.take();
    stream.take();
    return 'not in';
  }
  return undefined;
}

const binaryLevels: readonly (readonly BinaryOperator[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '//', '%'],
];

function parseBitwise(stream: TokenStream, level: number): Expression {
  const operators = binaryLevels[level];
  if (operators === undefined) return parseUnary(stream);
  let left = parseBitwise(stream, level + 1);
  for (;;) {
    const { position: at } = stream;
    const operator = operators.find((one) => stream.accept(one));
    if (operator === undefined) return left;
    left = { type: 'binary', operator, left, right: parseBitwise(stream, level + 1), at };
  }
}

function parseUnary(stream: TokenStream): Expression {
  const { position: at } = stream;
  const operator = (['-', '+', '~'] as const).find((one) => stream.accept(one));
  if (operator !== undefined) return { type: 'unary', operator, value: stream.nested(() => parseUnary(stream)), at };
  const left = parsePostfix(stream);
  if (!stream.accept('**')) return left;
  return { type: 'binary', operator: '**', left, right: stream.nested(() => parseUnary(stream)), at };
}

function parsePostfix(stream: TokenStream): Expression {
  if (stream.sees('await')) throw new UnsupportedFault('await', stream.position);
  let value = parseAtom(stream);
  for (;;) {
    const { position: at } = stream;
    if (stream.accept('.')) value = { type: 'attribute', object: value, name: nameOf(stream), at };
    else if (stream.accept('(')) value = { type: 'call', callee: value, args: parseArguments(stream), at };
    else if (stream.accept('[')) {
      value = { type: 'subscript', object: value, index: parseIndex(stream), at };
      stream.expect(']');
    } else return value;
  }
}

function parseArguments(stream: TokenStream): Argument[] {
  const args: Argument[] = [];
  while (!stream.sees(')')) {
    const next = stream.peek();
    const { at } = next;
    if (stream.accept('**')) args.push({ kind: 'double star', name: '', value: parseExpression(stream) });
    else if (stream.accept('*')) args.push({ kind: 'star', name: '', value: parseExpression(stream) });
    else if (next.kind === 'name' && stream.afterNext?.text === '=') {
      stream.take();
      stream.take();
      args.push({ kind: 'keyword', name: next.text, value: parseExpression(stream) });
    } else {
      const value = parseNamed(stream);
      const clauses = parseClauses(stream);
      const made: Expression =
        clauses.length === 0
          ? value
          : { type: 'comprehension', makes: 'generator', element: value, value: undefined, clauses, at };
      args.push({ kind: 'positional', name: '', value: made });
    }
    if (!stream.accept(',')) break;
  }
  stream.expect(')');
  return args;
}

function parseIndex(stream: TokenStream): Expression {
  const { position: at } = stream;
  const part = () => (stream.sees(':', ']') ? undefined : parseExpression(stream));
  const start = part();
  if (!stream.accept(':')) {
    if (start === undefined) throw stream.unexpected('an index was expected');
    if (!stream.sees(',')) return start;
    const items = [start];
    while (stream.accept(',') && !stream.sees(']')) items.push(parseExpression(stream));
    return { type: 'tuple', items, at };
  }
  const stop = part();
  return { type: 'slice', start, stop, step: stream.accept(':') ? part() : undefined, at };
}

function parseAtom(stream: TokenStream): Expression {
  const token = stream.peek();
  const { at } = token;
  if (token.kind === 'string') return parseStrings(stream);
  if (token.kind === 'number') return parseNumber(stream.take().text, at);
  if (token.kind === 'name') return { type: 'name', name: stream.take().text, at };
  if (stream.accept('None')) return { type: 'constant', value: null, at };
  if (stream.accept('True')) return { type: 'constant', value: true, at };
  if (stream.accept('False')) return { type: 'constant', value: false, at };
  if (stream.accept('(')) return stream.nested(() => parseParenthesis(stream, at));
  if (stream.accept('[')) return stream.nested(() => parseListDisplay(stream, at));
  if (stream.accept('{')) return stream.nested(() => parseBraces(stream, at));
  throw stream.unexpected('a value was expected');
}

function parseParenthesis(stream: TokenStream, at: Position): Expression {
  if (stream.accept(')')) return { type: 'tuple', items: [], at };
  const value = parseExpressionList(stream);
  const clauses = parseClauses(stream);
  stream.expect(')');
  if (clauses.length === 0) return value;
  return { type: 'comprehension', makes: 'generator', element: value, value: undefined, clauses, at };
}

function parseListDisplay(stream: TokenStream, at: Position): Expression {
  if (stream.accept(']')) return { type: 'list', items: [], at };
  const { items, clauses } = parseItems(stream, ']');
  const [element] = items;
  if (clauses.length === 0 || element === undefined) return { type: 'list', items, at };
  return { type: 'comprehension', makes: 'list', element, value: undefined, clauses, at };
}

function parseItems(stream: TokenStream, end: ']' | '}', first?: Expression) {
  const items = [first ?? parseStarOrNamed(stream)];
  const clauses = parseClauses(stream);
  while (clauses.length === 0 && stream.accept(',') && !stream.sees(end)) items.push(parseStarOrNamed(stream));
  stream.expect(end);
  return { items, clauses };
}

function parseBraces(stream: TokenStream, at: Position): Expression {
  if (stream.accept('}')) return { type: 'dict', entries: [], at };
  if (stream.sees('**')) return parseDict(stream, undefined, at);
  const first = parseStarOrNamed(stream);
  if (stream.sees(':')) return parseDict(stream, first, at);
  const { items, clauses } = parseItems(stream, '}', first);
  if (clauses.length === 0) return { type: 'set', items, at };
  return { type: 'comprehension', makes: 'set', element: first, value: undefined, clauses, at };
}

function parseDict(stream: TokenStream, firstKey: Expression | undefined, at: Position): Expression {
  const entry = (key: Expression | undefined): DictEntry => {
    if (key === undefined && stream.accept('**')) return { key: undefined, value: parseBitwise(stream, 0) };
    const name = key ?? parseExpression(stream);
    stream.expect(':');
    return { key: name, value: parseExpression(stream) };
  };
  const first = entry(firstKey);
  const clauses = parseClauses(stream);
  const entries = [first];
  while (clauses.length === 0 && stream.accept(',') && !stream.sees('}')) entries.push(entry(undefined));
  stream.expect('}');
  if (clauses.length === 0 || first.key === undefined) return { type: 'dict', entries, at };
  return { type: 'comprehension', makes: 'dict', element: first.key, value: first.value, clauses, at };
}

function parseClauses(stream: TokenStream): Clause[] {
  const clauses: Clause[] = [];
  if (stream.sees('async')) throw new UnsupportedFault('async', stream.position);
  while (stream.accept('for')) {
    const target = parseTargets(stream);
    stream.expect('in');
    const source = parseOr(stream);
    const tests: Expression[] = [];
    while (stream.accept('if')) tests.push(parseOr(stream));
    clauses.push({ target, source, tests });
  }
  return clauses;
}

/** `a`, `a, b` or `(a, b)` in front of `in`. */
export function parseTargets(stream: TokenStream): Expression {
  const { position: at } = stream;
  const one = () => {
    const start = stream.position;
    return stream.accept('*')
      ? ({ type: 'star', value: parsePostfix(stream), at: start } as const)
      : parsePostfix(stream);
  };
  const items = [one()];
  const [first] = items;
  if (!stream.sees(',') && first !== undefined) return first;
  while (stream.accept(',') && !stream.sees('in')) items.push(one());
  return { type: 'tuple', items, at };
}

function parseNumber(text: string, at: Position): Expression {
  const digits = text.replaceAll('_', '');
  if (/^0[xob]|^\d+$/i.test(digits)) {
    if (/^0\d*[1-9]/.test(digits)) throw new SyntaxFault('Numbers do not begin with zeros', at);
    const value = Number(digits);
    if (!Number.isSafeInteger(value)) throw new UnsupportedFault('A whole number this large', at);
    return { type: 'constant', value, at };
  }
  return { type: 'float', value: Number(digits), at };
}

/** Neighbouring texts are one. */
function parseStrings(stream: TokenStream): Expression {
  const { position: at } = stream;
  const parts: FormatPart[] = [];
  let bytes: boolean | undefined;
  while (stream.peek().kind === 'string') {
    const literal = readLiteral(stream.take().text);
    if (bytes !== undefined && bytes !== literal.isBytes) throw new SyntaxFault('Bytes and text cannot be joined', at);
    bytes = literal.isBytes;
    if (literal.isFormat) parts.push(...formatParts(splitFormat(literal.body, at), literal.isRaw, at));
    else parts.push(resolveEscapes(literal, at));
  }
  if (parts.some((part) => typeof part !== 'string')) return { type: 'f-string', parts, at };
  const value = parts.join('');
  return bytes === true ? { type: 'bytes', value: Buffer.from(value, 'latin1'), at } : { type: 'constant', value, at };
}

function formatParts(parts: readonly RawPart[], isRaw: boolean, at: Position): FormatPart[] {
  return parts.flatMap((part): FormatPart[] => {
    if ('text' in part) return [resolveEscapes({ body: part.text, isRaw, isBytes: false, isFormat: true }, at)];
    const stream = new TokenStream(tokenize(`(${part.expression})`));
    const value = moved(parseExpression(stream), at);
    if (stream.peek().kind !== 'newline' && stream.peek().kind !== 'end') throw stream.unexpected('} was expected');
    const conversion = (['r', 's', 'a'] as const).find((one) => one === part.conversion);
    const field = { value, conversion, spec: formatParts(splitFormat(part.spec, at), isRaw, at) };
    return part.label === '' ? [field] : [part.label, field];
  });
}

/** Errors inside of an f-string point at the string. */
function moved(value: Expression, at: Position): Expression {
  return { ...value, at };
}
