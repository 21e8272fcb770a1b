// Keeps a background task running until its signal: what it throws is logged once per change, waited out and started again.
import type { Logger } from '../log/index.ts';
import { type Backoff, createBackoff } from './backoff.ts';
import type { Clock } from './clock.ts';

export interface SuperviseOptions {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly backoff?: Backoff;
}

/** Ends when the signal is aborted; never rejects. */
export async function supervise(
  log: Logger,
  name: string,
  task: (signal: AbortSignal) => Promise<void>,
  options: SuperviseOptions,
): Promise<void> {
  const backoff = options.backoff ?? createBackoff({ baseMs: 500, maxMs: 30_000 });
  const { signal, clock } = options;
  while (!signal.aborted) {
    try {
      await task(signal);
      backoff.reset();
    } catch (error) {
      if (signal.aborted) return;
      log.warn('background task failed', {
        component: name,
        error: error instanceof Error ? error.message : String(error),
      });
    }
    await clock.sleep(backoff.next(), signal).catch(() => undefined); // aborted: the loop's own condition ends it
  }
}
