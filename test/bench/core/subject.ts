// A core to measure: the built command on a private database, with an administrator's token.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createVisitor, type Visitor } from '@gatehouse/core/testing';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { type RunningDaemon, startDaemon } from '../../harness/daemon.ts';

export const token = 'bench-administrator-token';
export const password = 'correct horse battery';

export interface Subject extends AsyncDisposable {
  readonly url: string;
  /** Connection settings of its private PostgreSQL. */
  readonly postgres: { readonly host: string; readonly user: string; readonly database: string };
  readonly daemon: RunningDaemon;
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  visitor(): Visitor;
}

/** @param env settings beside those of every measurement */
export async function startSubject(env: Readonly<Record<string, string>> = {}): Promise<Subject> {
  const data = await temporaryFolder();
  const daemon = await startDaemon('core', {
    env: {
      ...env,
      AUTHENTIK_DATA_DIR: data.path,
      AUTHENTIK_SECRET_KEY: 'secret key of the bench',
      AUTHENTIK_LISTEN__CORE: '127.0.0.1:0',
      AUTHENTIK_BOOTSTRAP_TOKEN: token,
      AUTHENTIK_BOOTSTRAP_PASSWORD: password,
    },
  });
  const { port } = daemon.bound('http');
  const url = `http://127.0.0.1:${port}/`;
  // The fifth line of a server's pid file names the folder of its socket.
  const [, , , , host = ''] = (await readFile(join(data.path, 'postgres/postmaster.pid'), 'utf8')).split('\n');
  return {
    url,
    postgres: { host, user: 'gatehouse', database: 'postgres' },
    daemon,
    async call<T>(method: string, path: string, body?: unknown): Promise<T> {
      const response = await fetch(`${url}api/v3${path}`, {
        method,
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
      return (text === '' ? undefined : JSON.parse(text)) as T; // the caller names the shape the contract promises
    },
    visitor: () => createVisitor(url),
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await data[Symbol.asyncDispose]();
    },
  };
}

/** Value below which this share of the samples lies. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const rounded = (value: number) => Math.round(value * 100) / 100;

/** Processor time that a process has used so far, in milliseconds; Linux counts it in hundredths of a second. */
export async function processorMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** The same of all processes below one that are alive now. */
export async function processorMsBelow(pid: number): Promise<number> {
  let total = 0;
  for (const child of await childrenOf(pid)) total += (await processorMs(child)) + (await processorMsBelow(child));
  return total;
}

export async function childrenOf(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => ''); // ended since
    if (Number(/^PPid:\s+(\d+)/m.exec(status)?.[1] ?? 0) === pid) found.push(Number(name));
  }
  return found;
}
