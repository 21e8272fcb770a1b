// `npm start` as somebody meets it (issue: one command, and ldapsearch logs in): the built command on free ports, driven by
// the OpenLDAP tools, FreeRADIUS' client and `ldapts`.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { Client } from 'ldapts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandFile, runTool, skipWithout, until } from '../harness/index.ts';

const base = 'dc=ldap,dc=goauthentik,dc=io';
const names = ['HTTP', 'HTTPS', 'CORE', 'LDAP', 'LDAPS', 'RADIUS', 'METRICS'] as const;
const freePorts = Object.fromEntries(names.map((name) => [`AUTHENTIK_LISTEN__${name}`, '127.0.0.1:0']));

interface Up {
  readonly child: ChildProcess;
  readonly printed: () => string;
  readonly complained: () => string;
  readonly exited: Promise<number | null>;
}

function startUp(dataDir: string, env: Readonly<Record<string, string>> = {}): Up {
  const child = spawn(process.execPath, [commandFile, 'up', '--data-dir', dataDir], {
    env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], ...freePorts, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    texts.out += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    texts.err += chunk.toString('utf8');
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, printed: () => texts.out, complained: () => texts.err, exited };
}

async function stop({ child, exited }: Up): Promise<number | null> {
  child.kill('SIGINT');
  return exited;
}

const isUp = (running: Up) => until(() => running.printed().includes('gatehouse is running'), 60_000);

describe('a running installation', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let running: Up;
  let password: string;
  const url = () => /ldap:\/\/[\d.]+:\d+/.exec(running.printed())?.[0] ?? '';

  beforeAll(async () => {
    folder = await temporaryFolder();
    running = startUp(folder.path);
    await isUp(running);
    password = (await readFile(join(folder.path, 'secrets/demo-password'), 'utf8')).trim();
  }, 90_000);
  afterAll(async () => {
    await stop(running);
    await folder[Symbol.asyncDispose]();
  });

  test('ldapts logs in and finds the entry of ldap.md §9.5', async () => {
    const client = new Client({ url: url() });
    await client.bind(`cn=ldapservice,ou=users,${base}`, password);
    const { searchEntries } = await client.search(base, { filter: '(&(objectClass=user)(cn=radia))' });
    await client.unbind();
    expect(searchEntries).toEqual([
      expect.objectContaining({
        dn: `cn=radia,ou=users,${base}`,
        displayName: 'Radia Perlman',
        memberOf: [`cn=operations,ou=groups,${base}`, `cn=sales,ou=groups,${base}`],
      }),
    ]);
  });

  test.skipIf(skipWithout('ldapsearch'))('ldapsearch logs in and searches', async () => {
    const [client] =
      (await new Client({ url: url() }).search('', { scope: 'base' }).then(({ searchEntries }) => searchEntries)) ?? [];
    expect(client?.['namingContexts']).toBe(base);
    const bind = ['-D', `cn=ldapservice,ou=users,${base}`, '-w', password];
    const filter = '(&(objectClass=user)(cn=ada))';
    const args = ['-x', '-LLL', '-o', 'ldif-wrap=no', '-H', url(), ...bind, '-b', base, filter];
    const { code, stdout } = await runTool('ldapsearch', args);
    expect(code).toBe(0);
    expect(stdout).toContain(`dn: cn=ada,ou=users,${base}\n`);
    expect(stdout).toContain('\nhomeDirectory: /home/ada\n');
    expect(stdout).toContain(`\nmemberOf: cn=engineering,ou=groups,${base}\n`);
  });

  test.skipIf(skipWithout('ldapwhoami'))('ldapwhoami tells who logged in, and 49 for a wrong password', async () => {
    const who = (secret: string) =>
      runTool('ldapwhoami', ['-x', '-H', url(), '-D', `cn=ada,ou=users,${base}`, '-w', secret]);
    expect(await who(password)).toMatchObject({ code: 0, stdout: `dn:cn=ada,ou=users,${base}\n` });
    expect(await who('wrong')).toMatchObject({ code: 49 });
  });

  test.skipIf(skipWithout('radclient'))(
    'radclient gets an Access-Accept, and a reject for a wrong password',
    async () => {
      const secret = (await readFile(join(folder.path, 'secrets/radius-secret'), 'utf8')).trim();
      const server = /RADIUS\s+([\d.]+:\d+)/.exec(running.printed())?.[1] ?? '';
      const ask = (given: string) =>
        runTool(
          'radclient',
          ['-r', '1', server, 'auth', secret],
          `User-Name = "grace"\nUser-Password = "${given}"\nMessage-Authenticator = 0x00\n`,
        );
      expect((await ask(password)).stdout).toContain('Received Access-Accept');
      expect((await ask('wrong')).stdout).toContain('Received Access-Reject');
    },
  );

  test('the front door passes calls to the core', async () => {
    const door = /front door\s+(http\S+)/.exec(running.printed())?.[1] ?? '';
    const answer = await fetch(`${door}api/v3/root/config/`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toHaveProperty('cache_timeout_flows');
  });

  test('nothing secret is in the log', async () => {
    const log = await readFile(join(folder.path, 'gatehouse.log'), 'utf8');
    for (const name of ['secret-key', 'admin-password', 'admin-token', 'demo-password', 'radius-secret'])
      expect(log).not.toContain((await readFile(join(folder.path, 'secrets', name), 'utf8')).trim());
  });

  test('a second start on the same folder says that it is in use', async () => {
    const second = startUp(folder.path);
    expect(await second.exited).toBe(1);
    expect(second.complained()).toMatch(/ERR_LIFECYCLE_CHILD_DIED core ended .*PostgreSQL did not start/);
    expect(second.complained()).toContain('Another gatehouse uses this data folder');
  });
});

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

test('a process that dies takes the rest down, and is named', async () => {
  await using folder = await temporaryFolder();
  const running = startUp(folder.path);
  await isUp(running);
  const pid = Number((await readFile(join(folder.path, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0]);
  process.kill(pid, 'SIGKILL');
  expect(await running.exited).toBe(2);
  expect(running.complained()).toMatch(/core ended with exit code 2: .*PostgreSQL ended by itself/);
}, 90_000);
