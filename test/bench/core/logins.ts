// What a cold login costs the core: identification, password, login, five requests as an outpost sends them, over kept
// connections. Logins by app password hash nothing, so what they take is the core's own share. The core itself tells it: it
// logs how long each request was with it, its database included. What the client waits beyond that is the kernel and the
// client's own event loop, which has to share two processors with both. The reference, in turns with the logins: as many
// requests that only touch the database, told by both in the same way.
import { createLoginLoad, type LoginLoad, type Waited } from './login-load.ts';
import { percentile, processorMs, rounded, type Subject, startSubject } from './subject.ts';

const seconds = 4;
const rounds = 3;
const loginsPerSecond = 50;
const warmLogins = 600;

export async function measureLogins() {
  await using core = await startSubject({ AUTHENTIK_LOG_LEVEL: 'debug' });
  const load = await createLoginLoad(core);
  for (let n = 0; n < warmLogins; n += 1) await load.coldLogin(n);
  const bare = createTally(core, () => load.bareRequests());
  const logins = createTally(core, (n) => load.coldLogin(n));
  for (let round = 0; round < rounds; round += 1) {
    await bare.run();
    await logins.run();
  }
  load.client.close();
  return {
    at_per_s: loginsPerSecond,
    login: logins.numbers(),
    same_number_of_bare_requests: bare.numbers(),
  };
}

/** Rounds of one kind of work, and what they took. */
function createTally(core: Subject, work: (n: number) => ReturnType<LoginLoad['coldLogin']>) {
  const samples: Waited[] = [];
  let spentMs = 0;
  return {
    async run() {
      const before = await processorMs(core.daemon.pid ?? 0);
      samples.push(...(await paced(work)));
      spentMs += (await processorMs(core.daemon.pid ?? 0)) - before;
    },
    numbers() {
      const took = requestTimes(core);
      const inside = samples.map(({ requests }) => requests.reduce((sum, id) => sum + (took.get(id) ?? Number.NaN), 0));
      const waited = samples.map(({ ms }) => ms);
      return {
        samples: samples.length,
        core_p50_ms: rounded(percentile(inside, 0.5)),
        core_p99_ms: rounded(percentile(inside, 0.99)),
        client_p50_ms: rounded(percentile(waited, 0.5)),
        client_p99_ms: rounded(percentile(waited, 0.99)),
        processor_ms: rounded(spentMs / samples.length),
      };
    },
  };
}

/** What the core says of each request, by id. */
function requestTimes({ daemon }: Subject): ReadonlyMap<string, number> {
  const requests = daemon.lines.filter(({ event }) => event === 'request');
  return new Map(requests.map(({ request_id, took_ms }) => [String(request_id), Number(took_ms)]));
}

/** Starts one every 20 ms, whatever the others do. */
async function paced(run: (n: number) => Promise<Waited>): Promise<Waited[]> {
  const running: Promise<Waited>[] = [];
  const startedMs = performance.now();
  for (let n = 0; n < loginsPerSecond * seconds; n += 1) {
    running.push(run(n));
    const nextMs = startedMs + ((n + 1) * 1000) / loginsPerSecond;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, nextMs - performance.now())));
  }
  return Promise.all(running);
}
