// Token buckets per client address (proxy.md §17.18): logins and failed credentials cost the core work, so one address gets
// so many a minute. IPv6 clients count by /64. Bounded: of very many addresses the least recently seen are forgotten.
import type { Clock } from '@gatehouse/daemon/async';
import { LRUCache } from 'lru-cache';

export interface RateLimit {
  /** @returns seconds to wait, or 0 when the action may go on */
  take(address: string): number;
  /** Like {@link RateLimit.take}, without taking. */
  peek(address: string): number;
}

interface Bucket {
  left: number;
  atMs: number;
}

export function createRateLimit(clock: Pick<Clock, 'now'>, perMinute: number): RateLimit {
  const buckets = new LRUCache<string, Bucket>({ max: 50_000 });
  const refreshed = (address: string): Bucket => {
    const now = clock.now();
    const key = networkOf(address);
    const bucket = buckets.get(key) ?? { left: perMinute, atMs: now };
    bucket.left = Math.min(perMinute, bucket.left + ((now - bucket.atMs) / 60_000) * perMinute);
    bucket.atMs = now;
    buckets.set(key, bucket);
    return bucket;
  };
  const wait = ({ left }: Bucket) => (left >= 1 ? 0 : Math.ceil(((1 - left) * 60) / perMinute));
  return {
    peek: (address) => wait(refreshed(address)),
    take(address) {
      const bucket = refreshed(address);
      const seconds = wait(bucket);
      if (seconds === 0) bucket.left -= 1;
      return seconds;
    },
  };
}

function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const left = head.split(':').filter((part) => part !== '');
  if (tail === undefined) return left.slice(0, 4).join(':');
  const right = tail.split(':').filter((part) => part !== '');
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
