// A copy that is made while somebody writes holds everything that was committed before, and nothing by half.
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { captureLogger, temporaryFolder } from '@gatehouse/daemon/testing';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { copyDatabase } from './backup.ts';
import { openDatabase } from './connection.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';

async function serve(dataDir: string) {
  const log = captureLogger();
  const server = await startEmbeddedPostgres({ dataDir, log });
  const database = await openDatabase({ settings: server.connection, log, poolSize: 5 });
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    await database.close();
    await server.stop();
  };
  onTestFinished(close);
  return { database, close };
}

test('a copy made under load is a whole database as of its end', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const source = join(folder.path, 'source');
  const { database } = await serve(source);
  await sql`create table pairs (n int primary key, twin int not null unique, ballast text)`.execute(database.kysely);
  let written = 0;
  let writing = true;
  const writer = (async () => {
    for (; writing; written += 1) {
      const ballast = randomBytes(3_000).toString('base64');
      await sql`insert into pairs values (${written}, ${-written}, ${ballast})`.execute(database.kysely);
      if (written % 50 === 49) await sql`delete from pairs where n % 7 = 0`.execute(database.kysely);
    }
  })();
  while (written < 200) await new Promise((later) => setImmediate(later));
  const before = written;
  await copyDatabase(database, source, join(folder.path, 'copy'));
  const after = written;
  writing = false;
  await writer;
  expect(after, 'it was written to meanwhile').toBeGreaterThan(before);
  const { database: copy } = await serve(join(folder.path, 'copy'));
  const { rows } = await sql<{ last: number; twins: string; by_index: string; by_table: string }>`
    select max(n) as last, count(*) filter (where twin <> -n) as twins, count(*) as by_table,
      (select count(*) from pairs where n >= 0) as by_index from pairs`.execute(copy.kysely);
  const [{ last, twins, by_index, by_table } = { last: 0, twins: '', by_index: '', by_table: '' }] = rows;
  expect(last).toBeGreaterThanOrEqual(before - 1);
  expect(last).toBeLessThan(written);
  expect([twins, by_index]).toEqual(['0', by_table]);
  expect(Number(by_table)).toBeGreaterThan(100);
}, 60_000);

test('it fails as a whole where its place is taken, and leaves the server as it was', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const source = join(folder.path, 'source');
  const { database } = await serve(source);
  await expect(copyDatabase(database, source, folder.path)).rejects.toThrow('EEXIST');
  await copyDatabase(database, source, join(folder.path, 'copy'));
  expect((await stat(join(folder.path, 'copy/backup_label'))).size).toBeGreaterThan(0);
}, 60_000);
