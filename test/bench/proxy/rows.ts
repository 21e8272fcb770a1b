// The rows of the proxy's figures: what each measures, and against what.
import { join } from 'node:path';
import { proxyBulk } from '@gatehouse/proxy/testing';
import { freePort } from '../../harness/index.ts';
import { measure, type Request } from './load.ts';
import { measurePaced } from './paced-load.ts';
import { cpuMs, type Running, startProxy, waitedMs } from './servers.ts';
import { login } from './session.ts';
import { browserRequest, type Subjects } from './subjects.ts';
import { transfer } from './transfer.ts';

export interface Settings {
  readonly seconds: number;
  readonly rounds: number;
  /** Sent each way in `transfer`. */
  readonly gigabytes: number;
}

type Row = (subjects: Subjects, settings: Settings) => Promise<object>;

const connections = 64;

export const rows: Readonly<Record<string, Row>> = {
  async 'forward-auth'({ daemon, bareAuth, loggingAuth, requests, pin }, settings) {
    const contestants = {
      subject: { server: daemon, request: requests.auth },
      bare: { server: bareAuth, request: requests.auth },
      logging: { server: loggingAuth, request: requests.auth },
    };
    const compared = await compare(pin, settings, contestants);
    const perSecond = Math.round((compared.medians['subject']?.perSecond ?? 0) / 2);
    return { ...compared, halfLoad: await atRate(contestants, settings, perSecond) };
  },
  small: ({ daemon, bareSmall, caddy, requests, pin }, settings) =>
    compare(pin, settings, {
      subject: { server: daemon, request: requests.page('/small') },
      bare: { server: bareSmall, request: requests.page('/small') },
      caddy: { server: caddy, request: requests.page('/small', `proxied.localhost:${caddy.port}`) },
    }),
  large: ({ daemon, relay, requests, pin }, settings) =>
    compare(pin, settings, {
      subject: { server: daemon, request: requests.page('/large'), connections: 16 },
      relay: { server: relay, request: requests.page('/large'), connections: 16 },
    }),
  async transfer({ daemon, bulkHeaders, pin }, { gigabytes }) {
    await pin(false);
    const to = { port: daemon.port, pid: daemon.pid, headers: bulkHeaders, gigabytes };
    return {
      up: await transfer('up', to),
      chunked: await transfer('chunked', to),
      down: await transfer('down', to),
    };
  },
  workers,
  bulk: async () => proxyBulk({ providers: 5_000, sessions: 50_000 }),
};

interface Contestant {
  readonly server: Running;
  readonly request: Request;
  readonly connections?: number;
}

interface Sample {
  readonly perSecond: number;
  readonly p99Ms: number;
  /** CPU time of the server per answer. */
  readonly cpuUs: number;
  readonly failed: number;
}

/** Rounds of all contestants in turn; medians, and the subject's ratio to each of the others by rate and by CPU time. */
async function compare(
  pin: Subjects['pin'],
  settings: Settings,
  contestants: Readonly<Record<'subject' | string, Contestant>>,
): Promise<{ readonly ratios: object; readonly medians: Readonly<Record<string, Sample>> }> {
  await pin(true);
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round < settings.rounds; round++) {
    for (const [name, contestant] of Object.entries(contestants)) {
      samples.set(name, [...(samples.get(name) ?? []), await sample(contestant, settings.seconds)]);
    }
  }
  const medians = Object.fromEntries([...samples].map(([name, of]) => [name, median(of)]));
  const { subject, ...others } = medians;
  if (subject === undefined) throw new Error('nothing is measured');
  const ratios = Object.entries(others).map(([name, { perSecond, cpuUs }]) => [
    name,
    { rate: rounded(subject.perSecond / perSecond), cpu: rounded(cpuUs / subject.cpuUs) },
  ]);
  return { ratios: Object.fromEntries(ratios), medians };
}

/**
 * How long answers take while the server has time to spare: the same rate for all, given out whatever becomes of it. `waited`
 * is the share of the time that the server was ready to run and had no core: what of its latency is the machine's.
 */
async function atRate(
  contestants: Readonly<Record<string, Contestant>>,
  { rounds, seconds }: Settings,
  perSecond: number,
): Promise<object> {
  const taken = new Map<string, { p50Ms: number; p99Ms: number; failed: number; waited: number }[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, { server, request }] of Object.entries(contestants)) {
      const before = waitedMs(server.pid);
      const load = { port: server.port, request, connections, seconds };
      const { p50Ms, p99Ms, failed } = await measurePaced(load, perSecond);
      const waited = rounded((waitedMs(server.pid) - before) / (seconds * 1_000));
      taken.set(name, [...(taken.get(name) ?? []), { p50Ms, p99Ms, failed, waited }]);
    }
  }
  const medians = [...taken].map(([name, of]) => {
    const sorted = of.toSorted((one, other) => one.p99Ms - other.p99Ms);
    return [name, sorted[Math.floor(sorted.length / 2)]];
  });
  return { perSecond, ...Object.fromEntries(medians) };
}

async function sample({ server, request, connections: count = connections }: Contestant, seconds: number) {
  const before = cpuMs(server.pid);
  const measured = await measure({ port: server.port, request, connections: count, seconds });
  const cpuUs = Number((((cpuMs(server.pid) - before) * 1_000) / measured.answers).toFixed(1));
  return { perSecond: measured.perSecond, p99Ms: measured.p99Ms, failed: measured.failed, cpuUs };
}

/**
 * Two workers against one on the same two cores, nothing pinned: load and application want their share as well. Beside it
 * what two processes of bare node:http are to one on this machine, without an application: more is not to be had. Rounds are
 * short and many, there and back, and the ratio is the median of the rounds' own, so that what disturbs the machine disturbs
 * both. `cpuRatio` is what two workers would be to one on cores of their own: by the CPU time of an answer, with all of them
 * at work on these two.
 */
async function workers(subjects: Subjects, settings: Settings): Promise<object> {
  const { bareSmall, bareSmallTwice, folder, issuer, pin, requests } = subjects;
  const [seconds, rounds] = [Math.ceil(settings.seconds / 2), settings.rounds * 3];
  await pin(false);
  const proxies: Contestant[] = [];
  for (const count of [1, 2]) {
    const port = await freePort();
    const env = { AKPROXY_WORKERS: String(count), AKPROXY_SESSION__PATH: join(folder, `sessions-${count}`) };
    const server = await startProxy({ folder, issuer, port, env });
    const cookie = await login('proxied.localhost', port);
    proxies.push({ server, request: browserRequest('/small', ['Host: proxied.localhost', `Cookie: ${cookie}`]) });
  }
  const bare = [bareSmall, bareSmallTwice].map((server) => ({ server, request: requests.page('/small') }));
  const all = [...proxies, ...bare];
  // Compiled by then: each of two processes sees half of the requests.
  for (const contestant of all) await sample(contestant, settings.seconds * 3);
  const taken: Sample[][] = [[], [], [], []];
  for (let round = 0; round < rounds; round++) {
    for (const [at, contestant] of round % 2 === 0 ? all.entries() : [...all.entries()].toReversed())
      taken[at]?.push(await sample(contestant, seconds));
  }
  for (const { server } of proxies) await server.stop();
  const [ours, bares] = [pairs(taken[0], taken[1]), pairs(taken[2], taken[3])];
  const rates = (of: readonly Pair[]) => of.map(({ rate }) => rate);
  const cpus = (of: readonly Pair[]) => of.map(({ cpu }) => cpu);
  const [one, two, bareOne, bareTwo] = taken.map(median);
  return {
    ratio: middle(rates(ours)),
    bareRatio: middle(rates(bares)),
    cpuRatio: middle(cpus(ours)),
    bareCpuRatio: middle(cpus(bares)),
    ratios: rates(ours),
    bareRatios: rates(bares),
    one,
    two,
    bareOne,
    bareTwo,
  };
}

/** Two beside one, of one round. */
interface Pair {
  readonly rate: number;
  readonly cpu: number;
}

function pairs(ones: readonly Sample[] = [], twos: readonly Sample[] = []): Pair[] {
  return ones.flatMap((one, round) => {
    const two = twos[round];
    if (two === undefined) return [];
    return [{ rate: rounded(two.perSecond / one.perSecond), cpu: rounded((2 * one.cpuUs) / two.cpuUs) }];
  });
}

function middle(of: readonly number[]): number | undefined {
  return of.toSorted((one, other) => one - other)[Math.floor(of.length / 2)];
}

function median(samples: readonly Sample[]): Sample {
  const sorted = samples.toSorted((one, other) => one.perSecond - other.perSecond);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('no samples');
  return middle;
}

function rounded(value: number): number {
  return Number(value.toFixed(2));
}
