// Times of schedules: the five fields of cron, and `~` for "some minute (hour, weekday), always the same here", so that not
// every installation works at the full hour. The one file that imports croner.
import { createHash } from 'node:crypto';
import { Cron } from 'croner';

const ranges = [60, 24, 28, 12, 7] as const;

/** Replaces each `~` by a value that depends on the seed alone. */
export function settleCrontab(crontab: string, seed: string): string {
  return crontab
    .trim()
    .split(/\s+/)
    .map((part, at) => {
      if (part !== '~') return part;
      const digest = createHash('sha256').update(`${seed} ${at}`).digest();
      return String((digest.readUInt32BE(0) % (ranges[at] ?? 1)) + (at === 2 || at === 3 ? 1 : 0));
    })
    .join(' ');
}

export function isCrontab(crontab: string): boolean {
  return crontab.trim().split(/\s+/).length === 5 && nextRun(crontab, 0) !== undefined;
}

/** First moment after this one, UTC; `undefined` for what is no crontab and for one that never comes. */
export function nextRun(crontab: string, afterMs: number): Date | undefined {
  try {
    return new Cron(crontab, { timezone: 'UTC', mode: '5-part' }).nextRun(new Date(afterMs)) ?? undefined;
  } catch {
    return undefined; // not a crontab
  }
}
