// Signals that do not end the router (router.md §17). Each has a handler: without one SIGUSR2 would end the process, and
// SIGUSR1 would open Node's debugger.
import type { Logger } from '@gatehouse/daemon/log';

export interface SignalActs {
  /** SIGHUP. */
  readonly reload: () => void;
  /** SIGUSR2; absent where one process answers alone, which nothing can take the place of. */
  readonly replace?: () => void;
}

/** @param until after which signals do again what they do by themselves */
export function followSignals(until: AbortSignal, { reload, replace }: SignalActs, log: Logger): void {
  const acts = {
    SIGHUP: reload,
    SIGUSR1: () => log.info('nothing to reopen', { reason: 'the log goes to standard output' }),
    SIGUSR2: replace ?? (() => log.warn('not replaced', { reason: 'web.workers is 1: restart, or use 2 and more' })),
  } as const;
  for (const [name, act] of Object.entries(acts)) process.on(name, act);
  until.addEventListener('abort', () => {
    for (const [name, act] of Object.entries(acts)) process.off(name, act);
  });
}
