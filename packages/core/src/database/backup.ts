// Copies the private database while it serves (PostgreSQL, "Making a Base Backup Using the Low Level API"): what it writes
// meanwhile is replayed from its log when somebody starts on the copy. The copy is a data folder like any other.
import type { Stats } from 'node:fs';
import { chown, copyFile, mkdir, open, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Kysely, sql } from 'kysely';
import type { Database } from './connection.ts';
import type { Tables } from './tables.ts';

/** Folders whose contents the server makes anew when it starts. */
const madeAnew = new Set([
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
  'pg_wal',
]);
const ofTheRunningServer = /(^|\/)(postmaster\.(pid|opts)|pg_internal\.init|pgsql_tmp[^/]*)$/;
const segment = /^[0-9A-F]{24}$/;

/**
 * @param source data folder of the server that `database` is connected to
 * @param target folder that does not exist; what is in it after a failure is of no use
 */
export async function copyDatabase(database: Database, source: string, target: string): Promise<void> {
  await database.kysely.connection().execute(async (session) => {
    // Reserves the log from here on; gone with the session where it is not dropped.
    const slot = `gatehouse_backup_${process.pid}`;
    await sql`select pg_create_physical_replication_slot(${slot}, true, true)`.execute(session);
    try {
      const { first, label } = await copyTables(session, source, target);
      await copyLog(join(source, 'pg_wal'), join(target, 'pg_wal'), first);
      await writeLabel(join(target, 'backup_label'), label, await stat(source));
    } finally {
      await sql`select pg_drop_replication_slot(${slot})`.execute(session);
    }
  });
}

/** @returns the first part of the log that the copy needs, and the label that says so */
async function copyTables(session: Kysely<Tables>, source: string, target: string) {
  const { rows } = await sql<{ first: string }>`
    select pg_walfile_name(lsn) as first from pg_backup_start('gatehouse backup', true) as lsn`.execute(session);
  const stop = () => sql<{ label: string }>`select labelfile as label from pg_backup_stop(false)`.execute(session);
  try {
    await copyFolder(source, target, { skip: (path) => ofTheRunningServer.test(path), leaveEmpty: madeAnew });
  } catch (error) {
    await stop();
    throw error;
  }
  return { first: rows[0]?.first ?? '', label: (await stop()).rows[0]?.label ?? '' };
}

export interface CopyOptions {
  /** What stays behind, by its path in the folder. */
  readonly skip?: (path: string) => boolean;
  /** Paths of folders that are made and not filled. */
  readonly leaveEmpty?: ReadonlySet<string>;
}

/** Files and folders with their owners and rights, synced; what goes away meanwhile is left out, links are not followed. */
export async function copyFolder(source: string, target: string, options: CopyOptions = {}, above = ''): Promise<void> {
  await mkdir(target, { mode: 0o700 });
  const owner = await stat(source);
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    const path = `${above}${entry.name}`;
    if (options.skip?.(path) === true) continue;
    if (entry.isFile()) await copyOne(from, to);
    else if (entry.isDirectory() && options.leaveEmpty?.has(path) === true) await copyEmpty(from, to);
    else if (entry.isDirectory()) await copyFolder(from, to, options, `${path}/`);
  }
  await keepOwner(target, owner);
}

async function copyEmpty(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  await keepOwner(to, await stat(from));
}

async function copyOne(from: string, to: string): Promise<void> {
  try {
    const owner = await stat(from);
    await copyFile(from, to);
    await keepOwner(to, owner);
    await sync(to);
  } catch (error) {
    // A table that was dropped, a file that was deleted: what follows from that is in the log of the database.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

async function copyLog(source: string, target: string, first: string): Promise<void> {
  const kept = (await readdir(source)).filter((name) => segment.test(name) && name.slice(8) >= first.slice(8));
  for (const name of kept) await copyOne(join(source, name), join(target, name));
}

async function writeLabel(path: string, text: string, owner: Stats): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  await keepOwner(path, owner);
  await sync(path);
}

/** As root the database belongs to somebody else. */
async function keepOwner(path: string, { uid, gid }: Stats): Promise<void> {
  if (process.getuid?.() === 0) await chown(path, uid, gid);
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
