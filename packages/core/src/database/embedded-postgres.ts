// A private PostgreSQL as a child process (DESIGN §5): unix socket only, one data folder, stopped with us. A second start on
// the same folder finds the lock and refuses, unless whoever holds it has lost its core.
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Logger } from '@gatehouse/daemon/log';
import { coreError } from '../errors.ts';
import { endOrphan, startedByUs } from './orphan.ts';
import { findPostgres, type PostgresBinaries } from './postgres-binaries.ts';
import { databaseIdentity, type Identity, spawnAs } from './unprivileged.ts';

const superuser = 'gatehouse';
const readyTimeoutMs = 30_000;
const stopTimeoutMs = 15_000;

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  readonly log: Logger;
  /** Tests give up durability for speed. */
  readonly fsync?: boolean;
  /** Where its socket is; a new folder of its own unless given. */
  readonly socketDir?: string;
}

export interface EmbeddedPostgres {
  /** Connection settings for `pg`. */
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly database: string;
  };
  /** Called once if the process ends without `stop`. */
  onExit(listener: (reason: string) => void): void;
  stop(): Promise<void>;
}

/** @throws GatewayError `ERR_CORE_POSTGRES_MISSING`, `ERR_CORE_POSTGRES_FAILED`, `ERR_CORE_DATA_FOLDER` */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  const binaries = await findPostgres(process.env['PATH'] ?? '');
  const identity = await databaseIdentity();
  const socketDir = await ownedFolders(dataDir, identity, options.socketDir);
  try {
    if (await isInitialised(dataDir)) await endOrphan(dataDir, options.log);
    else await initialise(binaries, identity, dataDir);
    const child = await launch(options, binaries, identity, dataDir, socketDir);
    return running(options, child, socketDir);
  } catch (error) {
    await rm(socketDir, { recursive: true, force: true });
    throw error;
  }
}

/** Makes the data folder and a short-lived folder for the socket (its path must stay below 107 characters). */
async function ownedFolders(
  dataDir: string,
  identity: Identity | undefined,
  givenSocketDir: string | undefined,
): Promise<string> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    if (givenSocketDir !== undefined) await mkdir(givenSocketDir, { recursive: true });
    const socketDir = givenSocketDir ?? (await mkdtemp(join(tmpdir(), 'gatehouse-pg-')));
    if (identity !== undefined)
      for (const folder of [dataDir, socketDir]) await chown(folder, identity.uid, identity.gid);
    await chmod(dataDir, 0o700);
    return socketDir;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw coreError(
      'ERR_CORE_DATA_FOLDER',
      `The data folder ${dataDir} cannot be used: ${reason}.`,
      'Choose a folder that this user may write to.',
      cause,
    );
  }
}

/** Whether the folder holds a database already. */
export async function isInitialised(dataDir: string): Promise<boolean> {
  return readFile(join(dataDir, 'PG_VERSION')).then(
    () => true,
    () => false,
  );
}

async function initialise(binaries: PostgresBinaries, identity: Identity | undefined, dataDir: string): Promise<void> {
  const args = ['-D', dataDir, '-U', superuser, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-instructions'];
  const child = await spawnAs(identity, binaries.initdb, args, [join(dataDir, 'x')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
  });
  const output = collectOutput(child);
  const code = await new Promise<number | null>((done) => child.once('exit', done).once('error', () => done(-1)));
  if (code === 0) return;
  await rm(dataDir, { recursive: true, force: true });
  throw coreError(
    'ERR_CORE_POSTGRES_FAILED',
    `initdb failed: ${output()}`,
    'Check space and rights of the data folder.',
  );
}

async function launch(
  options: EmbeddedPostgresOptions,
  binaries: PostgresBinaries,
  identity: Identity | undefined,
  dataDir: string,
  socketDir: string,
): Promise<ChildProcess> {
  const durability =
    options.fsync === false ? ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'] : [];
  const settings = [
    '-c',
    'listen_addresses=',
    '-c',
    `unix_socket_directories=${socketDir}`,
    '-c',
    'unix_socket_permissions=0700',
    '-c',
    'max_connections=60',
    '-c',
    'shared_buffers=32MB',
    '-c',
    'log_min_messages=warning',
    '-c',
    'timezone=UTC',
    '-c',
    await startedByUs(),
    ...(await fewProcesses(dataDir)),
  ];
  const child = await spawnAs(
    identity,
    binaries.postgres,
    ['-D', dataDir, ...settings, ...durability],
    [join(dataDir, 'x')],
    { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' },
  );
  const output = collectOutput(child);
  await untilReady(child, dataDir, output);
  return child;
}

/** No helpers that a small database on one machine has no use for: each is some megabytes. */
async function fewProcesses(dataDir: string): Promise<readonly string[]> {
  const release = Number.parseInt(await readFile(join(dataDir, 'PG_VERSION'), 'utf8'), 10);
  const workers = release >= 18 ? ['-c', 'io_method=sync'] : []; // unknown to earlier ones, which have no I/O workers
  return ['-c', 'max_logical_replication_workers=0', ...workers];
}

/** The server writes "ready" into its pid file as soon as it accepts connections. */
async function untilReady(child: ChildProcess, dataDir: string, output: () => string): Promise<void> {
  let ended: string | undefined;
  child.once('exit', (code) => {
    ended = `it ended with code ${code}`;
  });
  child.once('error', (error) => {
    ended = error.message;
  });
  const endMs = Date.now() + readyTimeoutMs;
  while (Date.now() < endMs) {
    if (ended !== undefined) throw launchFailure(ended, output());
    const lines = (await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return;
    await new Promise((again) => setTimeout(again, 20));
  }
  child.kill('SIGQUIT');
  throw launchFailure(`it was not ready after ${readyTimeoutMs / 1000} s`, output());
}

function launchFailure(reason: string, output: string) {
  const inUse = /lock file "postmaster\.pid" already exists/.test(output);
  const hint = inUse
    ? 'Another gatehouse uses this data folder: stop it, or choose another folder.'
    : 'Check space and rights of the data folder.';
  return coreError('ERR_CORE_POSTGRES_FAILED', `PostgreSQL did not start: ${reason}. ${output}`.trim(), hint);
}

function running(options: EmbeddedPostgresOptions, child: ChildProcess, socketDir: string): EmbeddedPostgres {
  let stopping = false;
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  return {
    connection: { host: socketDir, port: 5432, user: superuser, database: 'postgres' },
    onExit(listener) {
      child.once('exit', (code, signal) => {
        if (!stopping) listener(`PostgreSQL ended by itself (${signal ?? `code ${code}`})`);
      });
    },
    async stop() {
      stopping = true;
      child.kill('SIGINT'); // "fast": clients are disconnected, everything is written
      const hurry = setTimeout(() => child.kill('SIGQUIT'), stopTimeoutMs);
      await ended;
      clearTimeout(hurry);
      await rm(socketDir, { recursive: true, force: true });
      options.log.debug('database stopped', {});
    },
  };
}

/** The last lines of what a program says, for the error that quotes them. */
function collectOutput(child: ChildProcess): () => string {
  let text = '';
  const keep = (chunk: Buffer) => {
    text = (text + chunk.toString('utf8')).slice(-2000);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return () => text.trim().replaceAll('\n', ' ');
}

/** Name of a database that nobody else uses. */
export function freshDatabaseName(): string {
  return `test_${randomBytes(6).toString('hex')}`;
}
