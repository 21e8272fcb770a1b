// Regular expressions of administrators, matched in linear time: redirect URIs and expressions. The one file that imports
// re2js. Syntax is RE2's; what needs backtracking (look-around, back-references) does not compile.
import { RE2JS } from 're2js';

export interface Pattern {
  /** Each match from `from` on, with its groups; `undefined` for a group that took no part. */
  matches(text: string, anchor: 'anywhere' | 'start' | 'whole', from?: number): Match | undefined;
  readonly groups: number;
  /** Group numbers by name. */
  readonly names: Readonly<Record<string, number>>;
}
export interface Match {
  readonly start: number;
  readonly end: number;
  readonly groups: readonly (string | undefined)[];
}
export interface PatternFlags {
  readonly ignoreCase?: boolean;
  readonly multiline?: boolean;
  readonly dotAll?: boolean;
}

const longestPattern = 4096;

/** `undefined` for text that is no pattern. */
export function compilePattern(text: string, flags: PatternFlags = {}): Pattern | undefined {
  if (text.length > longestPattern) return undefined;
  const bits =
    (flags.ignoreCase === true ? RE2JS.CASE_INSENSITIVE : 0) |
    (flags.multiline === true ? RE2JS.MULTILINE : 0) |
    (flags.dotAll === true ? RE2JS.DOTALL : 0);
  try {
    const compiled = RE2JS.compile(text, bits);
    return {
      groups: compiled.groupCount(),
      names: compiled.namedGroups(),
      matches(given, anchor, from = 0) {
        const matcher = compiled.matcher(given);
        const found =
          anchor === 'whole' ? matcher.matches() : anchor === 'start' ? matcher.lookingAt() : matcher.find(from);
        if (!found) return undefined;
        const groups = Array.from({ length: matcher.groupCount() + 1 }, (_group, at) => matcher.group(at) ?? undefined);
        return { start: matcher.start(), end: matcher.end(), groups };
      },
    };
  } catch {
    return undefined;
  }
}

/** Whether the pattern matches all of the text; a pattern that does not compile matches nothing. */
export function matchesWhole(pattern: string, text: string): boolean {
  return compilePattern(pattern)?.matches(text, 'whole') !== undefined;
}
