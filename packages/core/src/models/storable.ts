// What PostgreSQL takes in no text and in no JSON: null characters, halves of surrogate pairs, and objects nested without end.
import { message } from './invalid.ts';

const deepest = 64;

/** What is wrong with a value, however deep in it; `undefined` for nothing. */
export function storableProblem(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string') {
    if (value.includes('\0')) return message.nullCharacter;
    return /\p{Surrogate}/u.test(value) ? message.malformed : undefined;
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return undefined;
  if (depth >= deepest) return message.deep;
  const parts = Array.isArray(value) ? value : Object.entries(value).flat();
  for (const part of parts) {
    const problem = storableProblem(part, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
