// Several processes of one daemon, whatever it is: a signal ends all of them at any time, also before they are ready.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { expect, test } from 'vitest';
import { commandFile, until } from '../harness/index.ts';

const addresses = ['HTTP', 'HTTPS', 'RADIUS', 'RADSEC', 'ACCOUNTING', 'METRICS'];
const listeners = Object.fromEntries(addresses.map((name) => [`AUTHENTIK_LISTEN__${name}`, '127.0.0.1:0']));

async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').map(Number).filter(Boolean);
}

test.each([
  ['proxy', 'AKPROXY_WORKERS'],
  ['radius', 'AUTHENTIK_RADIUS__WORKERS'],
  ['router', 'AUTHENTIK_WEB__WORKERS'],
])('a signal while the workers of %s start ends them, too', async (name, workers) => {
  await using folder = await temporaryFolder();
  const url = 'http://127.0.0.1:9';
  const core = { AUTHENTIK_HOST: url, AUTHENTIK_TOKEN: 'none', AUTHENTIK_CORE__URL: url };
  const env = { PATH: process.env['PATH'], TMPDIR: folder.path, ...core, ...listeners, [workers]: '2' };
  const daemon = spawn(process.execPath, [commandFile, name], { cwd: folder.path, env, stdio: 'ignore' });
  const exited = once(daemon, 'exit');
  const pid = daemon.pid ?? 0;
  await until(async () => (await childrenOf(pid)).length === 2);
  const started = await childrenOf(pid);
  daemon.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  await until(async () => (await Promise.all(started.map(isRunning))).every((running) => !running));
});

/** One that has ended and is not collected yet does not count. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) Z /.test(stat);
}
