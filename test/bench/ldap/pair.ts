// An LDAP outpost with its core, and slapd beside it, with the same entries: servers on the first CPU, core and load on the
// second.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { testPassword } from '@gatehouse/core/testing';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import type { RequestOp } from '@gatehouse/wire/ldap';
import { type RunningDaemon, startDaemon, until } from '../../harness/index.ts';
import { type Answered, requireSameAnswer } from './agreement.ts';
import { copyDirectory, type DirectoryCopy } from './copy.ts';
import type { Access } from './entries.ts';
import { runLoad, searchOp } from './load.ts';
import { pin } from './pin.ts';
import { type ReferenceSlapd, startReferenceSlapd } from './slapd.ts';
import type { Person, Source } from './source.ts';

export const base = 'dc=ldap,dc=goauthentik,dc=io';
export const service = { name: `cn=ldapservice,ou=users,${base}`, password: testPassword };
export const root = { name: `cn=root,${base}`, password: testPassword };

export interface Pair extends AsyncDisposable {
  readonly source: Source;
  readonly daemon: RunningDaemon;
  readonly people: readonly Person[];
  readonly toListeningMs: number;
  /** Until the last user was found. */
  readonly toLoadedMs: number;
  /** One more slapd with the same entries, as they are when the first is asked for, and with indexes of their parts for these attributes. */
  slapd(indexedParts?: readonly string[]): Promise<ReferenceSlapd>;
  /** @throws unless both answer with the same entries and values */
  requireSame(slapd: ReferenceSlapd, request: RequestOp): Promise<Answered>;
  /** A sample of the outpost's metrics, by name and labels as printed. */
  metric(sample: string): Promise<number>;
  /** How long the outpost's event loop was blocked at most since this was last asked; only where blocks are watched. */
  longestBlock(): Promise<LongestBlock>;
  residentMiB(pid: number): Promise<number>;
}

export interface LongestBlock {
  /** By the clock, whoever had the processor. */
  readonly ms: number;
  /** The most that the thread worked in any block. */
  readonly workedMs: number;
}

/** Takes the source over. @param watchesBlocks has the outpost watch its event loop, which costs it a little */
export async function startPair(source: Source, watchesBlocks = false): Promise<Pair> {
  const folder = await temporaryFolder();
  const { people } = source;
  const blocksFile = join(folder.path, 'blocks');
  const beganMs = performance.now();
  const daemon = await startDaemon('ldap', {
    env: {
      AUTHENTIK_HOST: source.url,
      AUTHENTIK_TOKEN: source.token,
      AUTHENTIK_LDAP__PAGE_SIZE: '100',
      AUTHENTIK_LDAP__PROXY_PROTOCOL: 'off',
      // Of the outpost alone; from outside, for a profiler.
      NODE_OPTIONS: `${process.env['BENCH_NODE_OPTIONS'] ?? ''} ${watchesBlocks ? `--import=${blockProbe}` : ''}`,
      BENCH_BLOCKS: blocksFile,
    },
  });
  const toListeningMs = performance.now() - beganMs;
  const metrics = new Scraper(daemon);
  const blocks = new Blocks(blocksFile);
  await until(() => isLoaded(daemon, metrics, people), 600_000);
  const toLoadedMs = performance.now() - beganMs;
  await pin(daemon.pid ?? 0, 0);
  await pin(process.pid, 1);
  const others: ReferenceSlapd[] = [];
  const own: Access = { port: daemon.bound('ldap').port, ...service };
  let copy: Promise<DirectoryCopy> | undefined;
  return {
    source,
    daemon,
    people,
    toListeningMs,
    toLoadedMs,
    async slapd(indexedParts = ['cn', 'mail']) {
      copy ??= copyDirectory(own, {
        folder: folder.path,
        base,
        account: boundPerson(people).username,
        password: testPassword,
      });
      const place = join(folder.path, `slapd-${others.length}`);
      await mkdir(place);
      const started = await startReferenceSlapd({
        folder: place,
        copy: await copy,
        base,
        password: testPassword,
        indexedParts,
        tls: await selfSignedCertificate(),
      });
      await pin(started.pid, 0);
      others.push(started);
      return started;
    },
    requireSame: ({ port }, request) => requireSameAnswer(own, { port, ...root }, request),
    metric: (sample) => metrics.read(sample),
    longestBlock: () => blocks.longest(),
    async residentMiB(pid) {
      const status = await readFile(join('/proc', String(pid), 'status'), 'utf8');
      return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    },
    async [Symbol.asyncDispose]() {
      for (const one of others) await one[Symbol.asyncDispose]();
      await daemon[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Whoever binds in measurements, with slapd as an entry below `dc=accounts`. */
export const boundPerson = (people: readonly Person[]): Person => {
  const [person] = people.slice(5);
  if (person === undefined) throw new Error('there are too few people');
  return person;
};

/** The directory has been read once, and the last user is found. */
async function isLoaded(daemon: RunningDaemon, metrics: Scraper, people: readonly Person[]): Promise<boolean> {
  if ((await metrics.read('authentik_outpost_ldap_directory_refresh_seconds_count')) === 0) return false;
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

/** Reads the outpost's metrics. */
class Scraper {
  readonly #daemon: RunningDaemon;

  constructor(daemon: RunningDaemon) {
    this.#daemon = daemon;
  }

  async read(sample: string): Promise<number> {
    const { host, port } = this.#daemon.bound('metrics');
    const lines = (await (await fetch(`http://${host}:${port}/metrics`)).text()).split('\n');
    const line = lines.find((one) => one.startsWith(`${sample} `));
    return Number(line?.split(' ').at(-1) ?? 0);
  }
}

const blockProbe = join(import.meta.dirname, 'block-probe.mjs');
/** The probe writes ten times a second. */
const writtenAfterMs = 300;

/** What the probe has written. Blocks of the start itself are left out: nobody was served yet. */
class Blocks {
  readonly #file: string;
  #fromUs = monotonicUs();

  constructor(file: string) {
    this.#file = file;
  }

  async longest(): Promise<LongestBlock> {
    const toUs = monotonicUs();
    await later(writtenAfterMs);
    const lines = (await readFile(this.#file, 'utf8')).trim().split('\n');
    const blocks = lines.map((line) => line.split(' ').map(Number));
    const within = blocks.filter(([atUs = 0]) => atUs >= this.#fromUs && atUs < toUs);
    this.#fromUs = toUs;
    const most = (place: number) => Math.round(Math.max(0, ...within.map((block) => block[place] ?? 0)) / 1000);
    return { ms: most(1), workedMs: most(2) };
  }
}

/** The clock of the probe, too. */
function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
