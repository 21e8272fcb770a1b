import { fakeClock } from '@gatehouse/daemon/testing';
import { expect, test } from 'vitest';
import { createThrottle } from './throttle.ts';

const start = () => {
  const clock = fakeClock();
  return { clock, throttle: createThrottle(clock, { freeFailures: 3, maxWaitMs: 30_000 }) };
};
const fail = (throttle: ReturnType<typeof createThrottle>, times: number, client = 'a', name = 'jdoe') => {
  for (let count = 0; count < times; count += 1) throttle.failed(client, name);
};

test('the first failures cost nothing, each further one twice as much, up to the longest wait', () => {
  const { throttle } = start();
  fail(throttle, 3);
  expect(throttle.waitMs('a', 'jdoe')).toBe(0);
  fail(throttle, 1);
  expect(throttle.waitMs('a', 'jdoe')).toBe(1_000);
  fail(throttle, 2);
  expect(throttle.waitMs('a', 'jdoe')).toBe(4_000);
  fail(throttle, 40);
  expect(throttle.waitMs('a', 'jdoe')).toBe(30_000);
});

test('other names and other clients do not wait; a success forgets', () => {
  const { throttle } = start();
  fail(throttle, 10);
  expect([throttle.waitMs('a', 'jane'), throttle.waitMs('b', 'jdoe')]).toEqual([0, 0]);
  throttle.succeeded('a', 'jdoe');
  expect(throttle.waitMs('a', 'jdoe')).toBe(0);
});

test('a client that tries many names waits for all of them', () => {
  const { throttle } = start();
  for (let count = 0; count < 70; count += 1) throttle.failed('a', `name ${count}`);
  expect(throttle.waitMs('a', 'somebody else')).toBeGreaterThan(0);
  expect(throttle.waitMs('b', 'somebody else')).toBe(0);
});

test('time passes', async () => {
  const { clock, throttle } = start();
  fail(throttle, 6);
  await clock.advance(4_001);
  expect(throttle.waitMs('a', 'jdoe')).toBe(0);
});

test('a flood of names is not all remembered: the oldest are forgotten', () => {
  const { throttle } = start();
  fail(throttle, 10);
  for (let at = 0; at < 50_000; at += 1) throttle.failed('b', `name ${at}`);
  expect(throttle.waitMs('a', 'jdoe')).toBe(0);
  expect(throttle.waitMs('b', 'another')).toBeGreaterThan(0);
});
