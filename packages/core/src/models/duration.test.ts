// core.md §1.4: lengths of time as text.
import { expect, test } from 'vitest';
import { durationMs, parseDuration } from './duration.ts';

test.each([
  ['hours=1;minutes=30', 5_400_000],
  ['HOURS=1', 3_600_000],
  ['foo=1', undefined],
  ['hours=1;foo=2', 3_600_000],
  ['minutes=-5', -300_000],
  ['seconds=0', 0],
  ['minutes=1.5', 90_000],
  ['hours=1,minutes=30', undefined],
  ['weeks=1;days=1;milliseconds=1;microseconds=1000', 691_200_002],
  ['', undefined],
  ['toString=1', undefined],
])('core 7: %j is %j ms', (text, expected) => {
  expect(parseDuration(text)).toBe(expected);
});

test('core 7: a stored length that no longer parses is none', () => {
  expect([durationMs('often'), durationMs(5), durationMs('seconds=2')]).toEqual([0, 0, 2_000]);
});
