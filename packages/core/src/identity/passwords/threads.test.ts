// Threads that hash: what they answer, that they give way to the rest of the process, and that their queue has an end.
import { readdir, readFile } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { createPasswordHasher } from './hasher.ts';
import { createHashingThreads, type HashingThreads, type HashingThreadsOptions } from './threads.ts';

const running: HashingThreads[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((threads) => threads.close()));
});

function threadsOf(options?: HashingThreadsOptions): HashingThreads {
  const threads = createHashingThreads(options);
  running.push(threads);
  return threads;
}

test('a hash matches its own password, and nothing matches an unusable one', async () => {
  const hasher = createPasswordHasher(threadsOf());
  const made = await hasher.make('correct horse');
  expect(made).toMatch(/^argon2\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(hasher.isOutdated(made)).toBe(false);
  const checks = [made, '!', '', 'argon2$nonsense', 'unknown$1'].map((encoded) =>
    hasher.check('correct horse', encoded),
  );
  expect(await Promise.all(checks)).toEqual([true, false, false, false, false]);
  expect(await hasher.check('incorrect horse', made)).toBe(false);
});

test('a user without a password takes as long as one with', async () => {
  const hasher = createPasswordHasher(threadsOf());
  const made = await hasher.make('correct horse');
  const timeOf = async (encoded: string) => {
    const startMs = performance.now();
    for (let times = 0; times < 8; times += 1) await hasher.check('incorrect horse', encoded);
    return performance.now() - startMs;
  };
  const ratio = (await timeOf('!')) / (await timeOf(made));
  expect(ratio).toBeGreaterThan(0.2); // without a hash it would be below a hundredth
});

test('who comes when the queue is full is told to come again; the others are answered in order', async () => {
  const threads = threadsOf({ most: 1, mostWaiting: 2 });
  const done: number[] = [];
  const ask = (n: number) => threads.ask({ password: 'p', encoded: 'ldap$SHA$' }).then(() => done.push(n));
  const asked = [0, 1, 2].map(ask);
  await expect(ask(3)).rejects.toMatchObject({ status: 503, retryAfterSeconds: 2 });
  await Promise.all(asked);
  expect(done).toEqual([0, 1, 2]);
  await ask(4);
});

test('closing fails what is being asked', async () => {
  const threads = threadsOf({ most: 1 });
  const asked = [1, 2].map(() => threads.ask({ password: 'p' }));
  const settled = Promise.allSettled(asked);
  await threads.close();
  expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test.runIf(process.platform === 'linux')('on Linux they have a lower priority than the process', async () => {
  const priorities = async () => {
    const threads = await readdir('/proc/self/task');
    const stats = threads.map((thread) => readFile(`/proc/self/task/${thread}/stat`, 'utf8').catch(() => ') '));
    return (await Promise.all(stats)).map((stat) => Number(stat.split(') ')[1]?.split(' ')[16]));
  };
  const before = (await priorities()).filter((nice) => nice === 10).length;
  await threadsOf({ most: 1 }).ask({ password: 'p' });
  const after = await priorities();
  expect(after.filter((nice) => nice === 10).length).toBeGreaterThan(before);
  expect(after).toContain(0);
});
