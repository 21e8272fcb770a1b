// The RADIUS outpost against FreeRADIUS with a users file: PAP of repeated users with Message-Authenticator both ways, full
// EAP logins by eapol_test, two workers against one, the codec alone, and the match of 100,000 networks. Rounds are
// interleaved, after a time of warming up for both; the server under test runs on the first core, the load on the second, but
// for the workers, where everything runs where it may. Needs freeradius, eapoltest and util-linux.
// Run: npx tsc -b && npx tsx --conditions source test/bench/radius.ts [seconds] [rows]; prints one JSON document. Rows are
// pap, eapTls, eapTtls, eapTlsResumed, eapTtlsResumed, workers, codecPerSecond and matchNs, separated by commas; all of them unless given.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startTestCore, testPassword, testRadiusSecret } from '@gatehouse/core/testing';
import { createTestAuthority, temporaryFolder } from '@gatehouse/daemon/testing';
import { eapolTest } from '@gatehouse/radius/testing';
import { runTool, startDaemon, until } from '../harness/index.ts';
import { startFreeRadius } from '../interop/radius/freeradius.ts';
import { cpuSeconds } from './cpu.ts';
import { benchCodec, benchMatch } from './radius/alone.ts';
import { startBareServer } from './radius/bare.ts';
import { type Load, type LoadResult, runLoad } from './radius/load.ts';
import { benchTlsPair } from './radius/tls-floor.ts';

const seconds = Number(process.argv[2] ?? 3);
const rows = {
  pap: benchPap,
  eapTls: () => benchEap('TLS'),
  eapTtls: () => benchEap('TTLS'),
  eapTlsResumed: () => benchResumed('TLS'),
  eapTtlsResumed: () => benchResumed('TTLS'),
  workers: benchWorkers,
  codecPerSecond: benchCodec,
  matchNs: () => benchMatch(100_000),
};
const wanted = process.argv[3]?.split(',') ?? Object.keys(rows);
const rounds = 3;
const eapLogins = 60;
/**
 * A server that runs for weeks is measured, not its first minute: V8 goes on improving its code over some thousand logins, which
 * native code does not need. eapol_test ends after a minute, so it is called several times.
 */
const eapWarmUps = [250, 250, 250, 250];
/** The same of requests, after which the code of a request no longer changes: 23 µs of CPU before, 17 after. */
const papWarmUp = 400_000;
const pin = (pid: number, core: number) => runTool('taskset', ['-a', '-cp', String(core), String(pid)]);

await using folder = await temporaryFolder();
await using core = await startTestCore();
await using authority = await createTestAuthority();
const people = await makePeople(50);
const server = await authority.issue('radius.example.test', { purpose: 'server', key: 'rsa' });
const client = await authority.issue('bench0', { key: 'rsa' });
const files = await writeFiles();
await setProvider();
const env = {
  AUTHENTIK_HOST: core.url,
  AUTHENTIK_TOKEN: await core.outpostToken('radius'),
  AUTHENTIK_RADIUS__VERDICT_CACHE: '1h',
  AUTHENTIK_RADIUS__EAP_CERTIFICATE: files.certificate,
  AUTHENTIK_RADIUS__EAP_KEY: files.key,
  AUTHENTIK_RADIUS__EAP_CLIENT_CA: files.ca,
  AUTHENTIK_RADIUS__REQUESTS_PER_SOURCE: '10000',
};
await using daemon = await startDaemon('radius', { env });
const updatesOf = ({ lines }: typeof daemon) => lines.filter(({ event }) => event === 'Update providers').length;
await until(() => updatesOf(daemon) >= 1);
await silence(daemon);
await using reference = await startReference(false);
const ours = { port: daemon.bound('radius').port, pid: daemon.pid ?? 0 };
const theirs = { port: reference.port, pid: reference.pid };
await pin(ours.pid, 0);
await pin(theirs.pid, 0);
await pin(process.pid, 1);
await warm(ours);

type Target = typeof ours;
type Round = LoadResult & { readonly cpuUs: number };

async function pap({ port, pid }: Target, shape: Partial<Load>): Promise<Round> {
  const load = {
    port,
    secret: testRadiusSecret,
    people,
    seconds,
    sockets: 16,
    inFlight: 8,
    most: 130_000 * seconds,
    ...shape,
  };
  const before = cpuSeconds(pid);
  const result = await runLoad(load);
  return { ...result, cpuUs: ((cpuSeconds(pid) - before) * 1e6) / Math.max(1, result.answered) };
}

async function benchPap() {
  using bare = await startBareServer();
  await pin(bare.pid, 0);
  const mine: Round[] = [];
  const other: Round[] = [];
  const floor: Round[] = [];
  for (let answered = 0; answered < papWarmUp; ) answered += (await pap(ours, {})).answered;
  for (const target of [theirs, bare]) await pap(target, {});
  for (let round = 0; round < rounds; round++) {
    mine.push(await pap(ours, {}));
    other.push(await pap(theirs, {}));
    floor.push(await pap(bare, {}));
  }
  const rate = (all: readonly Round[]) => median(all.map(({ perSecond }) => perSecond));
  const cpu = (all: readonly Round[]) => median(all.map(({ cpuUs }) => cpuUs));
  const half = await pap(ours, { perSecond: rate(mine) / 2 });
  const theirHalf = await pap(theirs, { perSecond: rate(mine) / 2 });
  const bareHalf = await pap(bare, { perSecond: rate(mine) / 2 });
  return {
    ratio: round2(rate(mine) / rate(other)),
    cpuRatio: round2(cpu(other) / cpu(mine)),
    gatehousePerSecond: Math.round(rate(mine)),
    freeradiusPerSecond: Math.round(rate(other)),
    gatehouseCpuUs: round2(cpu(mine)),
    freeradiusCpuUs: round2(cpu(other)),
    p99MsAtHalfLoad: half.p99Ms,
    freeradiusP99MsAtSameLoad: theirHalf.p99Ms,
    // node:dgram that answers without looking: nothing on Node gets above it, nor below its p99 under this load.
    bareNodePerSecond: Math.round(rate(floor)),
    bareNodeCpuUs: round2(cpu(floor)),
    bareNodeP99MsAtSameLoad: bareHalf.p99Ms,
    wrong: mine.reduce((sum, { wrong }) => sum + wrong, half.wrong),
  };
}

/** Every user's first login goes through the core's flow; what is measured is the repeated user. */
async function warm(target: Target): Promise<void> {
  await until(async () => {
    const { wrong, answered } = await pap(target, { seconds: 3, sockets: 1, inFlight: 8, most: people.length * 3 });
    return wrong === 0 && answered === people.length * 3;
  }, 120_000);
}

/** One process against two, which share the cores with each other and with the load; the last row that needs a daemon. */
async function benchWorkers() {
  for (const pid of [ours.pid, process.pid]) await runTool('taskset', ['-a', '-cp', '0,1', String(pid)]);
  const one: LoadResult[] = [];
  for (let round = 0; round < rounds; round++) one.push(await pap(ours, {}));
  await daemon.stop();
  await using crew = await startDaemon('radius', { env: { ...env, AUTHENTIK_RADIUS__WORKERS: '2' } });
  const both = { port: crew.bound('radius').port, pid: crew.pid ?? 0 };
  await warm(both);
  const two: LoadResult[] = [];
  for (let round = 0; round < rounds; round++) two.push(await pap(both, {}));
  const rate = (all: readonly LoadResult[]) => median(all.map(({ perSecond }) => perSecond));
  return {
    ratio: round2(rate(two) / rate(one)),
    onePerSecond: Math.round(rate(one)),
    twoPerSecond: Math.round(rate(two)),
    wrong: [...one, ...two].reduce((sum, { wrong }) => sum + wrong, 0),
  };
}

/** Milliseconds of CPU per login of one device that comes again and again; where the server lets it, it resumes its session. */
async function eapCost(eap: 'TLS' | 'TTLS', { port, pid }: Target, logins = eapLogins) {
  const given = {
    eap,
    tls: '1.2',
    identity: people[0]?.username ?? '',
    password: people[0]?.password ?? '',
    caPem: authority.caPem,
    secret: testRadiusSecret,
  } as const;
  const before = cpuSeconds(pid);
  const result = await eapolTest(port, { ...given, repeat: logins, ...(eap === 'TLS' ? { client } : {}) });
  if (!result.isSuccess) throw new Error(`EAP-${eap} on port ${port}: ${result.output.slice(-2000)}`);
  const resumed = result.output.match(/Handshake finished - resumed=1/g)?.length ?? 0;
  return { cpuMs: ((cpuSeconds(pid) - before) * 1000) / (logins + 1), resumed };
}

/** The same for logins that resume, the first of each round excepted: of servers of their own, since those above keep nothing. */
async function benchResumed(eap: 'TLS' | 'TTLS') {
  await logAt('info'); // it is up once it says so
  await using daemon = await startDaemon('radius', { env: { ...env, AUTHENTIK_RADIUS__EAP_RESUMPTION: '1h' } });
  await using reference = await startReference(true);
  const mine = { port: daemon.bound('radius').port, pid: daemon.pid ?? 0 };
  const other = { port: reference.port, pid: reference.pid };
  for (const { pid } of [mine, other]) await pin(pid, 0);
  await until(() => updatesOf(daemon) >= 1);
  await silence(daemon);
  for (const logins of eapWarmUps) await eapCost(eap, mine, logins);
  await eapCost(eap, other, 250);
  const costs: Awaited<ReturnType<typeof eapCost>>[][] = [];
  for (let round = 0; round < rounds; round++) costs.push([await eapCost(eap, mine), await eapCost(eap, other)]);
  const of = (server: number) => median(costs.map((round) => round[server]?.cpuMs ?? 0));
  const share = (server: number) => median(costs.map((round) => (round[server]?.resumed ?? 0) / eapLogins));
  return {
    ratio: share(0) === share(1) ? round2(of(0) / of(1)) : null, // full logins are no measure of resumed ones
    gatehouseCpuMs: round2(of(0)),
    freeradiusCpuMs: round2(of(1)),
    gatehouseResumed: round2(share(0)),
    freeradiusResumed: round2(share(1)),
  };
}

/** CPU per full login, resumption off on both sides. */
async function benchEap(eap: 'TLS' | 'TTLS') {
  const cost = async (target: Target, logins?: number) => {
    const { cpuMs, resumed } = await eapCost(eap, target, logins);
    if (resumed > 0) throw new Error('not all of these logins were full ones');
    return cpuMs;
  };
  for (const logins of eapWarmUps) await cost(ours, logins);
  await cost(theirs, 250);
  const mine: number[] = [];
  const other: number[] = [];
  for (let round = 0; round < rounds; round++) {
    mine.push(await cost(ours));
    other.push(await cost(theirs));
  }
  const [gatehouse, freeradius] = [median(mine), median(other)];
  return {
    ratio: round2(gatehouse / freeradius),
    gatehouseCpuMs: round2(gatehouse),
    freeradiusCpuMs: round2(freeradius),
    // Both ends of a bare node:tls handshake in memory: what is left of it for the server is the floor of a login.
    bareTlsPairCpuMs: round2(
      await benchTlsPair({ caPem: authority.caPem, server, ...(eap === 'TLS' ? { client } : {}) }),
    ),
  };
}

const { stdout: freeradiusVersion } = await promisify(execFile)('freeradius', ['-v']);
const measured: Record<string, unknown> = {};
for (const [name, measure] of Object.entries(rows)) if (wanted.includes(name)) measured[name] = await measure();
console.log(
  JSON.stringify(
    {
      date: new Date().toISOString().slice(0, 10),
      machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
      node: process.version,
      freeradius: /Version (\S+?),/.exec(freeradiusVersion)?.[1],
      users: people.length,
      rounds,
      seconds,
      ...measured,
    },
    null,
    2,
  ),
);

async function makePeople(count: number) {
  const { kysely } = core.deps.database;
  const password = await core.deps.passwords.make(testPassword);
  const made = Array.from({ length: count }, (_, at) => ({
    username: `bench${at}`,
    name: `Bench ${at}`,
    email: '',
    password,
  }));
  await kysely.insertInto('users').values(made).execute();
  return made.map(({ username }) => ({ username, password: testPassword }));
}

async function writeFiles() {
  const write = async (name: string, text: string) => {
    await writeFile(join(folder.path, name), text);
    return join(folder.path, name);
  };
  return {
    ca: await write('ca.pem', authority.caPem),
    certificate: await write('server.pem', server.certPem),
    key: await write('server.key', server.keyPem),
  };
}

async function setProvider(): Promise<void> {
  const { results } = await core.call<{ results: { pk: number }[] }>('GET', '/providers/radius/');
  await core.call('PATCH', `/providers/radius/${results[0]?.pk}/`, { local_certificates: true });
}

/**
 * Neither side writes a line per request: the level comes from the core. An outpost reads again at once on the signal and up to
 * nine seconds after the core has told it; each time it forgets its verdicts, so both must be over before it is warmed up.
 */
async function silence(outpost: typeof daemon): Promise<void> {
  const before = updatesOf(outpost);
  await logAt('warning');
  process.kill(outpost.pid ?? 0, 'SIGUSR1');
  await new Promise((resolve) => setTimeout(resolve, 11_000));
  if (updatesOf(outpost) > before + 1) throw new Error('the outpost still logs');
}

async function logAt(level: string): Promise<void> {
  const { results } = await core.call<{ results: { pk: string; type: string }[] }>('GET', '/outposts/instances/');
  const pk = results.find(({ type }) => type === 'radius')?.pk ?? '';
  await core.call('PATCH', `/outposts/instances/${pk}/`, { config: { log_level: level } });
}

function startReference(isResuming: boolean) {
  return startFreeRadius({
    folder: folder.path,
    secret: testRadiusSecret,
    isLoud: false,
    users: people
      .map(
        ({ username, password }) =>
          `${username} Cleartext-Password := "${password}"\n  Filter-Id = "bench",\n  User-Name = "${username}"\n`,
      )
      .join('\n'),
    eapModule: eapModule(isResuming),
  });
}

function eapModule(isResuming: boolean): string {
  return `eap {
    default_eap_type = tls
    timer_expire = 60
    max_sessions = 65536
    tls-config common {
      private_key_file = ${files.key}
      certificate_file = ${files.certificate}
      ca_file = ${files.ca}
      fragment_size = 1000
      check_crl = no
      cipher_list = "DEFAULT"
      tls_min_version = "1.2"
      tls_max_version = "1.3"
      cache {
        enable = ${isResuming ? 'yes' : 'no'}
        lifetime = 1
        name = "bench"
        ${isResuming ? `persist_dir = ${folder.path}` : ''}
      }
    }
    tls {
      tls = common
    }
    ttls {
      tls = common
      virtual_server = inner
    }
  }`;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
