import { expect, test } from 'vitest';
import { exact, relative } from './when.ts';

const now = Date.parse('2026-11-26T12:00:00Z');

test.each([
  ['2026-11-26T11:59:58Z', '2 seconds ago'],
  ['2026-11-26T11:00:00Z', '1 hour ago'],
  ['2026-11-25T12:00:00Z', 'yesterday'],
  ['2026-12-26T12:00:00Z', 'in 30 days'],
  ['2024-11-26T12:00:00Z', '2 years ago'],
  [null, 'never'],
])('%j is %j', (moment, words) => {
  expect(relative(moment, now)).toBe(words);
});

test('no moment has no date', () => {
  expect(exact(null)).toBe('–');
});
