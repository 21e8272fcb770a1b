// The private database after its core was killed by force (out of memory, SIGKILL): the next one gets it, with every commit.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { captureLogger, temporaryFolder } from '@gatehouse/daemon/testing';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openDatabase } from './connection.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { endOrphan } from './orphan.ts';

const log = captureLogger();

test('a server whose core was killed is stopped and started anew, and has what was committed', async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, 'postgres');
  const script = join(folder.path, 'core.mjs');
  const module = (name: string) => JSON.stringify(join(import.meta.dirname, name));
  await writeFile(
    script,
    `import { startEmbeddedPostgres } from ${module('embedded-postgres.ts')};
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    process.send((await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, log })).connection);
    setInterval(() => {}, 1000);`,
  );
  const execArgv = ['--import', 'tsx', '--conditions', 'source'];
  const core = fork(script, { execArgv, cwd: import.meta.dirname });
  const [settings] = await once(core, 'message');
  const before = await openDatabase({ settings, log });
  await sql`create table kept as select 7 as n`.execute(before.kysely);
  await before.close();
  core.kill('SIGKILL');
  await once(core, 'exit');

  const server = await startEmbeddedPostgres({ dataDir, log });
  const database = await openDatabase({ settings: server.connection, log });
  expect((await sql`select n from kept`.execute(database.kysely)).rows).toEqual([{ n: 7 }]);
  await database.close();
  await server.stop();
}, 60_000);

test('a server whose core lives is left alone, and the second start is refused', async () => {
  await using folder = await temporaryFolder();
  const dataDir = join(folder.path, 'postgres');
  const server = await startEmbeddedPostgres({ dataDir, log });
  await expect(startEmbeddedPostgres({ dataDir, log })).rejects.toMatchObject({ code: 'ERR_CORE_POSTGRES_FAILED' });
  const database = await openDatabase({ settings: server.connection, log });
  expect((await sql`select 1 as n`.execute(database.kysely)).rows).toEqual([{ n: 1 }]);
  await database.close();
  await server.stop();
}, 60_000);

test('a lock file whose number is that of another process by now ends nothing', async () => {
  await using folder = await temporaryFolder();
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(other, 'spawn');
  const lock = [other.pid, folder.path, 0, 5432, '', '', '', 'ready'].join('\n');
  await writeFile(join(folder.path, 'postmaster.pid'), lock);
  await writeFile(join(folder.path, 'postmaster.opts'), 'postgres "-c" "gatehouse.started_by=4194305-1"');
  await endOrphan(folder.path, log);
  expect(other.signalCode).toBeNull();
  other.kill();
  expect(await once(other, 'exit')).toEqual([null, 'SIGTERM']);
});
