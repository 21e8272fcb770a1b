// Entry `@gatehouse/proxy/siblings`. User: router. The workers of one proxy (proxy.md §17.28): whatever ends in one ends in all. A process without siblings has none of this.
import { startWorkers, tellFirstProcess, type Workers, type WorkersOptions } from '@gatehouse/daemon/workers';
import { proxyError } from '../errors.ts';
import type { StoreSettings } from '../sessions/open-store.ts';
import { type Notice, notice } from './messages.ts';

/** Before anything is started. @throws GatewayError `ERR_PROXY_WORKERS` where each worker would have sessions of its own */
export function requireSharedSessions({ store }: Pick<StoreSettings, 'store'>, workers: number): void {
  if (store === 'memory')
    throw proxyError('ERR_PROXY_WORKERS', `${workers} workers cannot share sessions that are kept in memory.`);
}

/** The first process: passes notices on. */
export function superviseProxies(options: Omit<WorkersOptions, 'onMessage'>): Workers {
  const workers = startWorkers({
    ...options,
    onMessage(from, given) {
      const message = notice.safeParse(given).data;
      if (message !== undefined) workers.tellOthers(from, message);
    },
  });
  return workers;
}

/** Calls back with what ended or changed in a sibling. */
export function hearSiblings(onEnded: (ended: Notice) => void): void {
  process.on('message', (given) => {
    const message = notice.safeParse(given).data;
    if (message !== undefined) onEnded(message);
  });
}

export function tellSiblings(ended: Omit<Notice, 'kind'>): void {
  tellFirstProcess({ kind: 'ended', ...ended });
}
