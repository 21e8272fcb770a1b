// Warnings that any sender could trigger at will: at most one per subject and minute, and for a bounded number of subjects.
import type { Clock } from '@gatehouse/daemon/async';

export interface Notices {
  /** True when the subject has not been told of within the period. */
  isDue(subject: string): boolean;
}

const maxSubjects = 10_000;

export function createNotices(clock: Clock, periodMs = 60_000): Notices {
  const lastMs = new Map<string, number>();
  return {
    isDue(subject) {
      const nowMs = clock.monotonicMs();
      const last = lastMs.get(subject);
      if (last !== undefined && nowMs - last < periodMs) return false;
      if (lastMs.size >= maxSubjects) lastMs.clear();
      lastMs.set(subject, nowMs);
      return true;
    },
  };
}
