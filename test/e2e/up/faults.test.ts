// How `gatehouse up` ends, and what it says when it cannot begin.
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { expect, test } from 'vitest';
import { isUp, startUp, stop } from './start-up.ts';

test('Ctrl-C ends everything with exit code 0, and a second start is warm with the same passwords', async () => {
  await using folder = await temporaryFolder();
  const first = startUp(folder.path);
  await isUp(first);
  expect(await stop(first)).toBe(0);
  const second = startUp(folder.path);
  await isUp(second);
  const password = (text: string) => /akadmin, password (\S+)/.exec(text)?.[1];
  expect(password(second.printed())).toBe(password(first.printed()));
  expect(await stop(second)).toBe(0);
}, 120_000);

test('a port that is taken is named, with what to do, and the exit code is not 0', async () => {
  await using folder = await temporaryFolder();
  const other = createServer();
  await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
  const address = other.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const running = startUp(folder.path, { AUTHENTIK_LISTEN__LDAP: `127.0.0.1:${port}` });
  expect(await running.exited).not.toBe(0);
  expect(running.complained()).toContain(`127.0.0.1:${port}`);
  expect(running.complained()).toContain('AUTHENTIK_LISTEN__LDAP');
  other.close();
}, 60_000);

test('a data folder that cannot be used is named, and nothing is started', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'a-file');
  await writeFile(file, '');
  const running = startUp(file);
  expect(await running.exited).toBe(1);
  expect(running.complained()).toContain(`ERR_CLI_DATA_FOLDER The data folder ${file} cannot be used`);
});

test('a second start from the same folder names the first, not a port, and leaves it alone', async () => {
  await using folder = await temporaryFolder();
  const first = startUp(folder.path);
  await isUp(first);
  const second = startUp(folder.path);
  expect(await second.exited).toBe(1);
  expect(second.complained()).toContain('ERR_CLI_ALREADY_RUNNING');
  expect(second.complained()).toContain(`process ${first.child.pid}`);
  expect(await stop(first)).toBe(0);
  const third = startUp(folder.path);
  await isUp(third);
  expect(await stop(third)).toBe(0);
}, 120_000);

test('a process that dies takes the rest down, and is named', async () => {
  await using folder = await temporaryFolder();
  const running = startUp(folder.path);
  await isUp(running);
  const pid = Number((await readFile(join(folder.path, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0]);
  process.kill(pid, 'SIGKILL');
  expect(await running.exited).toBe(2);
  expect(running.complained()).toMatch(/core ended with exit code 2: .*PostgreSQL ended by itself/);
}, 90_000);
