import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { bufferedOutput, createLogger } from './index.ts';

test('buffered lines come whole, in order, few writes for many, and soon', async () => {
  const sink = new PassThrough();
  const batches: string[] = [];
  sink.on('data', (batch) => batches.push(String(batch)));
  const output = bufferedOutput({ sink });
  const log = createLogger({ level: 'info', name: 'test', destination: output });
  for (let at = 0; at < 1_000; at++) {
    if (at % 2 === 0) log.info('numbered', { count: at });
    else output.write(`{"count":${at}}\n`);
  }
  output.flush();
  const lines = () => batches.join('').trimEnd().split('\n');
  expect(lines().map((line) => JSON.parse(line).count)).toEqual(Array.from({ length: 1_000 }, (_, at) => at));
  expect(batches.length).toBeLessThan(10);
  log.info('last');
  await once(sink, 'data');
  expect(lines().at(-1)).toContain('last');
});
