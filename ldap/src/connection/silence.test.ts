// Who is silent: neither sends anything nor takes what is there for it.
import { expect, test } from 'vitest';
import { Silence } from './silence.ts';

test('a client is silent from the last octet that it sent, for as long as it may be', () => {
  const silence = new Silence(1_000, 100);
  expect([1_050, 1_099, 1_100].map((nowMs) => silence.isOver(nowMs, 0))).toEqual([false, false, true]);
  silence.heardMs = 1_100;
  expect(silence.isOver(1_150, 0)).toBe(false);
  silence.allow(20);
  expect(silence.isOver(1_150, 0)).toBe(true);
});

test('one that takes its answers is not silent, one that does not is', () => {
  const silence = new Silence(0, 100);
  expect([150, 240, 330].map((nowMs, at) => silence.isOver(nowMs, 5_000 - at))).toEqual([false, false, false]);
  expect([400, 430].map((nowMs) => silence.isOver(nowMs, 4_998))).toEqual([false, true]);
});
