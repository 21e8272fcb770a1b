// Keeps the brands' certificates fresh (router.md §5.3, R39): when the core becomes healthy, then every three minutes. One
// watcher per process; what it has stays in force while the core cannot be asked.
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import type { BrandSource } from '../core.ts';
import type { CoreTarget } from '../forwarding/core-connection.ts';
import type { BrandIdentities } from './identities.ts';

export interface BrandWatcherOptions {
  readonly source: BrandSource;
  readonly identities: BrandIdentities;
  /** `undefined` while the core is not healthy. */
  readonly target: () => CoreTarget | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export interface BrandWatcher {
  /** Asks now; calls while one is under way share it. */
  refresh(): Promise<void>;
  /** Ends with the signal. */
  readonly ended: Promise<void>;
}

const refreshEveryMs = 180_000;

export function watchBrands(options: BrandWatcherOptions): BrandWatcher {
  const { source, identities, target, clock, log, signal } = options;
  let running: Promise<void> | undefined;
  let failing = false;
  const once = async () => {
    const at = target();
    if (at === undefined) return;
    try {
      identities.replace(await source.fetchBrands(at, signal));
      failing = false;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (!failing && !signal.aborted) log.warn('brands cannot be read', { component: 'brands', error: text });
      failing = true;
    }
  };
  const refresh = () => {
    running ??= once().finally(() => {
      running = undefined;
    });
    return running;
  };
  const loop = async () => {
    while (!signal.aborted) {
      await refresh();
      await clock.sleep(refreshEveryMs, signal).catch(() => undefined); // aborted: the loop ends
    }
  };
  return { refresh, ended: loop() };
}
