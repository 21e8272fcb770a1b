import { fakeClock } from '@gatehouse/daemon/testing';
import { expect, test } from 'vitest';
import { createRateLimit } from './rate-limit.ts';

test('§17.18: so many a minute, then a wait; others are not touched', async () => {
  const clock = fakeClock();
  const limit = createRateLimit(clock, 10);
  const taken = Array.from({ length: 11 }, () => limit.take('203.0.113.1'));
  expect(taken).toEqual([...Array.from({ length: 10 }, () => 0), 6]);
  expect(limit.take('203.0.113.2')).toBe(0);
  await clock.advance(6_000);
  expect([limit.peek('203.0.113.1'), limit.take('203.0.113.1'), limit.take('203.0.113.1')]).toEqual([0, 0, 6]);
});

test('§17.18: IPv6 clients count by /64', () => {
  const limit = createRateLimit(fakeClock(), 1);
  expect([
    limit.take('2001:db8:0:1::1'),
    limit.take('2001:db8:0:1:ffff::2'),
    limit.take('2001:db8::1:0:0:0:3'),
  ]).toEqual([0, 60, 60]);
  expect(limit.take('2001:db8:0:2::1')).toBe(0);
});
