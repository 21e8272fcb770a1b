// Patterns for paths and hosts in the rule file: `*` is anything within a segment, `**` anything at all, the rest is literal.
// Matched by the linear-time engine, like the patterns of the core.
import { linearPattern } from '../applications/linear-pattern.ts';

export interface Glob {
  matches(text: string): boolean;
}

/** @param separator ends what one `*` covers: `/` in paths, `.` in hosts */
export function glob(pattern: string, separator: '/' | '.'): Glob {
  const source = pattern.replace(/\*\*|\*|[^*]+/g, (part) => {
    if (part === '**') return '.*';
    return part === '*' ? `[^${separator}]*` : quote(part);
  });
  const regex = linearPattern(`(?s)^${source}$`);
  return { matches: (text) => regex.test(text) };
}

/** The path itself and what lies below it. @param prefix `/admin` and `/admin/` mean the same */
export function below(prefix: string): Glob {
  const base = prefix.replace(/\/+$/, '');
  return { matches: (path) => path === base || path === `${base}/` || path.startsWith(`${base}/`) };
}

function quote(literal: string): string {
  return literal.replace(/[\\^$.|?*+()[\]{}]/g, (letter) => `\\${letter}`);
}
