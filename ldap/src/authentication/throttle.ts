// Slows guessing down (ldap.md §19.7): after some failures of one name from one client, or of many names from one client, the
// core is not asked for a while that doubles with each further failure. Who is remembered as right never gets here.
import type { Clock } from '@gatehouse/daemon/async';
import { LRUCache } from 'lru-cache';

export interface Throttle {
  /** Milliseconds until the core may be asked again; 0 for now. */
  waitMs(client: string, name: string): number;
  failed(client: string, name: string): void;
  succeeded(client: string, name: string): void;
}

export interface ThrottleOptions {
  /** Failures of one name from one client that cost nothing; 0 switches the throttle off. */
  readonly freeFailures: number;
  /** Longest wait after a failure. */
  readonly maxWaitMs: number;
}

interface Record {
  readonly failures: number;
  readonly untilMs: number;
}

const mostRecords = 50_000;
/** Failures are forgotten when none came for so long. */
const memoryMs = 900_000;
/** An address may stand for many people: a NAT, a mail server. */
const clientFactor = 20;

export function createThrottle(clock: Clock, { freeFailures, maxWaitMs }: ThrottleOptions): Throttle {
  const perf = { now: () => clock.monotonicMs() };
  // Room as it is needed: with `max` all of it is filled beforehand, which holds up the start.
  const records = new LRUCache<string, Record>({ maxSize: mostRecords, sizeCalculation: () => 1, ttl: memoryMs, perf });
  const keysOf = (client: string, name: string) =>
    [
      [`${client} ${name}`, freeFailures],
      [client, freeFailures * clientFactor],
    ] as const;
  return {
    waitMs(client, name) {
      const nowMs = clock.monotonicMs();
      return Math.max(0, ...keysOf(client, name).map(([key]) => (records.get(key)?.untilMs ?? 0) - nowMs));
    },
    failed(client, name) {
      if (freeFailures === 0) return;
      for (const [key, free] of keysOf(client, name)) {
        const failures = (records.get(key)?.failures ?? 0) + 1;
        const waitMs = failures <= free ? 0 : Math.min(maxWaitMs, 1_000 * 2 ** Math.min(20, failures - free - 1));
        records.set(key, { failures, untilMs: clock.monotonicMs() + waitMs });
      }
    },
    succeeded: (client, name) => void records.delete(`${client} ${name}`),
  };
}
