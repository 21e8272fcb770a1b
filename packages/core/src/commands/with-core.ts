// Lends a command the core's database.
import { systemClock } from '@gatehouse/daemon/async';
import type { Terminal } from '@gatehouse/daemon/commands';
import { loadConfig } from '@gatehouse/daemon/config';
import { createLogger } from '@gatehouse/daemon/log';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { type CoreConfig, coreConfig } from '../config.ts';
import { attachDatabase } from '../database/attach.ts';
import type { CoreDeps } from '../deps.ts';
import { createDeps } from '../start.ts';
import { startOptions } from '../start-options.ts';

/** Does something with the core's database, whether a core runs on it or not, and lets go of it. */
export async function withCore<T>(
  { env }: Terminal,
  work: (deps: CoreDeps, config: CoreConfig) => Promise<T>,
): Promise<T> {
  const { config } = loadConfig(coreConfig, { env, argv: [] });
  const log = createLogger({ level: 'error', name: 'gatehouse.core' });
  const opened = await attachDatabase(config, log);
  try {
    const options = startOptions({
      config,
      argv: [],
      env,
      log,
      metrics: createMetrics(),
      database: opened.database,
      clock: systemClock,
    });
    return await work(await createDeps(options), config);
  } finally {
    await opened.close();
  }
}
