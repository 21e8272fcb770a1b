import { expect, test } from 'vitest';
import { leastOf, parseExposition, sumOf } from './exposition.ts';

test('of several workers, counts are added and the start is the earliest', () => {
  const samples = parseExposition(
    'process_start_time_seconds{worker="0"} 200\nprocess_start_time_seconds{worker="1"} 100\nlogins_total 3\n',
  );
  expect(leastOf(samples, 'process_start_time_seconds')).toBe(100);
  expect(sumOf(samples, 'logins_total')).toBe(3);
  expect([leastOf(samples, 'none'), sumOf(samples, 'none')]).toEqual([undefined, undefined]);
});
