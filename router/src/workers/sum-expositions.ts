// The metrics of several workers as those of one process (router.md §14, §20.5): samples of the same name and labels are
// added; a start time is the earliest. HELP and TYPE are taken from whoever says them first.

const earliest = new Set(['process_start_time_seconds']);

/** One document out of several in the text format. */
export function sumExpositions(texts: readonly string[]): string {
  const families = new Map<string, { readonly head: string[]; readonly samples: Map<string, number> }>();
  for (const text of texts) {
    let family = '';
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const head = /^# (HELP|TYPE) (\S+)/.exec(line);
      if (head !== null) family = head[2] ?? '';
      else if (line.startsWith('#')) continue;
      const known = families.get(family) ?? { head: [], samples: new Map<string, number>() };
      families.set(family, known);
      if (head !== null) {
        if (!known.head.some((other) => other.startsWith(`# ${head[1]} `))) known.head.push(line);
        continue;
      }
      const at = line.lastIndexOf(' ');
      const [series, value] = [line.slice(0, at), Number(line.slice(at + 1))];
      const before = known.samples.get(series);
      known.samples.set(series, before === undefined ? value : combine(family, before, value));
    }
  }
  return [...families.values()]
    .map(({ head, samples }) =>
      [...head, ...[...samples].map(([series, value]) => `${series} ${format(value)}`)].join('\n'),
    )
    .join('\n')
    .concat('\n');
}

function combine(family: string, one: number, other: number): number {
  return earliest.has(family) ? Math.min(one, other) : one + other;
}

function format(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';
}
