// What a cold login costs the core. Logins by app password hash nothing, so their time is the core's own share; logins by
// password fill the hashing threads, while reads of the REST API go on. References are measured in the same run: requests
// that only touch the database, and the same reads on an idle core.
// Run: npx tsc -b && npx tsx --conditions source test/bench/core/logins.ts [seconds]; prints one JSON document.
import { cpus } from 'node:os';
import { password, percentile, rounded, type Subject, startSubject } from './subject.ts';

const seconds = Number(process.argv[2] ?? 10);
const loginsPerSecond = 50;
const floodConcurrency = 32;
/** GET, POST and where it leads, POST and where it leads. */
const requestsPerLogin = 5;

await using core = await startSubject();
const users = await makeUsers(core, 50);
const slug = await appPasswordFlow(core);

const bare = await paced(async () => timed(async () => void (await probe(core)), requestsPerLogin));
const share = await paced(async (n) =>
  timed(() => login(core, slug, users[n % users.length]?.name, users[n % users.length]?.key)),
);
const idle = await reads(core, seconds);
const flood = { stop: false, done: 0 };
const flooding = Array.from({ length: floodConcurrency }, () => floodLogins(core, flood));
const busy = await reads(core, seconds);
flood.stop = true;
await Promise.all(flooding);

const numbers = (samples: readonly number[]) => ({
  samples: samples.length,
  p50_ms: rounded(percentile(samples, 0.5)),
  p99_ms: rounded(percentile(samples, 0.99)),
});
process.stdout.write(
  `${JSON.stringify(
    {
      date: new Date().toISOString(),
      machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
      what: `cold logins at ${loginsPerSecond}/s, without the hash; aim: p99 <= 10 ms`,
      login: numbers(share),
      same_number_of_bare_requests: numbers(bare),
      ratio_p50: rounded(percentile(share, 0.5) / percentile(bare, 0.5)),
      reads: {
        what: `GET /core/users/?page_size=20 while ${floodConcurrency} at a time log in by password; aim: p99 <= 2 x idle`,
        idle: numbers(idle),
        while_hashing: numbers(busy),
        ratio_p99: rounded(percentile(busy, 0.99) / percentile(idle, 0.99)),
        password_logins_per_second: rounded(flood.done / seconds),
      },
    },
    null,
    2,
  )}\n`,
);

/** Identification, password, login: looked at, answered, redirected. */
async function login({ url }: Subject, flow: string, name = '', key = ''): Promise<void> {
  const visitor = core.visitor();
  await visitor.flow(flow);
  await visitor.flow(flow, { uid_field: name });
  const { component } = await visitor.flow(flow, { password: key });
  if (component !== 'xak-flow-redirect') throw new Error(`${name} at ${url} got ${component}`);
}

async function floodLogins(subject: Subject, state: { stop: boolean; done: number }): Promise<void> {
  while (!state.stop) {
    const visitor = subject.visitor();
    await visitor.flow('default-authentication-flow');
    await visitor.flow('default-authentication-flow', { uid_field: 'akadmin' });
    await visitor.flow('default-authentication-flow', { password });
    state.done += 1;
  }
}

/** One at a time, with pauses: what is measured is the answer, not a queue of our own. */
async function reads(subject: Subject, forSeconds: number): Promise<number[]> {
  const samples: number[] = [];
  const end = performance.now() + forSeconds * 1000;
  while (performance.now() < end) {
    samples.push(await timed(async () => void (await subject.call('GET', '/core/users/?page_size=20'))));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return samples;
}

/** Starts one every 20 ms, whatever the others do. */
async function paced(run: (n: number) => Promise<number>): Promise<number[]> {
  const running: Promise<number>[] = [];
  for (let n = 0; n < loginsPerSecond * seconds; n += 1) {
    running.push(run(n));
    await new Promise((resolve) => setTimeout(resolve, 1000 / loginsPerSecond));
  }
  return Promise.all(running);
}

async function timed(work: () => Promise<void>, times = 1): Promise<number> {
  const started = performance.now();
  for (let n = 0; n < times; n += 1) await work();
  return performance.now() - started;
}

async function probe({ url }: Subject): Promise<void> {
  await (await fetch(`${url}-/health/ready/`)).arrayBuffer();
}

async function makeUsers(subject: Subject, count: number): Promise<{ name: string; key: string }[]> {
  const made: { name: string; key: string }[] = [];
  for (let n = 0; n < count; n += 1) {
    const name = `bench-${n}`;
    const { pk } = await subject.call<{ pk: number }>('POST', '/core/users/', { username: name, name });
    await subject.call('POST', '/core/tokens/', { identifier: `bench-${n}`, intent: 'app_password', user: pk });
    const { key } = await subject.call<{ key: string }>('GET', `/core/tokens/bench-${n}/view_key/`);
    made.push({ name, key });
  }
  return made;
}

async function appPasswordFlow(subject: Subject): Promise<string> {
  const stageNamed = async (path: string, name: string) =>
    (await subject.call<{ results: { pk: string }[] }>('GET', `/stages/${path}/?name=${name}`)).results[0]?.pk;
  const { pk: byToken } = await subject.call<{ pk: string }>('POST', '/stages/password/', {
    name: 'app passwords only',
    backends: ['authentik.core.auth.TokenBackend'],
  });
  const given = { name: 'bench', slug: 'bench', title: 'bench', designation: 'authentication' };
  const flow = await subject.call<{ pk: string }>('POST', '/flows/instances/', given);
  const stages = [
    await stageNamed('identification', 'default-authentication-identification'),
    byToken,
    await stageNamed('user_login', 'default-authentication-login'),
  ];
  for (const [at, stage] of stages.entries())
    await subject.call('POST', '/flows/bindings/', { target: flow.pk, stage, order: at });
  return 'bench';
}
