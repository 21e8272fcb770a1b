// The LDAP outpost against slapd: repeated binds, searches by uid, listings; starting times and memory. Rounds are
// interleaved; servers run on the first core, the load on the second. Needs `slapd` and `taskset`.
// Run: npx tsc -b && npx tsx --conditions source test/bench/ldap.ts [seconds] [users]; prints one JSON document.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { startTestCore, testPassword } from '@gatehouse/core/testing';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { runTool, startDaemon, until } from '../harness/index.ts';
import { bindOp, type Load, runLoad, searchOp } from './ldap/load.ts';
import { type Person, startSlapd } from './ldap/slapd.ts';

const seconds = Number(process.argv[2] ?? 4);
const count = Number(process.argv[3] ?? 10_000);
const rounds = 3;
const base = 'dc=ldap,dc=goauthentik,dc=io';
const pin = (pid: number, core: number) => runTool('taskset', ['-a', '-cp', String(core), String(pid)]);

await using folder = await temporaryFolder();
await using core = await startTestCore();
const people = await makePeople();
const beganMs = performance.now();
await using daemon = await startDaemon('ldap', {
  env: {
    AUTHENTIK_HOST: core.url,
    AUTHENTIK_TOKEN: await core.outpostToken('ldap'),
    AUTHENTIK_LDAP__PAGE_SIZE: '100',
    AUTHENTIK_LDAP__PROXY_PROTOCOL: 'off',
  },
});
const toListeningMs = performance.now() - beganMs;
await silenceOutpost();
await using slapd = await startSlapd(folder.path, people, testPassword);
const service = { name: `cn=ldapservice,ou=users,${base}`, password: testPassword };
const root = { name: `cn=root,${base}`, password: testPassword };
await until(async () => (await run(daemon.bound('ldap').port, service, 0.2, 'search')).entries > 0, 60_000);
await pin(daemon.pid ?? 0, 0);
await pin(slapd.pid, 0);
await pin(process.pid, 1);

const somebody = { name: `cn=${people[5]?.username},ou=users,${base}`, password: testPassword };
type Kind = 'bind' | 'search' | 'search x8' | 'listing';

function run(port: number, who: { name: string; password: string }, time: number, kind: Kind) {
  const pick = (at: number) => people[at % people.length]?.uid ?? '';
  const shapes: Record<Kind, Omit<Load, 'port' | 'seconds'>> = {
    bind: { connections: 16, inFlight: 1, request: () => bindOp(somebody.name, somebody.password) },
    search: { connections: 16, inFlight: 1, bind: who, request: (at) => searchOp(base, `(uid=${pick(at)})`) },
    'search x8': { connections: 16, inFlight: 8, bind: who, request: (at) => searchOp(base, `(uid=${pick(at)})`) },
    listing: {
      connections: 1,
      inFlight: 1,
      bind: who,
      request: () => searchOp(`ou=users,${base}`, '(objectClass=person)'),
    },
  };
  return runLoad({ ...shapes[kind], port, seconds: time });
}

const results: Record<string, unknown> = {};
for (const kind of ['bind', 'search', 'search x8', 'listing'] as const) {
  const ours: number[] = [];
  const theirs: number[] = [];
  let p99Ms = 0;
  for (let round = 0; round < rounds; round += 1) {
    const mine = await run(daemon.bound('ldap').port, service, seconds, kind);
    const reference = await run(slapd.port, root, seconds, kind);
    const rate = (result: typeof mine) => (kind === 'listing' ? result.entries / seconds : result.perSecond);
    ours.push(rate(mine));
    theirs.push(rate(reference));
    p99Ms = mine.p99Ms;
  }
  const [mine, reference] = [median(ours), median(theirs)];
  results[kind] = {
    ratio: Number((mine / reference).toFixed(2)),
    gatehousePerSecond: Math.round(mine),
    slapdPerSecond: Math.round(reference),
    p99Ms: Number(p99Ms.toFixed(2)),
  };
}
console.log(
  JSON.stringify(
    {
      date: new Date().toISOString().slice(0, 10),
      machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
      node: process.version,
      slapd: slapd.version,
      users: people.length,
      rounds,
      seconds,
      results,
      toListeningMs: Math.round(toListeningMs),
      residentMiB: { ldap: await resident(daemon.pid ?? 0), slapd: await resident(slapd.pid) },
    },
    null,
    2,
  ),
);

/** Neither side writes a line per request. */
async function silenceOutpost(): Promise<void> {
  const { results: outposts } = await core.call<{ results: { pk: string; type: string }[] }>(
    'GET',
    '/outposts/instances/',
  );
  const pk = outposts.find(({ type }) => type === 'ldap')?.pk ?? '';
  await core.call('PATCH', `/outposts/instances/${pk}/`, { config: { log_level: 'error' } });
  process.kill(daemon.pid ?? 0, 'SIGUSR1');
}

/** Rows straight into the database: what is measured is the outpost. */
async function makePeople(): Promise<Person[]> {
  const { kysely } = core.deps.database;
  const encoded = await core.deps.passwords.make(testPassword);
  const rows = Array.from({ length: count }, (_, at) => ({
    username: `bench${at}`,
    name: `Bench Person ${at}`,
    email: `bench${at}@example.org`,
    password: encoded,
    attributes: JSON.stringify({ description: 'x'.repeat(200) }),
  }));
  const made: Person[] = [];
  for (let at = 0; at < rows.length; at += 1_000) {
    const stored = await kysely
      .insertInto('users')
      .values(rows.slice(at, at + 1_000))
      .returning(['id', 'username', 'name', 'email'])
      .execute();
    for (const { id, username, name, email } of stored) {
      const uid = createHash('sha256').update(`${id}-${core.deps.installationId}`).digest('hex');
      made.push({ username, uid, name, mail: email });
    }
  }
  return made;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

async function resident(pid: number): Promise<number> {
  const status = await readFile(join('/proc', String(pid), 'status'), 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}
