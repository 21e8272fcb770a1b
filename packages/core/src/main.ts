// The core as a process: settings, database, health, signals.
import { systemClock } from '@gatehouse/daemon/async';
import { formatAddress, loadConfig } from '@gatehouse/daemon/config';
import { createHealth, healthSocketPath, serveHealth } from '@gatehouse/daemon/health';
import { exitCode, runProcess } from '@gatehouse/daemon/lifecycle';
import { createLogger, type Logger } from '@gatehouse/daemon/log';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { coreConfig } from './config.ts';
import { generateKeys } from './crypto/generate.ts';
import { isFirstStart, openConfiguredDatabase } from './database/open.ts';
import { startCore } from './start.ts';
import { type Environment, startOptions } from './start-options.ts';

/** Runs the core until a signal. @returns the exit code */
export async function runCoreDaemon(argv: readonly string[], env: Environment): Promise<number> {
  const log = createLogger({ level: 'info', name: 'gatehouse.core' });
  try {
    return await run(argv, env);
  } catch (error) {
    reportStartFailure(log, error);
    return exitCode.configuration;
  }
}

async function run(argv: readonly string[], env: Environment): Promise<number> {
  const { config } = loadConfig(coreConfig, { env, argv });
  const log = createLogger({ level: config.log_level, name: 'gatehouse.core', pretty: config.debug });
  return runProcess({ log }, async ({ onDrain, signal }) => {
    const health = createHealth();
    const metrics = createMetrics({ process: true });
    const probe = await serveHealth({
      health,
      metrics,
      addresses: config.listen.metrics,
      socketPath: healthSocketPath(config.instance_name),
      log,
    });
    onDrain(async () => probe[Symbol.asyncDispose]());
    health.set('core', { state: 'starting' });
    log.info('preparing the database', {});
    // A key takes longer than everything else that a first start does, and so is made beside it; nothing waits for it.
    const firstKeys = (await isFirstStart(config)) ? generateKeys({ algorithm: 'rsa' }) : undefined;
    firstKeys?.catch(() => {}); // reported by whoever needs them
    const opened = await openConfiguredDatabase(config, log);
    onDrain(() => opened.close());
    const lost = new Promise<never>((_, reject) => opened.onLost((reason) => reject(new Error(reason))));
    lost.catch(() => {}); // reported by the race below
    const given = { config, env, argv, log, metrics, database: opened.database, clock: systemClock };
    const core = await startCore({ ...startOptions(given), firstKeys, certificateInBackground: true });
    onDrain(() => core.close());
    for (const address of core.bound) log.info('listening', { addr: formatAddress(address), component: 'http' });
    health.set('core', { state: 'ready' });
    log.info('ready', {});
    await Promise.race([
      lost,
      new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true })),
    ]);
  });
}

function reportStartFailure(log: Logger, error: unknown): void {
  const hint = error instanceof Error && 'hint' in error ? String(error.hint) : '';
  log.error(error instanceof Error ? error.message : String(error), { hint });
}
