// A core as an installation has it: how long its first start takes with everything shipped applied, how long a later one, and
// what the process holds when it has nothing to do. PostgreSQL is a process of its own and counted beside it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startChild } from '@gatehouse/daemon/lifecycle';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { commandFile } from '../../harness/daemon.ts';
import { childrenOf } from './subject.ts';

const idleMs = 20_000;

export async function measureProcess() {
  await using folder = await temporaryFolder();
  const env = {
    PATH: process.env['PATH'] ?? '',
    AUTHENTIK_SECRET_KEY: 'a secret key for measuring, fifty characters in all',
    AUTHENTIK_DATA_DIR: join(folder.path, 'data'),
    AUTHENTIK_LISTEN__CORE: '127.0.0.1:0',
    AUTHENTIK_LISTEN__METRICS: '127.0.0.1:0',
    TMPDIR: folder.path,
  };
  const first = await startCore(env, folder.path);
  await first.stop();
  const second = await startCore(env, folder.path);
  await new Promise((later) => setTimeout(later, idleMs));
  const rss = await residentBytes(second.pid);
  const database = await residentBelow(second.pid);
  await second.stop();
  return {
    first_start_ms: first.tookMs,
    of_it_blueprints_ms: first.blueprintsMs,
    later_start_ms: second.tookMs,
    of_that_blueprints_ms: second.blueprintsMs,
    idle_rss_mb: megabytes(rss),
    postgres_private_mb: megabytes(database),
  };
}

async function startCore(env: Record<string, string>, cwd: string) {
  const startMs = performance.now();
  let blueprintsMs = 0;
  const onLine = (_line: unknown, raw: string) => {
    if (raw.includes('"blueprints discovered"')) blueprintsMs = Number(/"took_ms":(\d+)/.exec(raw)?.[1] ?? 0);
  };
  const child = startChild({ name: 'core', file: commandFile, args: ['core'], cwd, env, onLine });
  await child.ready;
  const tookMs = Math.round(performance.now() - startMs);
  return { pid: child.pid ?? 0, tookMs, blueprintsMs, stop: () => child.stop(15_000) };
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Anonymous memory of the processes below: what they share is not counted once for each. */
async function residentBelow(pid: number): Promise<number> {
  let total = 0;
  for (const child of await childrenOf(pid)) {
    const status = await readFile(`/proc/${child}/status`, 'utf8').catch(() => '');
    total += Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024 + (await residentBelow(child));
  }
  return total;
}

const megabytes = (bytes: number) => Math.round(bytes / 104_857.6) / 10;
