// Parsed texts are kept, the least used ones go: what is asked at each login is read once.
import { SyntaxFault, UnsupportedFault } from '../faults.ts';
import { parse } from './parse.ts';
import type { Block } from './syntax.ts';

const keptTexts = 500;
const kept = new Map<string, Block | SyntaxFault | UnsupportedFault>();

/** The tree of a text, the same object each time; or what is wrong with it, also kept. */
export function readText(text: string): Block | SyntaxFault | UnsupportedFault {
  const known = kept.get(text) ?? parseSafely(text);
  kept.delete(text);
  kept.set(text, known);
  const [oldest] = kept.keys();
  if (kept.size > keptTexts && oldest !== undefined) kept.delete(oldest);
  return known;
}

function parseSafely(text: string): Block | SyntaxFault | UnsupportedFault {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof SyntaxFault || error instanceof UnsupportedFault) return error;
    if (error instanceof RangeError) return new SyntaxFault('Too deeply nested', { line: 1, column: 1 });
    throw error;
  }
}
