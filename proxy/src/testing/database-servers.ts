// Real Redis and PostgreSQL for the shared session stores, each in a folder of its own, on a socket or a free port.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, isListening, temporaryFolder } from '@gatehouse/daemon/testing';

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
}

export async function startRedis(): Promise<TestDatabase> {
  const folder = await temporaryFolder();
  const port = await freePort();
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder.path,
    '--save',
    '',
    '--appendonly',
    'no',
  ];
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  await listening(port, child);
  return { url: `redis://127.0.0.1:${port}/1`, [Symbol.asyncDispose]: () => end(child, folder) };
}

const nobody = 65_534;

/** PostgreSQL refuses to run as root, so it then runs as `nobody`. */
export async function startPostgres(): Promise<TestDatabase> {
  const folder = await temporaryFolder();
  const data = join(folder.path, 'data');
  const port = await freePort();
  const isRoot = process.getuid?.() === 0;
  const asNobody = isRoot ? { uid: nobody, gid: nobody } : {};
  if (isRoot) await chown(folder.path, nobody, nobody);
  const options = { ...asNobody, cwd: folder.path };
  const made = spawnSync('initdb', ['-D', data, '-U', 'test', '-A', 'trust', '-N', '--no-instructions'], options);
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const args = [
    '-D',
    data,
    '-p',
    String(port),
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    `unix_socket_directories=${folder.path}`,
    '-c',
    'fsync=off',
  ];
  const child = spawn('postgres', args, { ...options, stdio: 'ignore' });
  await listening(port, child);
  const url = `postgresql://test@127.0.0.1:${port}/postgres`;
  for (;;) {
    const asked = spawnSync('psql', [url, '-c', 'SELECT 1'], { stdio: 'ignore' });
    if (asked.status === 0) return { url, [Symbol.asyncDispose]: () => end(child, folder) };
    await pause(50);
  }
}

async function end(child: ReturnType<typeof spawn>, folder: AsyncDisposable): Promise<void> {
  child.kill('SIGINT');
  if (child.exitCode === null) await once(child, 'exit');
  await folder[Symbol.asyncDispose]();
}

async function listening(port: number, child: ReturnType<typeof spawn>): Promise<void> {
  while (!(await isListening(port))) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
    await pause(20);
  }
}
