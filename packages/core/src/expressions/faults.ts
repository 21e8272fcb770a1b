// What can go wrong with an expression: text that is not the language, parts of the language that are not run here, the
// budget, and errors the expression itself may catch.

/** Where in the text, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

const placed = (text: string, { line, column }: Position) => `${text} (line ${line}, column ${column})`;

/** Not Python. */
export class SyntaxFault extends Error {
  constructor(text: string, at: Position) {
    super(placed(text, at));
    this.name = 'SyntaxFault';
  }
}

/** Python, but a part of it that is not run here: never taken for a result. */
export class UnsupportedFault extends Error {
  constructor(what: string, at: Position) {
    super(placed(`${what} cannot be used in expressions`, at));
    this.name = 'UnsupportedFault';
  }
}

/** Too many steps, too much memory, too long, too deep. The expression cannot catch it. */
export class BudgetFault extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'BudgetFault';
  }
}

/** An error of the expression's own world, by its Python name; `except` may catch it. */
export class Raised extends Error {
  readonly type: string;
  /** Set once, where it was raised. */
  at: Position | undefined;
  constructor(type: string, text: string) {
    super(text);
    this.name = 'Raised';
    this.type = type;
  }
}

const bases: Readonly<Record<string, string>> = {
  KeyError: 'LookupError',
  IndexError: 'LookupError',
  ZeroDivisionError: 'ArithmeticError',
  OverflowError: 'ArithmeticError',
  UnboundLocalError: 'NameError',
  UnicodeDecodeError: 'ValueError',
  JSONDecodeError: 'ValueError',
  ModuleNotFoundError: 'ImportError',
  SkipObject: 'Exception',
  Exception: 'BaseException',
};
const plain = [
  'ArithmeticError',
  'AssertionError',
  'AttributeError',
  'ImportError',
  'LookupError',
  'NameError',
  'NotImplementedError',
  'RuntimeError',
  'TypeError',
  'ValueError',
];
export const exceptionNames: readonly string[] = [...new Set([...plain, ...Object.keys(bases), 'BaseException'])];

/** Whether an error of the one type is caught by a handler of the other. */
export function isKindOf(type: string, handler: string): boolean {
  for (let at: string | undefined = type; at !== undefined; ) {
    if (at === handler) return true;
    at = bases[at] ?? (plain.includes(at) ? 'Exception' : undefined);
  }
  return false;
}
