// Patterns in RE2 syntax that take linear time whatever the text (proxy.md §12.2). The one file that imports re2js.
import { RE2JS } from 're2js';

export interface LinearPattern {
  /** Whether the pattern occurs anywhere in the text. */
  test(text: string): boolean;
}

/** @throws Error with the reason when it is no pattern */
export function linearPattern(source: string): LinearPattern {
  return RE2JS.compile(source);
}
