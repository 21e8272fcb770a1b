import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { within } from './within.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: unknown = runInNewContext('gc');

test('a time limit comes after garbage was collected, too', async () => {
  const reasons = Array.from({ length: 20 }, () => {
    const signal = within(150, new AbortController().signal);
    return new Promise<unknown>((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)));
  });
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((again) => setTimeout(again, 10));
    if (typeof collectGarbage === 'function') collectGarbage();
  }
  for (const reason of await Promise.all(reasons)) expect(reason).toMatchObject({ name: 'TimeoutError' });
});

test('the other reasons count as well, before the limit', () => {
  const other = new AbortController();
  const signal = within(60_000, other.signal);
  expect(signal.aborted).toBe(false);
  other.abort(new Error('enough'));
  expect(signal.reason).toMatchObject({ message: 'enough' });
});
