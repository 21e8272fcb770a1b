// What a text says, in 64 signs: two texts with one digest do the same wherever they run. Comments, blanks, kinds of quotes and
// a comma at the end have no say; indentation has, which a digest of text without blanks would lose.
import { createHash } from 'node:crypto';
import type { Block } from './syntax.ts';

/** SHA-256 of the tree without the places it was read from, in hex. */
export function digestOf(tree: Block): string {
  const told = JSON.stringify(tree, (key, value: unknown) => (key === 'at' ? undefined : value));
  return createHash('sha256').update(told).digest('hex');
}
