// Lengths of time as administrators write them: `hours=1;minutes=30` (core.md §1.4).

const unitMs: Readonly<Record<string, number>> = {
  weeks: 604_800_000,
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1_000,
  milliseconds: 1,
  microseconds: 0.001,
};

/** Milliseconds, or `undefined` without any valid pair; unknown units are skipped. */
export function parseDuration(value: string): number | undefined {
  let total: number | undefined;
  for (const part of value.split(';')) {
    const [, unit = '', amount = ''] = /^([a-z]+)=([-+]?\d+(?:\.\d+)?)$/i.exec(part.trim()) ?? [];
    const factor = Object.hasOwn(unitMs, unit.toLowerCase()) ? unitMs[unit.toLowerCase()] : undefined;
    if (factor !== undefined) total = (total ?? 0) + Number(amount) * factor;
  }
  return total;
}

/** A stored length in milliseconds; 0 for one that no longer parses. */
export function durationMs(value: unknown): number {
  return (typeof value === 'string' ? parseDuration(value) : undefined) ?? 0;
}
