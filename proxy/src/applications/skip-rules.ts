// The allow-list of a provider (proxy.md §12): RE2 patterns in linear time, matched on what the request means and not on
// what it looks like. Both the decoded and the normalised form must match, so that `/public/../admin` does not pass
// `^/public/` (case 103).

import { hrefOf, type TargetUri } from '../request/target-uri.ts';
import { type LinearPattern, linearPattern } from './linear-pattern.ts';

declare const brand: unique symbol;
/** Proof that an allow-list entry covers this request; made by {@link SkipRules.match} only. */
export interface SkipMatch {
  readonly [brand]: 'SkipMatch';
  readonly pattern: string;
}

export interface SkipRules {
  match(target: TargetUri): SkipMatch | undefined;
  /** Lines that are no pattern, with the reason. */
  readonly broken: readonly { readonly pattern: string; readonly reason: string }[];
  readonly size: number;
}

const maxInput = 8 * 1024;
const matches = new WeakSet<object>();

/** For authentication/verdict.ts, which takes nothing on trust. */
export function isSkipMatch(value: object): value is SkipMatch {
  return matches.has(value);
}

interface Rule {
  readonly pattern: string;
  readonly seesQuery: boolean;
  readonly regex: LinearPattern;
}

/** @param text one pattern per line; blank lines and surrounding blanks are ignored */
export function parseSkipRules(text: string, subject: 'path' | 'url'): SkipRules {
  const rules: Rule[] = [];
  const broken: { pattern: string; reason: string }[] = [];
  for (const line of text.split('\n')) {
    const pattern = line.trim();
    if (pattern === '') continue;
    try {
      rules.push({ pattern, regex: linearPattern(pattern), seesQuery: /\\\?|\[\?\]/.test(pattern) });
    } catch (error) {
      broken.push({ pattern, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return {
    broken,
    size: rules.length,
    match(target) {
      const rule = rules.find((one) => subjects(target, subject, one.seesQuery)?.every((text) => one.regex.test(text)));
      if (rule === undefined) return undefined;
      const match = { pattern: rule.pattern } as SkipMatch; // the one constructor of the brand
      matches.add(match);
      return match;
    },
  };
}

/** The texts that all must match; `undefined` when there is nothing that may be looked at. */
function subjects(target: TargetUri, subject: 'path' | 'url', seesQuery: boolean): string[] | undefined {
  const { decodedPath, path, origin, rawQuery } = target;
  if (decodedPath === undefined || path === undefined || target.rawTarget.length > maxInput) return undefined;
  if (subject === 'path') return [decodedPath, path];
  const bare = [origin + decodedPath, origin + path];
  if (rawQuery === undefined) return bare;
  const whole = [hrefOf(target), `${origin}${path}?${rawQuery}`];
  // §12.2 rule 3: a query may satisfy a pattern only where the pattern asks for one.
  return seesQuery ? whole : [...bare, ...whole];
}
