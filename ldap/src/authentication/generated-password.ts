// Passwords that the server makes up for who asks for one (RFC 3062 §2): to be read once and typed.
import { randomInt } from 'node:crypto';

/** Without letters and digits that look alike. */
const kinds = ['abcdefghijkmnpqrstuvwxyz', 'ABCDEFGHJKLMNPQRSTUVWXYZ', '23456789'] as const;
const groups = 5;
const groupSize = 5;

/** Five groups of five, more than 140 bits; every usual kind of character is in it. */
export function generatePassword(): string {
  const alphabet = kinds.join('');
  for (;;) {
    const group = () => Array.from({ length: groupSize }, () => alphabet[randomInt(alphabet.length)]).join('');
    const password = Array.from({ length: groups }, group).join('-');
    if (kinds.every((kind) => [...kind].some((one) => password.includes(one)))) return password;
  }
}
