// Text to tokens (Python reference §2): lines and indentation become tokens of their own; inside brackets there are none.
import { type Position, SyntaxFault, UnsupportedFault } from '../faults.ts';

export interface Token {
  readonly kind: 'name' | 'keyword' | 'number' | 'string' | 'operator' | 'newline' | 'indent' | 'dedent' | 'end';
  /** Of a string: its literal with prefix and quotes. */
  readonly text: string;
  readonly at: Position;
}

const keywords = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global ' +
    'if import in is lambda nonlocal not or pass raise return try while with yield'
  ).split(' '),
);
const longestText = 100_000;
const deepestIndent = 40;

const blank = /[ \t\f]*/y;
const name = /[\p{L}_][\p{L}\p{N}_]*/uy;
const number = /0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][-+]?\d+)?/y;
const stringStart = /(?:[rR][bBfF]?|[bB][rR]?|[fF][rR]?|[uU])?("""|'''|"|')/y;
const operator = /\*\*=|\/\/=|<<=|>>=|\.\.\.|->|:=|\*\*|\/\/|<<|>>|<=|>=|==|!=|[-+*/%@&|^~<>()[\]{},:.;=]=?/y;

/** @throws SyntaxFault, UnsupportedFault */
export function tokenize(text: string): Token[] {
  if (text.length > longestText) throw new SyntaxFault('The text is too long', { line: 1, column: 1 });
  return new Lexer(dedented(text)).run();
}

/** The body of a function may be indented as a whole. */
function dedented(text: string): string {
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  const margins = lines
    .filter((line) => /^[ \t]*[^ \t#]/.test(line))
    .map((line) => line.length - line.trimStart().length);
  const margin = margins.length === 0 ? 0 : Math.min(...margins);
  return lines.map((line) => line.slice(Math.min(margin, line.length - line.trimStart().length))).join('\n');
}

class Lexer {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  readonly #indents = [0];
  #offset = 0;
  #line = 1;
  #lineStart = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): Token[] {
    while (this.#offset < this.#text.length) this.#readLine();
    if (this.#depth > 0) throw new SyntaxFault('A bracket is never closed', this.#at());
    this.#endLine();
    for (; this.#indents.length > 1; this.#indents.pop()) this.#push('dedent', '');
    this.#push('end', '');
    return this.#tokens;
  }

  #readLine(): void {
    const width = this.#match(blank)?.replace(/\t/g, '        ').length ?? 0;
    const next = this.#text[this.#offset];
    if (next !== '\n' && next !== '#' && next !== undefined) this.#indent(width);
    while (this.#offset < this.#text.length) if (this.#readToken() === 'line ended') return;
  }

  #indent(width: number): void {
    const top = this.#indents.at(-1) ?? 0;
    if (width > top) {
      this.#indents.push(width);
      if (this.#indents.length > deepestIndent) throw new SyntaxFault('Too many levels of indentation', this.#at());
      this.#push('indent', '');
    }
    while (width < (this.#indents.at(-1) ?? 0)) {
      this.#indents.pop();
      this.#push('dedent', '');
    }
    if (width !== this.#indents.at(-1)) throw new SyntaxFault('The indentation matches no outer level', this.#at());
  }

  #readToken(): 'line ended' | undefined {
    this.#match(blank);
    const sign = this.#text[this.#offset];
    if (sign === undefined) return 'line ended';
    if (sign === '#') this.#offset = nextLineEnd(this.#text, this.#offset);
    else if (sign === '\n') return this.#newline();
    else if (sign === '\\' && this.#text[this.#offset + 1] === '\n') this.#advanceLine(2);
    else this.#readSymbol();
    return undefined;
  }

  #newline(): 'line ended' | undefined {
    if (this.#depth === 0) this.#endLine();
    this.#advanceLine(1);
    return this.#depth === 0 ? 'line ended' : undefined;
  }

  #endLine(): void {
    const last = this.#tokens.at(-1)?.kind;
    if (last !== undefined && last !== 'newline' && last !== 'indent' && last !== 'dedent') this.#push('newline', '');
  }

  #readSymbol(): void {
    const at = this.#at();
    const quote = this.#match(stringStart);
    if (quote !== undefined) {
      this.#readString(quote, at);
      return;
    }
    const word = this.#match(name);
    const digits = word === undefined ? this.#match(number) : undefined;
    if (word !== undefined) this.#push(keywords.has(word) ? 'keyword' : 'name', word, at);
    else if (digits !== undefined) this.#push('number', digits, at);
    else this.#readOperator(at);
  }

  #readOperator(at: Position): void {
    const sign = this.#match(operator);
    if (sign === undefined) throw new SyntaxFault(`The sign ${this.#text[this.#offset]} is not allowed here`, at);
    if (sign.startsWith('@')) throw new UnsupportedFault('The operator @', at);
    if ('([{'.includes(sign)) this.#depth += 1;
    if (')]}'.includes(sign)) this.#depth -= 1;
    if (this.#depth < 0) throw new SyntaxFault(`There is no bracket that ${sign} closes`, at);
    this.#push('operator', sign, at);
  }

  #readString(start: string, at: Position): void {
    const quote = /["']+$/.exec(start)?.[0] ?? '"';
    const from = this.#offset - start.length;
    while (!this.#text.startsWith(quote, this.#offset)) {
      const sign = this.#text[this.#offset];
      if (sign === undefined || (sign === '\n' && quote.length === 1))
        throw new SyntaxFault('A text is never closed', at);
      const escaped = sign === '\\';
      const crossed = escaped ? this.#text[this.#offset + 1] : sign;
      if (crossed === '\n') this.#advanceLine(escaped ? 2 : 1);
      else this.#offset += escaped ? 2 : 1;
    }
    this.#offset += quote.length;
    this.#push('string', this.#text.slice(from, this.#offset), at);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return undefined;
    this.#offset += found.length;
    return found;
  }

  #advanceLine(length: number): void {
    this.#offset += length;
    this.#line += 1;
    this.#lineStart = this.#offset;
  }

  #at(): Position {
    return { line: this.#line, column: this.#offset - this.#lineStart + 1 };
  }

  #push(kind: Token['kind'], text: string, at = this.#at()): void {
    this.#tokens.push({ kind, text, at });
  }
}

function nextLineEnd(text: string, from: number): number {
  const at = text.indexOf('\n', from);
  return at === -1 ? text.length : at;
}
