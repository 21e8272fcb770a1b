// A value that cannot leak by accident (STYLE 21): printing, serialising and inspecting it give `***`.
import { createHash, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

/** A secret text. `reveal()` is the only way to its value; `equals` compares in constant time. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  /** Compares by digest, so that neither content nor length shows in the time taken. */
  equals(candidate: string | Secret): boolean {
    const other = typeof candidate === 'string' ? candidate : candidate.#value;
    return timingSafeEqual(digest(this.#value), digest(other));
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return '***';
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
