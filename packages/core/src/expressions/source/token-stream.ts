// Tokens with a place to read from, for the two halves of the parser.
import { type Position, SyntaxFault } from '../faults.ts';
import type { Token } from './lexer.ts';

const deepestNesting = 100;

export class TokenStream {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '', at: { line: 1, column: 1 } };
  }

  get position(): Position {
    return this.peek().at;
  }

  take(): Token {
    const token = this.peek();
    this.#at += 1;
    return token;
  }

  /** Whether the next token is one of these operators or keywords. */
  sees(...texts: readonly string[]): boolean {
    const { kind, text } = this.peek();
    return (kind === 'operator' || kind === 'keyword') && texts.includes(text);
  }

  /** Takes the next token if it is this operator or keyword. */
  accept(text: string): boolean {
    if (!this.sees(text)) return false;
    this.#at += 1;
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) throw this.unexpected(`${text} was expected`);
  }

  expectKind(kind: Token['kind']): Token {
    if (this.peek().kind !== kind) throw this.unexpected(`a ${kind} was expected`);
    return this.take();
  }

  /** The token after the next one. */
  get afterNext(): Token | undefined {
    return this.#tokens[this.#at + 1];
  }

  unexpected(wanted: string): SyntaxFault {
    const { kind, text } = this.peek();
    const found = text === '' ? (kind === 'newline' || kind === 'end' ? 'the end of the line' : kind) : text;
    return new SyntaxFault(`Invalid syntax: ${wanted}, not ${found}`, this.position);
  }

  /** Keeps brackets in brackets from eating the stack. */
  nested<T>(parse: () => T): T {
    this.#depth += 1;
    if (this.#depth > deepestNesting) throw new SyntaxFault('Too deeply nested', this.position);
    try {
      return parse();
    } finally {
      this.#depth -= 1;
    }
  }
}
