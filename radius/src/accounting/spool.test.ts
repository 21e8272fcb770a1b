// The spool on real files: what was answered survives a crash, in order, and what cannot be kept is not answered.
import { appendFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { captureLogger, fakeClock, temporaryFolder } from '@gatehouse/daemon/testing';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { createOutbox } from './outbox.ts';
import { openSpool, type Spool } from './spool.ts';

async function folderOf() {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return join(folder.path, 'accounting');
}
const open = async (folder: string, maxEvents = 10_000) => {
  const spool = await openSpool({ folder, maxEvents, log: captureLogger() });
  onTestFinished(() => spool.close().catch(() => undefined)); // its folder may be gone
  return spool;
};
const drain = async (spool: Spool, most = Number.POSITIVE_INFINITY) => {
  const taken: unknown[] = [];
  for (let event = await spool.oldest(); event !== undefined && taken.length < most; event = await spool.oldest()) {
    taken.push(event);
    await spool.delivered();
  }
  return taken;
};

test('radius B08: what was stored is there after a crash, in order, and gone once delivered', async () => {
  const folder = await folderOf();
  const first = await open(folder);
  const events = Array.from({ length: 2_500 }, (_, at) => ({ at }));
  expect(await Promise.all(events.map((event) => first.append(event)))).not.toContain(false);
  expect(await drain(first, 40)).toEqual(events.slice(0, 40));
  // No close: the process was killed. What it had noted as delivered is not sent again.
  const second = await open(folder);
  expect(second.size).toBe(2_460);
  expect(await drain(second)).toEqual(events.slice(40));
  await second.close();
  expect((await readdir(folder)).filter((name) => name.endsWith('.jsonl'))).toEqual([]);
});

test('radius B08: a line torn by the crash was never answered and is passed over', async () => {
  const folder = await folderOf();
  const first = await open(folder);
  await first.append({ at: 1 });
  const [name = ''] = (await readdir(folder)).filter((one) => one.endsWith('.jsonl'));
  await appendFile(join(folder, name), '{"at":2');
  const second = await open(folder);
  await second.append({ at: 3 });
  expect(await drain(second)).toEqual([{ at: 1 }, { at: 3 }]);
});

test('radius B08: a full spool takes nothing; a delivery makes room', async () => {
  const spool = await open(await folderOf(), 2);
  expect(await Promise.all([1, 2, 3].map((at) => spool.append({ at })))).toEqual([true, true, false]);
  expect(await drain(spool, 1)).toEqual([{ at: 1 }]);
  expect(await spool.append({ at: 4 })).toBe(true);
  await spool.close();
});

test('radius B08: a disk that fails means no answer, and the next record is tried again', async () => {
  const folder = await folderOf();
  const spool = await open(folder);
  await rm(folder, { recursive: true });
  expect(await spool.append({ at: 1 })).toBe(false);
  expect(spool.size).toBe(0);
  await open(folder);
  expect(await spool.append({ at: 2 })).toBe(true);
  expect(await drain(spool)).toEqual([{ at: 2 }]);
});

test('a folder that cannot be made stops the start', async () => {
  await expect(open('/dev/null/accounting')).rejects.toMatchObject({ code: 'ERR_RADIUS_ACCOUNTING' });
});

test('radius B08: whatever is stored, delivered and restarted, nothing is lost and the order stays', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ kind: fc.constant('deliver' as const), count: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ kind: fc.constant('restart' as const), count: fc.constant(0) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      await using folder = await temporaryFolder();
      let spool = await open(folder.path);
      let [stored, taken] = [0, 0];
      for (const { kind, count } of steps) {
        if (kind === 'append') await Promise.all(Array.from({ length: count }, () => spool.append({ at: stored++ })));
        else if (kind === 'deliver') {
          for (const event of await drain(spool, count)) expect(event).toEqual({ at: taken++ });
        } else {
          await spool.close();
          spool = await open(folder.path);
        }
        expect(spool.size).toBe(stored - taken);
      }
      await spool.close();
    }),
    { seed: 2866, numRuns: 40 },
  );
});

test('radius B08: the outbox sends what an earlier run has left', async () => {
  const folder = await folderOf();
  const first = await open(folder);
  await first.append({ at: 1 });
  const sent: object[] = [];
  const signal = new AbortController();
  const outbox = createOutbox({
    clock: fakeClock(),
    log: captureLogger(),
    signal: signal.signal,
    spool: await open(folder),
    send: async (event) => void sent.push(event),
  });
  await outbox.add({ at: 2 });
  while (outbox.size > 0) await new Promise((resolve) => setImmediate(resolve));
  expect(sent).toEqual([{ at: 1 }, { at: 2 }]);
  signal.abort();
  await outbox.close();
});
