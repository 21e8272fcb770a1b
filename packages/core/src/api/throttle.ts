// How often one address may ask without saying who it is (core.md §1.2, `throttle.default`; §10.4). Counted in memory, for
// this process, in windows one after another: generous enough for a page of many parts, too little for a flood.
import type { Clock } from '@gatehouse/daemon/async';

export interface Rate {
  readonly requests: number;
  readonly periodMs: number;
}

export interface Throttle {
  /** Counts one request. @returns seconds until the next may come, `undefined` if this one may pass */
  count(address: string): number | undefined;
}

const periods: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** So that made-up addresses cannot fill the memory; beyond it the oldest are forgotten. */
const mostAddresses = 50_000;

/** `1000/second`, `20/hour`; only the first letter of the period counts. @returns `undefined` for anything else */
export function parseRate(text: string): Rate | undefined {
  const [, requests = '', period = ''] = /^\s*(\d{1,9})\s*\/\s*([smhd])\w*\s*$/i.exec(text) ?? [];
  const periodMs = periods[period.toLowerCase()];
  return periodMs === undefined ? undefined : { requests: Number(requests), periodMs };
}

export function createThrottle({ requests, periodMs }: Rate, clock: Pick<Clock, 'monotonicMs'>): Throttle {
  const counts = new Map<string, number>();
  let endsMs = Number.NEGATIVE_INFINITY;
  return {
    count(address) {
      const nowMs = clock.monotonicMs();
      if (nowMs >= endsMs) {
        counts.clear();
        endsMs = nowMs + periodMs;
      }
      const count = (counts.get(address) ?? 0) + 1;
      if (count === 1 && counts.size >= mostAddresses) {
        const [oldest] = counts.keys();
        if (oldest !== undefined) counts.delete(oldest);
      }
      counts.set(address, count);
      return count > requests ? Math.max(1, Math.ceil((endsMs - nowMs) / 1000)) : undefined;
    },
  };
}
