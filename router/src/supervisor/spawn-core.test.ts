// What a starting core says of itself reaches whoever waits for it (router.md §11.1, §16.2).
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { expect, test } from 'vitest';
import { until } from '../testing/running-router.ts';
import { spawnCore } from './spawn-core.ts';

test('router §16.2: the step of a starting core is told, until it is ready', async () => {
  await using folder = await temporaryFolder();
  const script = join(folder.path, 'core.mjs');
  await writeFile(
    script,
    `const say = (event) => console.log(JSON.stringify({ level: 'info', event }));
say('preparing the database');
process.on('SIGUSR2', () => say('setting up default objects'));
process.on('SIGTERM', () => process.exit(0));
process.stdin.resume();
setInterval(() => {}, 1_000);
say('pid ' + process.pid);
process.on('SIGHUP', () => say('ready'));
`,
  );
  const lines: string[] = [];
  const core = spawnCore({ script, env: process.env, maxHeaderBytes: 16_384, onLine: (raw) => lines.push(raw) });
  const pid = () => Number(/pid (\d+)/.exec(lines.join('\n'))?.[1] ?? 0);
  await until(() => pid() > 0);
  await until(() => core.detail() === 'The database is being started and brought up to date.');
  process.kill(pid(), 'SIGUSR2');
  await until(() => core.detail() === 'Default flows and objects are being set up.');
  process.kill(pid(), 'SIGHUP');
  await until(() => core.detail() === undefined);
  expect(lines.some((line) => line.includes('core ready'))).toBe(true); // not taken for the router's own
  await core.stop(1_000);
  await core.exited;
});
