// Entry `@gatehouse/core/testing`: a whole core on a private database of its own, seeded, on a free port. Takes about a second to
// start, four where it is the first one of a test run or starts from nothing. Users: tests of every workspace.
import { join } from 'node:path';
import { type Clock, systemClock } from '@gatehouse/daemon/async';
import { defineConfig, loadConfig, Secret } from '@gatehouse/daemon/config';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { captureLogger, temporaryFolder } from '@gatehouse/daemon/testing';
import { storageOptions } from '@gatehouse/storage';
import { parseRate } from '../api/throttle.ts';
import { openDatabase } from '../database/connection.ts';
import { startEmbeddedPostgres } from '../database/embedded-postgres.ts';
import type { CoreDeps } from '../deps.ts';
import { createMailer } from '../mail/mailer.ts';
import { startCore } from '../start.ts';
import type { Worker } from '../tasks/worker.ts';
import { copyFolder, copySeed } from './seeds.ts';

export interface TestCore extends AsyncDisposable {
  readonly url: string;
  /** API token of the administrator `akadmin`. */
  readonly adminToken: string;
  readonly password: string;
  /** Gone with the core; breached passwords are looked up here. */
  readonly folder: string;
  readonly deps: CoreDeps;
  /** Runs tasks that are due. */
  readonly worker: Worker;
  /** What the core has asked of its database; whoever counts empties it first. */
  readonly statements: string[];
  /** What the core has logged. */
  readonly lines: readonly unknown[];
  /** A call of the REST API as the administrator; the answer's body. Throws for any status from 300. */
  call<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
  /** Key of the service account of the demo outpost of this type. */
  outpostToken(type: 'ldap' | 'radius' | 'proxy'): Promise<string>;
  /** Stops answering, keeps the data. */
  stop(): Promise<void>;
  /** Answers again on the same port, where given with other variables of the environment. */
  restart(changed?: Readonly<Record<string, string>>): Promise<void>;
  /** The database goes, and comes again with the same data. */
  stopDatabase(): Promise<void>;
  startDatabase(): Promise<void>;
  /** A second core on the same database, with connections of its own, as another process would be. */
  twin(): Promise<AsyncDisposable & { readonly url: string }>;
}

export interface TestCoreOptions {
  /**
   * Starts from an empty folder. Otherwise a core whose options do not say what a first start makes is a copy of one that was
   * started once in this test run: with its installation id, first certificate, ids of objects, and generated tokens, client ids
   * and secrets, all of which two copies share.
   */
  readonly fromNothing?: boolean;
  readonly clock?: Clock;
  readonly env?: Readonly<Record<string, string>>;
  /** Settings of stored files, by environment names; the folder is a temporary one unless given. */
  readonly storage?: Readonly<Record<string, string>>;
  readonly web?: { readonly path?: string; readonly assets_dist?: string; readonly assets_authentik?: string };
  readonly embeddedOutpost?: boolean;
  /** How often one address may ask anonymously. */
  readonly throttle?: string;
  /** Port of a mail server on this machine. */
  readonly mailPort?: number;
  /** Folder of blueprints of its own. */
  readonly blueprintsDir?: string;
  readonly certificatesDir?: string;
  /** Files of the location databases; none unless given. */
  readonly locations?: { readonly geoip: string; readonly asn: string };
}

/** Password of `akadmin` and of every demo user. */
export const testPassword = 'correct horse battery';
const adminToken = 'test-administrator-token';
export const testRadiusSecret = 'radius-secret-of-the-tests';

export async function startTestCore(options: TestCoreOptions = {}): Promise<TestCore> {
  const folder = await temporaryFolder();
  if (isCopyable(options)) await copySeed(join(folder.path, 'postgres'), makeSeed);
  return startIn(folder, options);
}

/** Whether a first start would make the same as any other. */
function isCopyable({ fromNothing, env, embeddedOutpost, blueprintsDir, certificatesDir }: TestCoreOptions): boolean {
  const first = [env, embeddedOutpost, blueprintsDir, certificatesDir];
  return fromNothing !== true && first.every((one) => one === undefined);
}

async function makeSeed(into: string): Promise<void> {
  await using core = await startTestCore({ fromNothing: true });
  await core.stop();
  await core.stopDatabase();
  await copyFolder(join(core.folder, 'postgres'), into);
}

async function startIn(
  folder: AsyncDisposable & { readonly path: string },
  {
    clock = systemClock,
    env = {},
    web = {},
    storage: storageEnv = {},
    embeddedOutpost = true,
    mailPort = 9,
    throttle = '1000/second',
    blueprintsDir,
    certificatesDir,
    locations = { geoip: '', asn: '' },
  }: TestCoreOptions,
): Promise<TestCore> {
  const log = captureLogger();
  const startDatabase = () =>
    startEmbeddedPostgres({
      dataDir: join(folder.path, 'postgres'),
      socketDir: join(folder.path, 'socket'),
      log,
      fsync: false,
    });
  let postgres = await startDatabase();
  const statements: string[] = [];
  const onStatement = (text: string) => void statements.push(text);
  const database = await openDatabase({ settings: postgres.connection, log, poolSize: 10, onStatement });
  const given = { AUTHENTIK_STORAGE__FILE__PATH: join(folder.path, 'files'), ...storageEnv };
  const { storage } = loadConfig(defineConfig({ storage: storageOptions }), { env: given, files: [] }).config;
  const mailer = createMailer({
    host: '127.0.0.1',
    port: mailPort,
    username: '',
    password: () => undefined,
    useTls: false,
    useSsl: false,
    timeoutMs: 2_000,
    from: 'core@tests.example',
  });
  const post = { mailer, templateDir: join(folder.path, 'templates') };
  const start = (port: number, onDatabase = database, changed: Readonly<Record<string, string>> = {}) =>
    startCore({
      database: onDatabase,
      log,
      metrics: createMetrics(),
      clock,
      secretKey: new Secret('secret key of the tests'),
      listen: [{ host: '127.0.0.1', port }],
      blueprintsDir,
      certificatesDir,
      pwnedPasswords: folder.path,
      anonymousRate: parseRate(throttle),
      locations,
      demo: true,
      storage: () => storage,
      web: { path: '/', assets_dist: '', assets_authentik: '', ...web },
      embeddedOutpost,
      post,
      rsaBits: 2048,
      env: {
        AUTHENTIK_BOOTSTRAP_PASSWORD: testPassword,
        AUTHENTIK_BOOTSTRAP_TOKEN: adminToken,
        AUTHENTIK_DEMO_PASSWORD: testPassword,
        AUTHENTIK_DEMO_RADIUS_SECRET: testRadiusSecret,
        ...env,
        ...changed,
      },
    });
  let core = await start(0);
  let running = true;
  const port = core.bound[0]?.port ?? 0;
  const url = `http://127.0.0.1:${port}${web.path ?? '/'}`;
  const call = <T>(method: string, path: string, body?: unknown) => request<T>(`${url}api/v3${path}`, method, body);
  const stop = async () => {
    if (running) await core.close();
    running = false;
  };
  return {
    url,
    adminToken,
    password: testPassword,
    folder: folder.path,
    get deps() {
      return core.deps;
    },
    get worker() {
      return core.worker;
    },
    statements,
    lines: log.lines,
    call,
    async outpostToken(type) {
      const { results } = await call<{ results: { type: string; managed: string | null; token_identifier: string }[] }>(
        'GET',
        '/outposts/instances/',
      );
      const identifier =
        results.find((outpost) => outpost.type === type && outpost.managed === null)?.token_identifier ?? '';
      return (await call<{ key: string }>('GET', `/core/tokens/${identifier}/view_key/`)).key;
    },
    stop,
    async restart(changed = {}) {
      await stop();
      core = await start(port, database, changed);
      running = true;
    },
    stopDatabase: () => postgres.stop(),
    async startDatabase() {
      postgres = await startDatabase();
    },
    async twin() {
      const other = await openDatabase({ settings: postgres.connection, log, poolSize: 5 });
      const twin = await start(0, other);
      return {
        url: `http://127.0.0.1:${twin.bound[0]?.port ?? 0}/`,
        async [Symbol.asyncDispose]() {
          await twin.close();
          await other.close();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await database.close();
      await postgres.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function request<T>(url: string, method: string, body: unknown): Promise<T> {
  const response = await fetch(url, {
    method,
    headers: { Authorization: `Bearer ${adminToken}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T; // the caller names the shape the contract promises
}

export { type Answer, type Client, createClient } from './client.ts';
export {
  bind,
  type MadeFlow,
  makeFlow,
  makeStage,
  makeUser,
  stageNamed,
  uniqueName,
  visitorAs,
} from './flow-fixture.ts';
export { writeMmdb } from './mmdb.ts';
export { type Challenge, createVisitor, type Visitor } from './visitor.ts';
