// What is measured, by name; each row starts what it needs and prints ratios to slapd in the same run.
import { until } from '../../harness/index.ts';
import { cpuSeconds } from '../cpu.ts';
import { startBare } from './bare.ts';
import { accountsBase, sent } from './copy.ts';
import { startGeneratedSource } from './generated-core.ts';
import { bindOp, type Load, runJourneys, runLoad, searchOp } from './load.ts';
import { base, boundPerson, type Pair, root, service, startPair } from './pair.ts';
import type { ReferenceSlapd } from './slapd.ts';
import { startRealSource } from './source.ts';

const seconds = Number(process.env['BENCH_SECONDS'] ?? 3);
const rounds = 3;
const small = 10_000;
const large = Number(process.env['BENCH_LARGE'] ?? 100_000);

/** What both servers are asked; `reference` where slapd calls it by another name. */
type Shape = Omit<Load, 'port' | 'seconds' | 'bind'> & { readonly reference?: Load['request'] };

export const rows: Readonly<Record<string, () => Promise<unknown>>> = {
  /** Binds, searches, listings and journeys over the small directory. */
  small: async () => {
    await using pair = await startPair(await startRealSource(small));
    const slapd = await pair.slapd();
    const uid = (at: number) => searchOp(base, `(uid=${pair.people[at % small]?.uid})`, sent);
    const { username } = boundPerson(pair.people);
    const whole = () => searchOp(`ou=users,${base}`, '(objectClass=person)', sent);
    const binds: Shape = {
      connections: 16,
      inFlight: 1,
      request: () => bindOp(`cn=${username},ou=users,${base}`, service.password),
      reference: () => bindOp(`cn=${username},${accountsBase}`, root.password),
    };
    return {
      slapd: slapd.version,
      'the same answers': {
        listing: await pair.requireSame(slapd, whole()),
        everything: await pair.requireSame(slapd, searchOp(base, belowBase, sent)),
        'search by uid': await pair.requireSame(slapd, uid(1)),
      },
      toListeningMs: Math.round(pair.toListeningMs),
      'repeated bind, 16 x 1': await compare(pair, slapd, binds),
      'a bare socket of Node that answers binds, 16 x 1': await compareBare(slapd, binds),
      'search by uid, 16 x 1': await compare(pair, slapd, { connections: 16, inFlight: 1, request: uid }, true),
      'search by uid, 16 x 8': await compare(pair, slapd, { connections: 16, inFlight: 8, request: uid }, true),
      'listing of 10,000 entries': await compare(
        pair,
        slapd,
        { connections: 1, inFlight: 1, request: whole },
        true,
        true,
      ),
      'journey, plain': await compareJourneys(pair, slapd, false, uid),
      'journey, LDAPS': await compareJourneys(pair, slapd, true, uid),
      residentMiB: {
        ldap: await pair.residentMiB(pair.daemon.pid ?? 0),
        slapd: await pair.residentMiB(slapd.pid),
      },
    };
  },
  /** Remembered binds beside first ones, whose passwords a core takes its time to check: elsewhere, not on the processor of the load. */
  cold: async () => {
    await using pair = await startPair(await startGeneratedSource(2_000, 100));
    const rounds: Awaited<ReturnType<typeof coldBinds>>[] = [];
    for (let round = 0; round < 3; round += 1) rounds.push(await coldBinds(pair, 100 + round * 500));
    return rounds.toSorted((one, other) => one.ratio - other.ratio)[1];
  },
  /** Prefixes, memory and refresh of the large directory. */
  large: async () => {
    await using pair = await startPair(await startGeneratedSource(large, large / 20), true);
    const loaded = await pair.residentMiB(pair.daemon.pid ?? 0);
    const longestWhileLoading = await pair.longestBlock();
    const refresh = await refreshOfHundred(pair);
    const filter = '(&(objectClass=user)(|(cn=a*)(mail=a*)))';
    const shape: Shape = { connections: 1, inFlight: 1, request: () => searchOp(base, filter, ['cn', 'mail']) };
    await warm(pair, shape); // the indexes that the filter needs are made when it first comes
    const within = (at: number) => searchOp(base, `(&(objectClass=user)(mail=*bench${1000 + (at % 9000)}@*))`, ['cn']);
    const parts: Shape = { connections: 1, inFlight: 1, request: within };
    await warm(pair, parts);
    // Read before slapd is there, whose threads take turns on the same processor.
    const longestAfterwards = await pair.longestBlock();
    const bare = await pair.slapd([]);
    const same = await pair.requireSame(bare, searchOp(base, filter, sent));
    const unindexed = await compare(pair, bare, shape, true);
    const unindexedResidentMiB = await pair.residentMiB(bare.pid);
    await bare[Symbol.asyncDispose]();
    const withParts = await pair.slapd();
    const indexed = await compare(pair, withParts, shape, true);
    const texts = await compare(pair, withParts, parts, true);
    return {
      users: large,
      groups: large / 20,
      loadedAfterMs: Math.round(pair.toLoadedMs),
      'the same answers': same,
      'prefixes, slapd without those indexes': unindexed,
      'prefixes, slapd with those indexes': indexed,
      'texts within, slapd with an index of parts': texts,
      residentMiB: {
        loaded,
        afterSearches: await pair.residentMiB(pair.daemon.pid ?? 0),
        slapd: unindexedResidentMiB,
      },
      refresh,
      eventLoop: { longestWhileLoading, longestAfterwards },
    };
  },
};

/** All but the base, whose name is in small letters there. */
const belowBase = '(!(objectClass=domain))';

async function warm({ daemon }: Pair, shape: Shape) {
  const port = daemon.bound('ldap').port;
  for (let round = 0; round < 3; round += 1) await runLoad({ ...shape, port, seconds: 0.5, bind: service });
}

/** Medians of interleaved rounds. */
async function compare({ daemon }: Pair, slapd: ReferenceSlapd, shape: Shape, bound = false, countsEntries = false) {
  const ours = { pid: daemon.pid ?? 0, port: daemon.bound('ldap').port };
  return compareServers(ours, slapd, shape, { bound, countsEntries });
}

/** How far a server of Node can get at all. */
async function compareBare(slapd: ReferenceSlapd, shape: Shape) {
  await using bare = await startBare();
  const { ratio, gatehousePerSecond: perSecond, gatehouseCpuUs: cpuUs } = await compareServers(bare, slapd, shape);
  return { ratio, perSecond, cpuUs };
}

async function compareServers(
  ours: { readonly pid: number; readonly port: number },
  slapd: ReferenceSlapd,
  shape: Shape,
  { bound = false, countsEntries = false }: { readonly bound?: boolean; readonly countsEntries?: boolean } = {},
) {
  const sides = new Sides(ours.pid, slapd.pid);
  let p99Ms = 0;
  let slapdP99Ms = 0;
  const run = async (port: number, bind: typeof service, request = shape.request) => {
    const result = await runLoad({ ...shape, request, port, seconds, ...(bound ? { bind } : {}) });
    return { ...result, count: countsEntries ? result.entries : result.perSecond * seconds };
  };
  await sides.measure(
    async () => {
      const result = await run(ours.port, service);
      p99Ms = result.p99Ms;
      return result.count;
    },
    async () => {
      const result = await run(slapd.port, root, shape.reference);
      slapdP99Ms = result.p99Ms;
      return result.count;
    },
  );
  return { ...sides.result(), p99Ms: round2(p99Ms), slapdP99Ms: round2(slapdP99Ms) };
}

async function compareJourneys(
  pair: Pair,
  slapd: ReferenceSlapd,
  secure: boolean,
  search: (at: number) => ReturnType<typeof searchOp>,
) {
  const shape = { secure, parallel: 8, seconds, search };
  const sides = new Sides(pair.daemon.pid ?? 0, slapd.pid);
  const port = pair.daemon.bound(secure ? 'ldaps' : 'ldap').port;
  await sides.measure(
    async () => (await runJourneys({ ...shape, port, bind: service })) * seconds,
    async () => (await runJourneys({ ...shape, port: secure ? slapd.securePort : slapd.port, bind: root })) * seconds,
  );
  return sides.result();
}

/** What each of the two got done in its turns, and the time of a processor that it took for one of them. */
class Sides {
  readonly #pids: readonly [number, number];
  readonly #counts: readonly [number[], number[]] = [[], []];
  readonly #cpuUs: readonly [number[], number[]] = [[], []];

  constructor(ours: number, theirs: number) {
    this.#pids = [ours, theirs];
  }

  /** @param ours what was done in `seconds` */
  async measure(ours: () => Promise<number>, theirs: () => Promise<number>): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      await this.#turn(0, ours);
      await this.#turn(1, theirs);
    }
  }

  result() {
    const [mine, reference] = [median(this.#counts[0]), median(this.#counts[1])];
    return {
      ratio: round2(mine / reference),
      gatehousePerSecond: Math.round(mine / seconds),
      slapdPerSecond: Math.round(reference / seconds),
      gatehouseCpuUs: round2(median(this.#cpuUs[0])),
      slapdCpuUs: round2(median(this.#cpuUs[1])),
    };
  }

  async #turn(side: 0 | 1, run: () => Promise<number>): Promise<void> {
    const before = cpuSeconds(this.#pids[side]);
    const count = await run();
    this.#counts[side].push(count);
    this.#cpuUs[side].push(((cpuSeconds(this.#pids[side]) - before) * 1e6) / Math.max(1, count));
  }
}

/** p99 of repeated binds, alone and while twenty people a second bind for the first time. */
async function coldBinds(pair: Pair, first: number) {
  const somebody = `cn=${boundPerson(pair.people).username},ou=users,${base}`;
  const port = pair.daemon.bound('ldap').port;
  const repeated = () =>
    runLoad({ port, connections: 16, inFlight: 1, seconds, request: () => bindOp(somebody, service.password) });
  const idle = await repeated();
  let next = first;
  const cold = setInterval(() => {
    const { username } = pair.people[next] ?? { username: '' };
    next += 1;
    void runLoad({
      port,
      connections: 1,
      inFlight: 1,
      seconds: 0.001,
      request: () => bindOp(`cn=${username},ou=users,${base}`, service.password),
    }).catch(() => undefined); // one that is not through when the row ends
  }, 50);
  const busy = await repeated();
  clearInterval(cold);
  return { idleP99Ms: round2(idle.p99Ms), busyP99Ms: round2(busy.p99Ms), ratio: round2(busy.p99Ms / idle.p99Ms) };
}

/** A hundred users changed in one commit: what the outpost spends on it, and how soon a search shows it. */
async function refreshOfHundred(pair: Pair) {
  const sample = 'authentik_outpost_ldap_directory_refresh_seconds_sum';
  const before = await pair.metric(sample);
  const name = `Renamed ${Date.now()}`;
  const startedMs = performance.now();
  await pair.source.rename(pair.people.slice(0, 100), name);
  process.kill(pair.daemon.pid ?? 0, 'SIGUSR1'); // a core that pushes has told already
  const port = pair.daemon.bound('ldap').port;
  const last = `(&(cn=${pair.people[99]?.username})(displayName=${name}))`;
  await until(async () => {
    const request = () => searchOp(`ou=users,${base}`, last);
    return (await runLoad({ port, connections: 1, inFlight: 1, seconds: 0.005, bind: service, request })).entries > 0;
  }, 60_000);
  const seenMs = performance.now() - startedMs;
  return { refreshMs: Math.round(((await pair.metric(sample)) - before) * 1000), seenAfterMs: Math.round(seenMs) };
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

function round2(value: number): number {
  return Number(value.toFixed(2));
}
