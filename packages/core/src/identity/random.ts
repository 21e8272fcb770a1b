// Identifiers and keys drawn from the system's randomness (core.md §2).
import { randomInt } from 'node:crypto';

const lettersAndDigits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Letters and digits; 40 of them hold 238 bits. */
export function randomId(length = 40): string {
  return draw(lettersAndDigits, length);
}

export function randomUpper(length = 32): string {
  return draw('ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', length);
}

function draw(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('');
}
