// core.md §1.2, §10.4: anonymous requests of one address.
import { systemClock } from '@gatehouse/daemon/async';
import { expect, test } from 'vitest';
import { startTestCore } from '../testing/index.ts';
import { createThrottle, parseRate } from './throttle.ts';

test.each([
  ['1000/second', { requests: 1000, periodMs: 1_000 }],
  ['20/hour', { requests: 20, periodMs: 3_600_000 }],
  ['5/m', { requests: 5, periodMs: 60_000 }],
  [' 7 / day ', { requests: 7, periodMs: 86_400_000 }],
  ['often', undefined],
  ['10', undefined],
  ['-1/second', undefined],
  ['1/fortnight', undefined],
])('%j', (text, rate) => {
  expect(parseRate(text)).toEqual(rate);
});

test('each address has its own count, anew in each window', () => {
  let nowMs = 0;
  const throttle = createThrottle({ requests: 2, periodMs: 10_000 }, { ...systemClock, monotonicMs: () => nowMs });
  expect([throttle.count('a'), throttle.count('a'), throttle.count('b')]).toEqual([undefined, undefined, undefined]);
  nowMs = 7_500;
  expect([throttle.count('a'), throttle.count('b')]).toEqual([3, undefined]);
  nowMs = 10_000;
  expect(throttle.count('a')).toBeUndefined();
});

test('over HTTP: 429 with Retry-After for whoever says nothing of himself, and for nobody else', async () => {
  await using core = await startTestCore({ throttle: '3/hour' });
  const ask = async (headers: Record<string, string> = {}) =>
    fetch(`${core.url}api/v3/root/config/`, { headers: { 'X-Forwarded-For': '192.0.2.7', ...headers } });
  for (let at = 0; at < 3; at += 1) expect((await ask()).status).toBe(200);
  const refused = await ask();
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(3_000);
  expect(await refused.json()).toEqual({
    detail: expect.stringMatching(/^Request was throttled\. Expected available in \d+ seconds\.$/),
  });
  expect((await ask({ 'X-Forwarded-For': '192.0.2.8' })).status).toBe(200);
  expect((await ask({ Authorization: `Bearer ${core.adminToken}` })).status).toBe(200);
}, 60_000);
