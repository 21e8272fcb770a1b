// Reads of the REST API while passwords are hashed as fast as the core admits: a flood of logins by password, and beside it one
// reader who asks for a page of users, pauses, and asks again. There are two references: the same reader on the same core
// without the flood, and the same reader at the least that a server can be (bare-reader.ts), with and without the flood, which
// tells what of it the machine alone does. All take turns.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createLeanClient, type LeanClient } from './lean-client.ts';
import { createLoginLoad, type LoginLoad } from './login-load.ts';
import { percentile, rounded, type Subject, startSubject, token } from './subject.ts';

const roundMs = 4_000;
const rounds = 3;
const atATime = 32;
const pauseMs = 10;
const warmReads = 400;

export async function measureHashing() {
  await using core = await startSubject();
  const load = await createLoginLoad(core);
  const bare = await startBareReader(core.postgres);
  const ours = readingOf(load.client);
  const reference = readingOf(bare.client);
  for (let n = 0; n < atATime; n += 1) await load.passwordLogin();
  for (const { warm } of [ours, reference]) await warm();
  let logins = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const { take } of [ours, reference]) await take('idle');
    const flood = startFlood(load);
    for (const { take } of [ours, reference]) await take('busy');
    logins += await flood.stop();
  }
  load.client.close();
  bare.stop();
  return {
    ...ours.found(),
    bare_reader: reference.found(),
    logins_at_a_time: atATime,
    logins_per_s: rounded((logins * 1000) / (rounds * 2 * roundMs)),
  };
}

/** What one reader waits for, with and without the flood. */
function readingOf(client: LeanClient) {
  const samples: Record<'idle' | 'busy', number[]> = { idle: [], busy: [] };
  return {
    async warm() {
      for (let n = 0; n < warmReads; n += 1) await read(client);
    },
    async take(when: 'idle' | 'busy') {
      samples[when].push(...(await reads(client)));
    },
    found: () => ({
      idle: numbers(samples.idle),
      while_hashing: numbers(samples.busy),
      ratio_p50: rounded(percentile(samples.busy, 0.5) / percentile(samples.idle, 0.5)),
      ratio_p99: rounded(percentile(samples.busy, 0.99) / percentile(samples.idle, 0.99)),
    }),
  };
}

async function startBareReader(postgres: Subject['postgres']) {
  const file = new URL('bare-reader.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', file, JSON.stringify(postgres)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = await once(createInterface({ input: child.stdout }), 'line');
  const client = createLeanClient(`http://127.0.0.1:${port}`);
  return {
    client,
    stop() {
      client.close();
      child.kill();
    },
  };
}

const numbers = (samples: readonly number[]) => ({
  samples: samples.length,
  p50_ms: rounded(percentile(samples, 0.5)),
  p99_ms: rounded(percentile(samples, 0.99)),
});

/** One at a time, with pauses: what is measured is the answer, not a queue of our own. */
async function reads(client: LeanClient): Promise<number[]> {
  const samples: number[] = [];
  const endMs = performance.now() + roundMs;
  while (performance.now() < endMs) {
    samples.push(await read(client));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return samples;
}

async function read(client: LeanClient): Promise<number> {
  const startedMs = performance.now();
  const { status } = await client.get('/api/v3/core/users/?page_size=20', { authorization: `Bearer ${token}` });
  if (status !== 200) throw new Error(`The page of users answered ${status}.`);
  return performance.now() - startedMs;
}

/** Logs in again and again. `stop` says how often it was done in time. */
function startFlood(load: LoginLoad) {
  let stopped = false;
  let done = 0;
  const one = async () => {
    while (!stopped) {
      await load.passwordLogin();
      if (!stopped) done += 1;
    }
  };
  const all = Promise.all(Array.from({ length: atATime }, one));
  return {
    async stop() {
      stopped = true;
      await all;
      return done;
    },
  };
}
