// Moments in the words of the reader's language.

const steps = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/** "3 hours ago", "in 2 days"; "never" for nothing. */
export function relative(moment: string | null | undefined, nowMs = Date.now()): string {
  if (moment === null || moment === undefined) return 'never';
  const seconds = (Date.parse(moment) - nowMs) / 1000;
  const [unit, size] = steps.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  return new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(Math.round(seconds / size), unit);
}

/** Date and time to the minute, in the reader's own zone. */
export function exact(moment: string | null | undefined): string {
  if (moment === null || moment === undefined) return '–';
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(moment));
}
