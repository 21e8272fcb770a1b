// The core as a process: settings, database, health, signals.
import { systemClock } from '@gatehouse/daemon/async';
import { formatAddress, loadConfig } from '@gatehouse/daemon/config';
import { createHealth, healthSocketPath, serveHealth } from '@gatehouse/daemon/health';
import { exitCode, runProcess } from '@gatehouse/daemon/lifecycle';
import { createLogger, type Logger } from '@gatehouse/daemon/log';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { browserFolder } from '@gatehouse/web/manifest';
import { type CoreConfig, coreConfig } from './config.ts';
import { openConfiguredDatabase } from './database/open.ts';
import { startCore } from './start.ts';

type Environment = Readonly<Record<string, string | undefined>>;

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
    const opened = await openConfiguredDatabase(config, log);
    onDrain(() => opened.close());
    const lost = new Promise<never>((_, reject) => opened.onLost((reason) => reject(new Error(reason))));
    lost.catch(() => {}); // reported by the race below
    const core = await startCore({
      database: opened.database,
      log,
      clock: systemClock,
      secretKey: config.secret_key,
      listen: config.listen.core,
      blueprintsDir: config.blueprints_dir === '' ? undefined : config.blueprints_dir,
      pwnedPasswords: config.pwned_passwords,
      demo: config.demo,
      storage: rereadStorage(config, argv, env),
      web: { ...config.web, assets_dist: config.web.assets_dist || browserFolder },
      certificatesDir: config.cert_discovery_dir === '' ? undefined : config.cert_discovery_dir,
      embeddedOutpost: !config.outposts.disable_embedded_outpost,
      env,
    });
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

const storageSettingsLiveMs = 1_000;

/** Secrets behind `file://` may be replaced while we run (files.md F42); a setting that went bad leaves the last good ones. */
function rereadStorage(config: CoreConfig, argv: readonly string[], env: Environment): () => CoreConfig['storage'] {
  let known = { atMs: systemClock.monotonicMs(), storage: config.storage };
  return () => {
    const nowMs = systemClock.monotonicMs();
    if (nowMs - known.atMs < storageSettingsLiveMs) return known.storage;
    try {
      known = { atMs: nowMs, storage: loadConfig(coreConfig, { env, argv }).config.storage };
    } catch {
      known = { ...known, atMs: nowMs }; // a start with these settings says what is wrong with them
    }
    return known.storage;
  };
}

function reportStartFailure(log: Logger, error: unknown): void {
  const hint = error instanceof Error && 'hint' in error ? String(error.hint) : '';
  log.error(error instanceof Error ? error.message : String(error), { hint });
}
