// `gatehouse backup <folder>`: the whole data folder as of one moment, beside a running core or without one. To restore, start
// on the copy, or put it back while nothing runs.
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Terminal } from '@gatehouse/daemon/commands';
import { loadConfig } from '@gatehouse/daemon/config';
import { type CoreConfig, coreConfig } from '../config.ts';
import { copyDatabase, copyFolder } from '../database/backup.ts';
import { coreError } from '../errors.ts';
import { withCore } from './with-core.ts';

/** Of the processes that run there, or good only for them. Sessions of the proxy would come to life again. */
const ofTheMoment = new Set(['postgres', 'run.json', 'gatehouse.log', 'proxy-sessions']);

export async function backup(words: readonly string[], terminal: Terminal): Promise<number | 'usage'> {
  const [given, ...more] = words;
  if (given === undefined || more.length > 0) return 'usage';
  const target = resolve(given);
  await refuseExisting(target);
  const { config: settings } = loadConfig(coreConfig, { env: terminal.env, argv: [] });
  refuseForeign(settings);
  refuseInside(target, resolve(settings.data_dir));
  return withCore(terminal, async ({ database }, config) => {
    const source = resolve(config.data_dir);
    const partial = join(dirname(target), `.${basename(target)}.partial`);
    try {
      await mkdir(dirname(target), { recursive: true });
      await rm(partial, { recursive: true, force: true });
      await copyFolder(source, partial, { skip: (path) => ofTheMoment.has(path) });
      await copyDatabase(database, join(source, 'postgres'), join(partial, 'postgres'));
      await rename(partial, target);
    } catch (cause) {
      await rm(partial, { recursive: true, force: true }).catch(() => undefined); // the cause says more
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw coreError(
        'ERR_CORE_BACKUP',
        `No backup was made: ${reason}.`,
        'Check space and rights of its folder.',
        cause,
      );
    }
    terminal.print(`${target}\n`);
    const megabytes = Math.round((await sizeOf(target)) / 1_048_576);
    terminal.complain(
      `A data folder of ${megabytes} MB, as secret as the original. Start on it, or put it back, to restore.\n`,
    );
    for (const folder of filesElsewhere(config, source))
      terminal.complain(`Not in it: the stored files in ${folder}. Back them up by themselves.\n`);
    return 0;
  });
}

async function refuseExisting(target: string): Promise<void> {
  const found = await stat(target).catch(() => undefined);
  if (found === undefined) return;
  throw coreError(
    'ERR_CORE_BACKUP',
    `${target} is there already.`,
    'Name a folder that does not exist; nothing is replaced.',
  );
}

function refuseInside(target: string, source: string): void {
  if (!`${target}/`.startsWith(`${source}/`)) return;
  throw coreError(
    'ERR_CORE_BACKUP',
    `${target} is in the data folder itself.`,
    'Name a folder outside, best on another disk.',
  );
}

function refuseForeign({ postgresql: { host } }: CoreConfig): void {
  if (host === '') return;
  throw coreError(
    'ERR_CORE_BACKUP',
    `The database is a server of yours, on ${host}.`,
    'Back it up with its own tools (pg_dump), and the data folder with yours.',
  );
}

function filesElsewhere({ storage }: CoreConfig, source: string): readonly string[] {
  if (storage.backend !== 'file') return [];
  const folder = resolve(storage.file.path);
  return folder === source || folder.startsWith(`${source}/`) ? [] : [folder];
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  let bytes = 0;
  for (const entry of entries) if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  return bytes;
}
