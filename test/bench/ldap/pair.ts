// An LDAP outpost with its core, and slapd beside it, with the same users: servers on the first CPU, core and load on the
// second.
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startTestCore, type TestCore, testPassword } from '@gatehouse/core/testing';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import { type RunningDaemon, runTool, startDaemon, until } from '../../harness/index.ts';
import { runLoad, searchOp } from './load.ts';
import { type Person, type Slapd, startSlapd } from './slapd.ts';

export const base = 'dc=ldap,dc=goauthentik,dc=io';
export const service = { name: `cn=ldapservice,ou=users,${base}`, password: testPassword };
export const root = { name: `cn=root,${base}`, password: testPassword };

export interface Pair extends AsyncDisposable {
  readonly core: TestCore;
  readonly daemon: RunningDaemon;
  readonly people: readonly Person[];
  readonly toListeningMs: number;
  /** One more slapd with the same people. */
  slapd(indexed?: readonly string[]): Promise<Slapd>;
  /** A sample of the outpost's metrics, by name and labels as printed. */
  metric(sample: string): Promise<number>;
  residentMiB(pid: number): Promise<number>;
}

export interface PairOptions {
  readonly users: number;
  readonly groups?: number;
}

export async function startPair({ users, groups = 0 }: PairOptions): Promise<Pair> {
  const folder = await temporaryFolder();
  const core = await startTestCore();
  const people = await makePeople(core, users);
  await makeGroups(core, groups, people);
  const beganMs = performance.now();
  const daemon = await startDaemon('ldap', {
    env: {
      AUTHENTIK_HOST: core.url,
      AUTHENTIK_TOKEN: await core.outpostToken('ldap'),
      AUTHENTIK_LDAP__PAGE_SIZE: '100',
      AUTHENTIK_LDAP__PROXY_PROTOCOL: 'off',
    },
  });
  const toListeningMs = performance.now() - beganMs;
  await silence(core, daemon);
  await until(() => isLoaded(daemon, people), 600_000);
  await pin(daemon.pid ?? 0, 0);
  await pin(process.pid, 1);
  const others: Slapd[] = [];
  return {
    core,
    daemon,
    people,
    toListeningMs,
    async slapd(indexed) {
      const own = join(folder.path, `slapd-${others.length}`);
      await mkdir(own);
      const tls = await selfSignedCertificate();
      const started = await startSlapd({
        folder: own,
        people,
        password: testPassword,
        tls,
        ...(indexed === undefined ? {} : { indexed }),
      });
      await pin(started.pid, 0);
      others.push(started);
      return started;
    },
    async metric(sample) {
      const { host, port } = daemon.bound('metrics');
      const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
      const line = text.split('\n').find((one) => one.startsWith(`${sample} `));
      return Number(line?.split(' ').at(-1) ?? 0);
    },
    async residentMiB(pid) {
      const status = await readFile(join('/proc', String(pid), 'status'), 'utf8');
      return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    },
    async [Symbol.asyncDispose]() {
      for (const one of others) await one[Symbol.asyncDispose]();
      await daemon[Symbol.asyncDispose]();
      await core[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

export function pin(pid: number, cpu: number) {
  return runTool('taskset', ['-a', '-cp', String(cpu), String(pid)]);
}

/** The directory has been read once, and the last user is found. */
async function isLoaded(daemon: RunningDaemon, people: readonly Person[]): Promise<boolean> {
  const { host, port } = daemon.bound('metrics');
  const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
  if (!/^authentik_outpost_ldap_directory_refresh_seconds_count [1-9]/m.test(text)) return false;
  const search = () => searchOp(base, `(uid=${people.at(-1)?.uid})`);
  const found = await runLoad({
    port: daemon.bound('ldap').port,
    connections: 1,
    inFlight: 1,
    seconds: 0.1,
    bind: service,
    request: search,
  });
  return found.entries > 0;
}

/** Neither side writes a line per request. */
async function silence(core: TestCore, daemon: RunningDaemon): Promise<void> {
  const { results } = await core.call<{ results: { pk: string; type: string }[] }>('GET', '/outposts/instances/');
  const pk = results.find(({ type }) => type === 'ldap')?.pk ?? '';
  await core.call('PATCH', `/outposts/instances/${pk}/`, { config: { log_level: 'error' } });
  process.kill(daemon.pid ?? 0, 'SIGUSR1');
}

/** Rows straight into the database: what is measured is the outpost. Names are spread over the alphabet. */
async function makePeople({ deps }: TestCore, count: number): Promise<Person[]> {
  const { kysely } = deps.database;
  const password = await deps.passwords.make(testPassword);
  const made: Person[] = [];
  for (let at = 0; at < count; at += 1_000) {
    const rows = Array.from({ length: Math.min(1_000, count - at) }, (_, offset) => {
      const number = at + offset;
      const letter = String.fromCharCode(97 + (number % 26));
      return {
        username: `${letter}bench${number}`,
        name: `Bench Person ${number}`,
        email: `${letter}bench${number}@example.org`,
        password,
        attributes: JSON.stringify({ description: 'x'.repeat(200) }),
      };
    });
    const stored = await kysely
      .insertInto('users')
      .values(rows)
      .returning(['id', 'username', 'name', 'email'])
      .execute();
    for (const { id, username, name, email } of stored) {
      const uid = createHash('sha256').update(`${id}-${deps.installationId}`).digest('hex');
      made.push({ pk: id, username, uid, name, mail: email });
    }
  }
  return made;
}

/** Everybody is in three of them. */
async function makeGroups({ deps }: TestCore, count: number, people: readonly Person[]): Promise<void> {
  if (count === 0) return;
  const { kysely } = deps.database;
  const groups: string[] = [];
  for (let at = 0; at < count; at += 1_000) {
    const rows = Array.from({ length: Math.min(1_000, count - at) }, (_, offset) => ({
      name: `bench group ${at + offset}`,
    }));
    const stored = await kysely.insertInto('groups').values(rows).returning('uuid').execute();
    groups.push(...stored.map(({ uuid }) => uuid));
  }
  for (let at = 0; at < people.length; at += 2_000) {
    const rows = people
      .slice(at, at + 2_000)
      .flatMap(({ pk }) =>
        [1, 7, 13].map((factor) => ({ user_id: pk, group_uuid: groups[(pk * factor + factor) % count] ?? '' })),
      );
    await kysely
      .insertInto('memberships')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}
