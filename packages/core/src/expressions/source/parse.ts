// Tokens to statements (Python reference §7, §8). The entry of this folder: text in, tree out.
import { SyntaxFault, UnsupportedFault } from '../faults.ts';
import { tokenize } from './lexer.ts';
import { parseExpression, parseExpressionList, parseParameters, parseTargets } from './parse-expression.ts';
import type { BinaryOperator, Block, Expression, Handler, Statement } from './syntax.ts';
import { TokenStream } from './token-stream.ts';

/** The body of a function. @throws SyntaxFault, UnsupportedFault, both naming line and column */
export function parse(text: string): Block {
  const stream = new TokenStream(tokenize(text));
  const body: Statement[] = [];
  while (stream.peek().kind !== 'end') body.push(...parseStatement(stream));
  return body;
}

const unsupported = new Set(['class', 'with', 'async', 'global', 'await']);
const compound: Readonly<Record<string, (stream: TokenStream) => Statement>> = {
  if: parseIf,
  while: parseWhile,
  for: parseFor,
  try: parseTry,
  def: parseDef,
};

function parseStatement(stream: TokenStream): Statement[] {
  const next = stream.peek();
  const { at } = next;
  if (next.kind === 'indent') throw new SyntaxFault('Unexpected indentation', at);
  if (next.kind === 'keyword' && unsupported.has(next.text))
    throw new UnsupportedFault(`The statement ${next.text}`, at);
  const parseCompound = next.kind === 'keyword' && Object.hasOwn(compound, next.text) ? compound[next.text] : undefined;
  if (parseCompound !== undefined) return [stream.nested(() => parseCompound(stream))];
  const statements = [parseSimple(stream)];
  while (stream.accept(';')) if (stream.peek().kind !== 'newline') statements.push(parseSimple(stream));
  if (stream.peek().kind === 'end') return statements;
  stream.expectKind('newline');
  return statements;
}

function parseBlock(stream: TokenStream): Block {
  stream.expect(':');
  if (stream.peek().kind !== 'newline') {
    const statements = [parseSimple(stream)];
    while (stream.accept(';')) if (stream.peek().kind !== 'newline') statements.push(parseSimple(stream));
    stream.expectKind('newline');
    return statements;
  }
  stream.take();
  stream.expectKind('indent');
  const body: Statement[] = [];
  while (stream.peek().kind !== 'dedent') body.push(...parseStatement(stream));
  stream.take();
  return body;
}

function parseIf(stream: TokenStream): Statement {
  const { position: at } = stream;
  stream.take();
  const test = parseNamedTest(stream);
  const whenTrue = parseBlock(stream);
  if (stream.sees('elif')) return { type: 'if', test, whenTrue, otherwise: [stream.nested(() => parseIf(stream))], at };
  return { type: 'if', test, whenTrue, otherwise: parseElse(stream), at };
}

/** A test may name its value (`:=`). */
function parseNamedTest(stream: TokenStream): Expression {
  const next = stream.peek();
  const { at } = next;
  if (next.kind !== 'name' || stream.afterNext?.text !== ':=') return parseExpression(stream);
  stream.take();
  stream.take();
  return { type: 'named', name: next.text, value: parseExpression(stream), at };
}

function parseElse(stream: TokenStream): Block {
  return stream.accept('else') ? parseBlock(stream) : [];
}

function parseWhile(stream: TokenStream): Statement {
  const { position: at } = stream;
  stream.take();
  const test = parseNamedTest(stream);
  return { type: 'while', test, body: parseBlock(stream), otherwise: parseElse(stream), at };
}

function parseFor(stream: TokenStream): Statement {
  const { position: at } = stream;
  stream.take();
  const target = parseTargets(stream);
  stream.expect('in');
  const source = parseExpressionList(stream);
  return { type: 'for', target, source, body: parseBlock(stream), otherwise: parseElse(stream), at };
}

function parseTry(stream: TokenStream): Statement {
  const { position: at } = stream;
  stream.take();
  const body = parseBlock(stream);
  const handlers: Handler[] = [];
  while (stream.accept('except')) {
    if (stream.sees('*')) throw new UnsupportedFault('except*', stream.position);
    const types = stream.sees(':') ? undefined : parseExpressionList(stream);
    const name = stream.accept('as') ? stream.expectKind('name').text : undefined;
    handlers.push({ types, name, body: parseBlock(stream) });
  }
  const otherwise = parseElse(stream);
  const always = stream.accept('finally') ? parseBlock(stream) : [];
  if (handlers.length === 0 && always.length === 0) throw stream.unexpected('except or finally was expected');
  return { type: 'try', body, handlers, otherwise, always, at };
}

function parseDef(stream: TokenStream): Statement {
  const { position: at } = stream;
  stream.take();
  const name = stream.expectKind('name').text;
  stream.expect('(');
  const parameters = parseParameters(stream, ')');
  stream.expect(')');
  if (stream.accept('->')) parseExpression(stream);
  return { type: 'def', name, parameters, body: parseBlock(stream), at };
}

function parseSimple(stream: TokenStream): Statement {
  const next = stream.peek();
  const { at } = next;
  if (next.kind === 'keyword') {
    switch (next.text) {
      case 'pass':
      case 'break':
      case 'continue':
        stream.take();
        return { type: next.text, at };
      case 'return':
        stream.take();
        return { type: 'return', value: endsHere(stream) ? undefined : parseExpressionList(stream), at };
      case 'raise':
        return parseRaise(stream);
      case 'from':
      case 'import':
        return parseImport(stream);
      case 'del':
        stream.take();
        return { type: 'delete', targets: itemsOf(parseExpressionList(stream)), at };
      case 'assert':
        stream.take();
        return {
          type: 'assert',
          test: parseExpression(stream),
          text: stream.accept(',') ? parseExpression(stream) : undefined,
          at,
        };
      case 'nonlocal':
        stream.take();
        return { type: 'nonlocal', names: parseNames(stream), at };
    }
  }
  return parseAssignment(stream);
}

function endsHere(stream: TokenStream): boolean {
  return stream.peek().kind === 'newline' || stream.peek().kind === 'end' || stream.sees(';');
}

function parseNames(stream: TokenStream): string[] {
  const names = [stream.expectKind('name').text];
  while (stream.accept(',')) names.push(stream.expectKind('name').text);
  return names;
}

function parseRaise(stream: TokenStream): Statement {
  const { position: at } = stream;
  stream.take();
  if (endsHere(stream)) return { type: 'raise', value: undefined, at };
  const value = parseExpression(stream);
  if (stream.accept('from')) parseExpression(stream);
  return { type: 'raise', value, at };
}

function parseImport(stream: TokenStream): Statement {
  const { position: at } = stream;
  const isFrom = stream.take().text === 'from';
  const dotted = () => {
    let name = stream.expectKind('name').text;
    while (stream.accept('.')) name += `.${stream.expectKind('name').text}`;
    return name;
  };
  const module = dotted();
  if (!isFrom) {
    const as = stream.accept('as') ? stream.expectKind('name').text : (module.split('.')[0] ?? module);
    if (stream.sees(',')) throw new UnsupportedFault('Importing several modules at once', at);
    return { type: 'import', module, names: [], as, at };
  }
  stream.expect('import');
  if (stream.sees('*')) throw new UnsupportedFault('Importing everything', at);
  const bracket = stream.accept('(');
  const names: { name: string; as: string }[] = [];
  do {
    if (bracket && stream.sees(')')) break;
    const name = stream.expectKind('name').text;
    names.push({ name, as: stream.accept('as') ? stream.expectKind('name').text : name });
  } while (stream.accept(','));
  if (bracket) stream.expect(')');
  return { type: 'import', module, names, as: '', at };
}

const augmented: readonly BinaryOperator[] = ['+', '-', '*', '/', '//', '%', '**', '&', '|', '^', '<<', '>>'];

function parseAssignment(stream: TokenStream): Statement {
  const { position: at } = stream;
  const first = parseExpressionList(stream);
  if (stream.accept(':')) {
    parseExpression(stream); // an annotation
    if (!stream.accept('=')) return { type: 'pass', at };
    return { type: 'assign', targets: [checkedTarget(first)], value: parseExpressionList(stream), at };
  }
  const operator = augmented.find((one) => stream.accept(`${one}=`));
  if (operator !== undefined)
    return { type: 'augment', target: checkedTarget(first), operator, value: parseExpressionList(stream), at };
  const targets: Expression[] = [];
  let value = first;
  while (stream.accept('=')) {
    targets.push(checkedTarget(value));
    value = parseExpressionList(stream);
  }
  return targets.length === 0 ? { type: 'expression', value, at } : { type: 'assign', targets, value, at };
}

function checkedTarget(target: Expression): Expression {
  if (target.type === 'tuple' || target.type === 'list') for (const item of target.items) checkedTarget(item);
  else if (target.type === 'star') checkedTarget(target.value);
  else if (!['name', 'attribute', 'subscript'].includes(target.type))
    throw new SyntaxFault('Cannot assign to this', target.at);
  return target;
}

const itemsOf = (value: Expression): readonly Expression[] => (value.type === 'tuple' ? value.items : [value]);
