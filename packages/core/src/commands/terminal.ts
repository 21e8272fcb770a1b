// What a command of the core is given: its words, the environment, and where it prints.
import { systemClock } from '@gatehouse/daemon/async';
import { loadConfig } from '@gatehouse/daemon/config';
import { createLogger } from '@gatehouse/daemon/log';
import { type CoreConfig, coreConfig } from '../config.ts';
import { attachDatabase } from '../database/attach.ts';
import type { CoreDeps } from '../deps.ts';
import { createDeps } from '../start.ts';
import { startOptions } from '../start-options.ts';

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

/** Does something with the core's database, whether a core runs on it or not, and lets go of it. */
export async function withCore<T>(
  { env }: Terminal,
  work: (deps: CoreDeps, config: CoreConfig) => Promise<T>,
): Promise<T> {
  const { config } = loadConfig(coreConfig, { env, argv: [] });
  const log = createLogger({ level: 'error', name: 'gatehouse.core' });
  const opened = await attachDatabase(config, log);
  try {
    const options = startOptions({ config, argv: [], env, log, database: opened.database, clock: systemClock });
    return await work(await createDeps(options), config);
  } finally {
    await opened.close();
  }
}
