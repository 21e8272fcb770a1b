// The database for a command beside a running core: its private server if one runs on this data folder, by the socket that
// the server's own pid file names; else as the core itself would open it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@gatehouse/daemon/log';
import type { CoreConfig } from '../config.ts';
import { openDatabase } from './connection.ts';
import { type OpenedDatabase, openConfiguredDatabase } from './open.ts';

export async function attachDatabase(config: CoreConfig, log: Logger): Promise<OpenedDatabase> {
  const socket = config.postgresql.host === '' ? await runningSocket(join(config.data_dir, 'postgres')) : undefined;
  if (socket === undefined) return openConfiguredDatabase(config, log);
  const settings = { host: socket, port: 5432, user: 'gatehouse', database: 'postgres' };
  const database = await openDatabase({ settings, log });
  return { database, onLost: () => {}, close: () => database.close() };
}

/** Folder of the socket of a server that is alive. */
async function runningSocket(dataDir: string): Promise<string | undefined> {
  const lines = (await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const [pid = '', , , , socket = ''] = lines;
  if (socket === '' || lines[7]?.trim() !== 'ready') return undefined;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return undefined;
  }
  return socket;
}
