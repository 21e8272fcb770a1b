// Reads of the REST API while passwords are hashed as fast as the core admits: a flood of logins by password, and beside it one
// reader who asks for a page of users, pauses, and asks again. The reference is the same reader on the same core without the
// flood; both take turns.
import type { LeanClient } from './lean-client.ts';
import { createLoginLoad, type LoginLoad } from './login-load.ts';
import { percentile, rounded, startSubject, token } from './subject.ts';

const roundMs = 4_000;
const rounds = 3;
const atATime = 32;
const pauseMs = 10;
const warmReads = 400;

export async function measureHashing() {
  await using core = await startSubject();
  const load = await createLoginLoad(core);
  for (let n = 0; n < warmReads; n += 1) await read(load.client);
  for (let n = 0; n < atATime; n += 1) await load.passwordLogin();
  const idle: number[] = [];
  const busy: number[] = [];
  let logins = 0;
  for (let round = 0; round < rounds; round += 1) {
    idle.push(...(await reads(load.client)));
    const flood = startFlood(load);
    busy.push(...(await reads(load.client)));
    logins += await flood.stop();
  }
  load.client.close();
  return {
    idle: numbers(idle),
    while_hashing: numbers(busy),
    ratio_p99: rounded(percentile(busy, 0.99) / percentile(idle, 0.99)),
    logins_at_a_time: atATime,
    logins_per_s: rounded((logins * 1000) / (rounds * roundMs)),
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
