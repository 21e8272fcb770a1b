// What a cold login costs the core: identification, password, login, five requests as an outpost sends them, over kept
// connections by a client that does nothing else. Logins by app password hash nothing, so the time they wait for answers is
// the core's own share; logins by password keep the hashing thread busy, while reads of the REST API go on. References are
// measured in the same run: as many requests that only touch the database, and the same reads on an idle core.
import { createLeanClient, type LeanClient } from './lean-client.ts';
import { password, percentile, processorMs, rounded, type Subject, startSubject, token } from './subject.ts';

const seconds = 8;
const loginsPerSecond = 50;
const floodConcurrency = 32;
const people = 50;
const warmLogins = 400;
/** GET, POST and where it leads, POST and where it leads. */
const requestsPerLogin = 5;

interface Person {
  readonly name: string;
  readonly key: string;
}

export async function measureLogins() {
  await using core = await startSubject();
  const client = createLeanClient(core.url.slice(0, -1));
  const persons = await makePersons(core);
  await appPasswordFlow(core);
  const headers = await outpostHeaders(core);
  const logIn = (n: number) => login(client, { slug: 'bench', headers, ...persons[n % people] });
  const spent = async (work: () => Promise<number[]>) => {
    const before = await processorMs(core.daemon.pid ?? 0);
    const samples = await work();
    return { samples, each: rounded(((await processorMs(core.daemon.pid ?? 0)) - before) / samples.length) };
  };
  for (let n = 0; n < warmLogins; n += 1) await logIn(n);
  const bare = await spent(() => paced(() => bareRequests(client)));
  const logins = await spent(() => paced(logIn));
  const idle = await reads(client);
  const flood = { stop: false, done: 0 };
  const flooding = Array.from({ length: floodConcurrency }, () => floodLogins(client, flood));
  const busy = await reads(client);
  flood.stop = true;
  await Promise.all(flooding);
  client.close();
  return {
    at_per_s: loginsPerSecond,
    login: { ...numbers(logins.samples), processor_ms: logins.each },
    same_number_of_bare_requests: { ...numbers(bare.samples), processor_ms: bare.each },
    reads: {
      idle: numbers(idle),
      while_hashing: numbers(busy),
      ratio_p99: rounded(percentile(busy, 0.99) / percentile(idle, 0.99)),
      at_a_time: floodConcurrency,
      password_logins_per_s: rounded(flood.done / seconds),
    },
  };
}

const numbers = (samples: readonly number[]) => ({
  samples: samples.length,
  p50_ms: rounded(percentile(samples, 0.5)),
  p99_ms: rounded(percentile(samples, 0.99)),
});

/** @returns milliseconds spent waiting for answers */
async function login(
  client: LeanClient,
  {
    slug,
    name = '',
    key = '',
    headers = {},
  }: { slug: string; headers?: Readonly<Record<string, string>> } & Partial<Person>,
): Promise<number> {
  const visitor = client.visitor(headers);
  await visitor.flow(slug);
  await visitor.flow(slug, { uid_field: name });
  const { body } = await visitor.flow(slug, { password: key });
  if (!body.includes('xak-flow-redirect')) throw new Error(`${name} got ${body}`);
  return visitor.waitedMs;
}

async function bareRequests(client: LeanClient): Promise<number> {
  const startedMs = performance.now();
  for (let n = 0; n < requestsPerLogin; n += 1) await client.get('/-/health/ready/');
  return performance.now() - startedMs;
}

async function floodLogins(client: LeanClient, state: { stop: boolean; done: number }): Promise<void> {
  while (!state.stop) {
    await login(client, { slug: 'default-authentication-flow', name: 'akadmin', key: password });
    state.done += 1;
  }
}

/** One at a time, with pauses: what is measured is the answer, not a queue of our own. */
async function reads(client: LeanClient): Promise<number[]> {
  const samples: number[] = [];
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    const startedMs = performance.now();
    const { status } = await client.get('/api/v3/core/users/?page_size=20', { authorization: `Bearer ${token}` });
    samples.push(performance.now() - startedMs);
    if (status !== 200) throw new Error(`The page of users answered ${status}.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return samples;
}

/** Starts one every 20 ms, whatever the others do. */
async function paced(run: (n: number) => Promise<number>): Promise<number[]> {
  const running: Promise<number>[] = [];
  const startedMs = performance.now();
  for (let n = 0; n < loginsPerSecond * seconds; n += 1) {
    running.push(run(n));
    const nextMs = startedMs + ((n + 1) * 1000) / loginsPerSecond;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, nextMs - performance.now())));
  }
  return Promise.all(running);
}

/** How an outpost says for whom it speaks. */
async function outpostHeaders(core: Subject): Promise<Readonly<Record<string, string>>> {
  const { results } = await core.call<{ results: { token_identifier: string }[] }>('GET', '/outposts/instances/');
  const { key } = await core.call<{ key: string }>('GET', `/core/tokens/${results[0]?.token_identifier}/view_key/`);
  return { 'x-authentik-remote-ip': '192.0.2.7', 'x-authentik-outpost-token': key };
}

async function makePersons(core: Subject): Promise<Person[]> {
  const made: Person[] = [];
  for (let n = 0; n < people; n += 1) {
    const name = `bench-${n}`;
    const { pk } = await core.call<{ pk: number }>('POST', '/core/users/', { username: name, name });
    await core.call('POST', '/core/tokens/', { identifier: `bench-${n}`, intent: 'app_password', user: pk });
    const { key } = await core.call<{ key: string }>('GET', `/core/tokens/bench-${n}/view_key/`);
    made.push({ name, key });
  }
  return made;
}

async function appPasswordFlow(core: Subject): Promise<void> {
  const stageNamed = async (path: string, name: string) =>
    (await core.call<{ results: { pk: string }[] }>('GET', `/stages/${path}/?name=${name}`)).results[0]?.pk;
  const { pk: byToken } = await core.call<{ pk: string }>('POST', '/stages/password/', {
    name: 'app passwords only',
    backends: ['authentik.core.auth.TokenBackend'],
  });
  const given = { name: 'bench', slug: 'bench', title: 'bench', designation: 'authentication' };
  const flow = await core.call<{ pk: string }>('POST', '/flows/instances/', given);
  const stages = [
    await stageNamed('identification', 'default-authentication-identification'),
    byToken,
    await stageNamed('user_login', 'default-authentication-login'),
  ];
  for (const [at, stage] of stages.entries())
    await core.call('POST', '/flows/bindings/', { target: flow.pk, stage, order: at });
}
