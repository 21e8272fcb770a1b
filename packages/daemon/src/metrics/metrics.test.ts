import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createMetrics } from './index.ts';

test('a histogram exposes what the library would, whatever is observed', async () => {
  const observation = fc.tuple(fc.constantFrom('GET', 'POST', 'a"b\\c'), fc.double({ min: 0, max: 20, noNaN: true }));
  await fc.assert(
    fc.asyncProperty(fc.array(observation), async (observed) => {
      const options = { name: 'took_seconds', help: 'How long.' };
      const metrics = createMetrics();
      const histogram = metrics.histogram({ ...options, labels: ['method', 'host'] });
      const registry = new Registry();
      const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
      const plain = new Histogram({ ...options, labelNames: ['method', 'host'], buckets, registers: [registry] });
      for (const [method, value] of observed) {
        histogram.observe({ method, host: 'h' }, value);
        plain.observe({ method, host: 'h' }, value);
      }
      expect(await metrics.text()).toBe(await registry.metrics());
    }),
  );
});

test('what is bound once and what is observed by name count in the same series', async () => {
  const metrics = createMetrics();
  const histogram = metrics.histogram({ name: 'x', help: 'x', labels: ['method'], buckets: [1] });
  const bound = histogram.bind({ method: 'GET' });
  bound.observe(1);
  histogram.observe({ method: 'GET' }, 2);
  const text = await metrics.text();
  expect(text).toContain('x_bucket{le="1",method="GET"} 1');
  expect(text).toContain('x_count{method="GET"} 2');
});
