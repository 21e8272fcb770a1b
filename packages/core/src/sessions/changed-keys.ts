// Sessions that have just got another key by a login: requests that still come with the old one are behind, not strangers.
import type { Clock } from '@gatehouse/daemon/async';

/** As long as a request may have been on its way, and what it was answered with. */
const changingMs = 10_000;
const mostChanged = 10_000;

/** Sessions of this process that a login has given another key just now. */
export function createChangedKeys(clock: Pick<Clock, 'now'>) {
  const untilMs = new Map<string, number>();
  return {
    add(id: string): void {
      const [oldest] = untilMs.keys();
      if (untilMs.size >= mostChanged && oldest !== undefined) untilMs.delete(oldest);
      untilMs.set(id, clock.now() + changingMs);
    },
    has: (id: string) => (untilMs.get(id) ?? 0) > clock.now(),
  };
}
