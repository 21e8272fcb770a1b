// The database of this installation: a server somebody runs, or a private one that lives and dies with us.
import { join } from 'node:path';
import type { Logger } from '@gatehouse/daemon/log';
import type { CoreConfig } from '../config.ts';
import { type Database, openDatabase } from './connection.ts';
import { isInitialised, startEmbeddedPostgres } from './embedded-postgres.ts';

export interface OpenedDatabase {
  readonly database: Database;
  /** Called if the private server ends by itself. */
  onLost(listener: (reason: string) => void): void;
  close(): Promise<void>;
}

/** Whether a private database has to be made first, so that everything in it will be new. */
export async function isFirstStart({ postgresql, data_dir }: CoreConfig): Promise<boolean> {
  return postgresql.host === '' && !(await isInitialised(folderOf(data_dir)));
}

const folderOf = (dataDir: string) => join(dataDir, 'postgres');

export async function openConfiguredDatabase(config: CoreConfig, log: Logger): Promise<OpenedDatabase> {
  const { host, port, name, user, password } = config.postgresql;
  if (host !== '') {
    const settings = {
      host,
      port,
      user,
      database: name,
      ...(password === undefined ? {} : { password: password.reveal() }),
    };
    const database = await openDatabase({ settings, log });
    return { database, onLost: () => {}, close: () => database.close() };
  }
  const server = await startEmbeddedPostgres({ dataDir: folderOf(config.data_dir), log });
  try {
    const database = await openDatabase({ settings: server.connection, log });
    return {
      database,
      onLost: (listener) => server.onExit(listener),
      async close() {
        await database.close();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
