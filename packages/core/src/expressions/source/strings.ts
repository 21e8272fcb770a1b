// String literals (Python reference §2.4.1): prefixes, escapes, and the parts of f-strings.
import { type Position, SyntaxFault } from '../faults.ts';

export interface Literal {
  readonly isBytes: boolean;
  readonly isFormat: boolean;
  readonly isRaw: boolean;
  /** Between the quotes, as written. */
  readonly body: string;
}

export function readLiteral(text: string): Literal {
  const [, prefix = '', quote = ''] = /^([a-zA-Z]*)("""|'''|"|')/.exec(text) ?? [];
  const kinds = prefix.toLowerCase();
  return {
    isBytes: kinds.includes('b'),
    isFormat: kinds.includes('f'),
    isRaw: kinds.includes('r'),
    body: text.slice(prefix.length + quote.length, text.length - quote.length),
  };
}

const single: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Escapes resolved; unknown ones stay as they are, like in Python. @throws SyntaxFault */
export function resolveEscapes({ body, isRaw, isBytes }: Literal, at: Position): string {
  if (isRaw) return body;
  const wide = isBytes ? '' : '|u[\\da-fA-F]{4}|U[\\da-fA-F]{8}|N\\{[^}]*\\}';
  const sequence = new RegExp(`\\\\(x[\\da-fA-F]{2}|[0-7]{1,3}${wide}|[\\s\\S])`, 'g');
  return body.replace(sequence, (whole, found: string) => {
    if (Object.hasOwn(single, found)) return single[found] ?? '';
    if (/^[xuU][\da-fA-F]+$/.test(found)) return codePoint(Number.parseInt(found.slice(1), 16), at);
    if (/^[0-7]+$/.test(found)) return codePoint(Number.parseInt(found, 8), at);
    if (found.startsWith('N{')) throw new SyntaxFault('Signs cannot be named here', at);
    return whole;
  });
}

function codePoint(code: number, at: Position): string {
  if (code > 0x10ffff) throw new SyntaxFault('There is no such sign', at);
  return String.fromCodePoint(code);
}

/** Text, or what stands between braces. */
export type RawPart =
  | { readonly text: string }
  | {
      readonly expression: string;
      readonly conversion: string | undefined;
      readonly spec: string;
      readonly label: string;
    };

/** Cuts an f-string at its outermost braces. @throws SyntaxFault */
export function splitFormat(body: string, at: Position): RawPart[] {
  const parts: RawPart[] = [];
  let text = '';
  let offset = 0;
  while (offset < body.length) {
    const sign = body[offset];
    if ((sign === '{' || sign === '}') && body[offset + 1] === sign) {
      text += sign;
      offset += 2;
    } else if (sign === '}') {
      throw new SyntaxFault('A single } in an f-string', at);
    } else if (sign === '{') {
      if (text !== '') parts.push({ text });
      text = '';
      const end = closingBrace(body, offset + 1, at);
      parts.push(readField(body.slice(offset + 1, end), at));
      offset = end + 1;
    } else {
      text += sign;
      offset += 1;
    }
  }
  return text === '' ? parts : [...parts, { text }];
}

function closingBrace(body: string, from: number, at: Position): number {
  let depth = 0;
  let quote = '';
  for (let offset = from; offset < body.length; offset += 1) {
    const sign = body[offset] ?? '';
    if (quote !== '') quote = sign === quote ? '' : quote;
    else if (sign === '"' || sign === "'") quote = sign;
    else if ('([{'.includes(sign)) depth += 1;
    else if (sign === '}' && depth === 0) return offset;
    else if (')]}'.includes(sign)) depth -= 1;
  }
  throw new SyntaxFault('A { in an f-string is never closed', at);
}

function readField(field: string, at: Position): RawPart {
  let depth = 0;
  let quote = '';
  let end = field.length;
  for (let offset = 0; offset < field.length; offset += 1) {
    const sign = field[offset] ?? '';
    if (quote !== '') quote = sign === quote ? '' : quote;
    else if (sign === '"' || sign === "'") quote = sign;
    else if ('([{'.includes(sign)) depth += 1;
    else if (')]}'.includes(sign)) depth -= 1;
    else if (depth === 0 && (sign === ':' || (sign === '!' && field[offset + 1] !== '='))) {
      end = offset;
      break;
    }
  }
  const [, conversion, spec = ''] = /^(?:!([rsa]))?(?::([\s\S]*))?$/.exec(field.slice(end)) ?? [];
  const written = field.slice(0, end);
  const isDebug = /[^=!<>]=\s*$/.test(written);
  const expression = isDebug ? written.replace(/=\s*$/, '') : written;
  if (expression.trim() === '') throw new SyntaxFault('Empty braces in an f-string', at);
  return { expression, conversion: conversion ?? (isDebug ? 'r' : undefined), spec, label: isDebug ? written : '' };
}
