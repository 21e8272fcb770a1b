// A private server whose core was killed: nobody would ever stop it, and its lock would keep every next core out. It carries
// in its settings who started it, so that one whose core lives is left alone. Called before a server is started.
import { readFile, readlink, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beginningOf, isRunning } from '@gatehouse/daemon/lifecycle';
import type { Logger } from '@gatehouse/daemon/log';
import { coreError } from '../errors.ts';

const setting = 'gatehouse.started_by';
const patienceMs = 15_000;

/** A setting of the server's command line (`-c`) that names this process. */
export async function startedByUs(): Promise<string> {
  return `${setting}=${process.pid}-${await beginningOf(process.pid)}`;
}

/** Ends the server of this folder if it runs without its core; every commit is kept. @throws GatewayError `ERR_CORE_POSTGRES_FAILED` */
export async function endOrphan(dataDir: string, log: Logger): Promise<void> {
  const [pid, socketDir] = await holderOf(dataDir);
  const opts = await readFile(join(dataDir, 'postmaster.opts'), 'utf8').catch(() => '');
  const starter = new RegExp(`${setting}=(\\d+)-(\\d*)`).exec(opts);
  if (starter === null || (await isRunning(Number(starter[1]), starter[2] ?? ''))) return;
  if (!(await isServerOf(dataDir, pid))) return;
  log.warn('database of a core that was killed is stopped', { pid });
  await endServer(dataDir, pid);
  if (socketDir.startsWith(join(tmpdir(), 'gatehouse-pg-'))) await rm(socketDir, { recursive: true, force: true });
}

/** The number in a lock file may be another process's by now: a server works in its data folder. */
async function isServerOf(dataDir: string, pid: number): Promise<boolean> {
  const folder = isThere(pid) ? await readlink(`/proc/${pid}/cwd`).catch(() => '') : '';
  return folder !== '' && folder === (await realpath(dataDir));
}

/** Who the lock file names, and where its socket is; 0 without such a file. */
async function holderOf(dataDir: string): Promise<readonly [number, string]> {
  const text = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pid = '', , , , socketDir = ''] = text.split('\n');
  return [Number(pid), socketDir];
}

/** "Fast" first, which writes everything; else the next start reads it from the write-ahead log. */
async function endServer(dataDir: string, pid: number): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    if (isThere(pid)) process.kill(pid, signal);
    for (const endMs = Date.now() + patienceMs; Date.now() < endMs; ) {
      // Its lock goes last; the process may stay as a zombie where nobody collects those.
      if (!isThere(pid) || (await holderOf(dataDir))[0] !== pid) return;
      await new Promise((again) => setTimeout(again, 20));
    }
  }
  throw coreError(
    'ERR_CORE_POSTGRES_FAILED',
    `The database server ${pid}, left behind by a core that was killed, does not end.`,
    'End it by hand.',
  );
}

function isThere(pid: number): boolean {
  try {
    return Number.isInteger(pid) && pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
