import { expect, test } from 'vitest';
import { aggregateMetrics, createMetrics } from './index.ts';

test('what counts is added over processes, what measures is told for each', async () => {
  const texts = await Promise.all(
    [1, 2].map((times) => {
      const metrics = createMetrics();
      const histogram = metrics.histogram({
        name: 'took_seconds',
        help: 'How long.',
        labels: ['method'],
        buckets: [1],
      });
      const counter = metrics.counter({ name: 'logins_total', help: 'Logins.', labels: [] });
      const gauge = metrics.gauge({ name: 'open', help: 'Open ones.', labels: ['kind'] });
      for (let round = 0; round < times; round++) histogram.observe({ method: 'GET' }, 0.5);
      counter.add({}, times);
      gauge.set({ kind: 'x y' }, times);
      return metrics.text();
    }),
  );
  const text = aggregateMetrics([...texts, '']);
  expect(text).toContain('took_seconds_bucket{le="1",method="GET"} 3\n');
  expect(text).toContain('took_seconds_count{method="GET"} 3\n');
  expect(text).toContain('logins_total 3\n');
  expect(text).toContain('open{kind="x y",worker="0"} 1\n');
  expect(text).toContain('open{kind="x y",worker="1"} 2\n');
  expect(text.match(/# TYPE took_seconds histogram/g)?.length).toBe(1);
});
