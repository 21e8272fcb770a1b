// Time as a parameter (STYLE 12): rooms take a Clock, tests turn it by hand (`@gatehouse/daemon/testing`).
import { performance } from 'node:perf_hooks'; // the global of this name is an accessor, asked again at each use
import { setTimeout as sleepTimer } from 'node:timers/promises';

declare const brand: unique symbol;
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number & { readonly [brand]: 'EpochMs' };

export interface Clock {
  /** Wall clock. */
  now(): EpochMs;
  /** Monotonic milliseconds, for durations only. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now() as EpochMs,
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    await sleepTimer(ms, undefined, signal === undefined ? {} : { signal });
  },
};
