import { fakeClock } from '@gatehouse/daemon/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBalancer } from './balancer.ts';

const target = (port: number, weight = 1) => ({ origin: `http://h:${port}`, verifyTls: true, weight });
const nobody = new Set<never>();

test('§17.21: each gets its share, whatever the weights', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 6 }), (weights) => {
      const balancer = createBalancer(fakeClock());
      const targets = weights.map((weight, at) => target(at, weight));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const picked = Array.from({ length: total }, () => balancer.pick(targets, nobody));
      expect(targets.map((one) => picked.filter((other) => other === one).length)).toEqual(weights);
    }),
  );
});

test('§17.21: three failures leave an upstream out for ten seconds, then it is tried again', async () => {
  const clock = fakeClock();
  const balancer = createBalancer(clock);
  const targets = [target(1), target(2)];
  const [one, other] = targets;
  if (one === undefined || other === undefined) throw new Error('two targets');
  expect([balancer.failed(one), balancer.failed(one), balancer.failed(one)]).toEqual([false, false, true]);
  expect([balancer.pick(targets, nobody), balancer.pick(targets, nobody)]).toEqual([other, other]);
  expect(balancer.pick(targets, new Set([other]))).toBeUndefined();
  await clock.advance(10_000);
  expect(new Set([balancer.pick(targets, nobody), balancer.pick(targets, nobody)])).toEqual(new Set(targets));
  expect(balancer.failed(one)).toBe(true);
  balancer.reached(one);
  expect(balancer.failed(one)).toBe(false);
});

test('§17.21: a single upstream is asked however often it has failed', () => {
  const balancer = createBalancer(fakeClock());
  const targets = [target(1)];
  for (let round = 0; round < 5; round++) balancer.failed(targets[0] ?? target(1));
  expect(balancer.pick(targets, nobody)).toBe(targets[0]);
});
