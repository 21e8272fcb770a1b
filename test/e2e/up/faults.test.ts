// How `gatehouse up` ends, and what it says when it cannot begin.
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { Client } from 'ldapts';
import { expect, onTestFinished, test } from 'vitest';
import { commandFile, freePort, runTool, until } from '../../harness/index.ts';
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

test('what dies is started again where it was, the rest goes on, and status tells of it', async () => {
  await using folder = await temporaryFolder();
  const running = startUp(folder.path);
  onTestFinished(async () => void (await stop(running)));
  await isUp(running);
  const password = (await readFile(join(folder.path, 'secrets/demo-password'), 'utf8')).trim();
  const url = /ldap:\/\/[\d.]+:\d+/.exec(running.printed())?.[0] ?? '';
  const logsIn = async (name: string) => {
    const client = new Client({ url, connectTimeout: 1_000 });
    const bind = client.bind(`cn=${name},ou=users,dc=ldap,dc=goauthentik,dc=io`, password);
    return bind.then(
      () => client.unbind().then(() => true),
      () => false,
    );
  };
  const pids = async (): Promise<Readonly<Record<string, number>>> => {
    const run: { processes: { name: string; pid: number }[] } = JSON.parse(
      await readFile(join(folder.path, 'run.json'), 'utf8'),
    );
    return Object.fromEntries(run.processes.map(({ name, pid }) => [name, pid]));
  };
  const returned = async (name: string, times: number) =>
    until(() => running.complained().split(`${name} runs again.`).length > times, 30_000);

  const first = await pids();
  process.kill(first['ldap'] ?? 0, 'SIGKILL');
  await returned('ldap', 1);
  await until(() => logsIn('ada'), 20_000);
  const second = await pids();
  expect(second).toEqual({ ...first, ldap: expect.any(Number) });
  expect(second['ldap']).not.toBe(first['ldap']);
  expect(running.complained()).toMatch(
    /^ldap was ended by SIGKILL\nIt is started again in 0\.\d s; the whole story is in /,
  );
  const { stdout } = await runTool(process.execPath, [commandFile, 'status', '--data-dir', folder.path, '--json']);
  const seen: { processes: object[] } = JSON.parse(stdout);
  const lastError = { text: expect.stringContaining('ldap was ended by SIGKILL') };
  expect(seen.processes).toContainEqual(
    expect.objectContaining({ name: 'ldap', restarts: 1, lastError: expect.objectContaining(lastError) }),
  );
  expect(seen.processes).toContainEqual(expect.objectContaining({ name: 'radius', restarts: 0 }));

  // The core by its own hand, with its database, and by force, which leaves that database behind.
  const postgres = async () =>
    Number((await readFile(join(folder.path, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0]);
  process.kill(await postgres(), 'SIGKILL');
  await returned('core', 1);
  await until(() => logsIn('grace'), 20_000);
  process.kill((await pids())['core'] ?? 0, 'SIGKILL');
  await returned('core', 2);
  await until(() => logsIn('alan'), 20_000);
  expect(await pids()).toEqual({ ...second, core: expect.any(Number) });
  expect(await stop(running)).toBe(0);
}, 120_000);

test('router R4: the front door answers while everything behind it is still starting', async () => {
  await using folder = await temporaryFolder();
  const port = await freePort();
  const running = startUp(folder.path, { AUTHENTIK_LISTEN__HTTP: `127.0.0.1:${port}` });
  onTestFinished(async () => void (await stop(running)));
  const headers = { accept: 'application/json' };
  const answer = await until(() => fetch(`http://127.0.0.1:${port}/if/user/`, { headers }), 60_000);
  expect([answer.status, await answer.json()]).toEqual([503, { error: 'authentik starting' }]);
  expect(running.printed()).not.toContain('gatehouse is running');
  await isUp(running);
}, 90_000);
