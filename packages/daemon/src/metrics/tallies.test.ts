// Our own tallies print what prom-client prints for the same observations.
import fc from 'fast-check';
import { Counter, Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { CounterFamily, HistogramFamily } from './tallies.ts';

const label = fc.constantFrom('a', 'b "quoted"', 'c\\d', 'line\nbreak');
const events = fc.array(fc.record({ app: label, value: fc.constantFrom(0, 0.25, 0.5, 1, 2.5, 7) }), { maxLength: 40 });

test('counters read as those of prom-client', () =>
  fc.assert(
    fc.asyncProperty(events, async (given) => {
      const registry = new Registry();
      const theirs = new Counter({ name: 'c_total', help: 'h\\1', labelNames: ['app'], registers: [registry] });
      const ours = new CounterFamily('c_total', 'h\\1', ['app']);
      for (const { app, value } of given) {
        theirs.inc({ app }, value);
        ours.bind({ app }).add(value);
      }
      expect(ours.text()).toBe(await registry.metrics());
    }),
  ));

test('histograms read as those of prom-client', () =>
  fc.assert(
    fc.asyncProperty(events, async (given) => {
      const buckets = [0.25, 1, 2.5];
      const registry = new Registry();
      const theirs = new Histogram({ name: 'h', help: 'help', labelNames: ['app'], buckets, registers: [registry] });
      const ours = new HistogramFamily('h', 'help', ['app'], buckets);
      for (const { app, value } of given) {
        theirs.observe({ app }, value);
        ours.bind({ app }).observe(value);
      }
      expect(ours.text()).toBe(await registry.metrics());
    }),
  ));
