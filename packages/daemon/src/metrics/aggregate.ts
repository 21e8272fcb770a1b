// Metrics of several processes as one text: what counts is added, what measures is told per process. Works on the exposition
// format itself, so that it does not matter who made it.

interface Family {
  readonly head: string[];
  readonly isSummed: boolean;
  /** Values by series, in the order of their first appearance. */
  readonly series: Map<string, number>;
}

/** @param texts in Prometheus text format, one per process */
export function aggregateMetrics(texts: readonly string[]): string {
  const families = new Map<string, Family>();
  texts.forEach((text, worker) => {
    let family: Family | undefined;
    for (const line of text.split('\n')) {
      const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
      if (kind === 'HELP') family = familyOf(families, name, line, text);
      else if (kind === 'TYPE') noteType(family, `# TYPE ${name} ${rest}`);
      else if (line !== '' && family !== undefined) addSample(family, line, worker);
    }
  });
  return [...families.values()].map(textOf).join('');
}

function familyOf(families: Map<string, Family>, name: string, help: string, text: string): Family {
  const known = families.get(name);
  if (known !== undefined) return known;
  const type = new RegExp(`^# TYPE ${name} (\\w+)$`, 'm').exec(text)?.[1] ?? 'untyped';
  const made: Family = { head: [help], isSummed: type === 'counter' || type === 'histogram', series: new Map() };
  families.set(name, made);
  return made;
}

function noteType(family: Family | undefined, line: string): void {
  if (family !== undefined && !family.head.includes(line)) family.head.push(line);
}

function addSample({ isSummed, series }: Family, line: string, worker: number): void {
  const blank = line.lastIndexOf(' ');
  const given = line.slice(0, blank);
  const name = isSummed ? given : labelled(given, worker);
  series.set(name, (series.get(name) ?? 0) + Number(line.slice(blank + 1)));
}

function labelled(series: string, worker: number): string {
  return series.endsWith('}') ? `${series.slice(0, -1)},worker="${worker}"}` : `${series}{worker="${worker}"}`;
}

function textOf({ head, series }: Family): string {
  return `${[...head, ...[...series].map(([name, value]) => `${name} ${value}`)].join('\n')}\n`;
}
