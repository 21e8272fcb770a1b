// The router as a process: settings, listeners from the first moment, the core behind them, an orderly end (router.md §1,
// §17). Everything is made here and handed to the rooms that need it.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contractVersion } from '@gatehouse/contract/versions';
import { systemClock } from '@gatehouse/daemon/async';
import { loadConfig } from '@gatehouse/daemon/config';
import { createHealth, healthcheck, healthSocketPath, serveHealth } from '@gatehouse/daemon/health';
import { exitCode, type ProcessContext, reportFatal, runProcess } from '@gatehouse/daemon/lifecycle';
import { bufferedOutput, createLogger, type Logger, prettyOutput } from '@gatehouse/daemon/log';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { isWorker, serveFirstProcess } from '@gatehouse/daemon/workers';
import { localSocketPath, type RouterConfig, routerConfig } from './config.ts';
import { createRouterMetrics, withCoreMetrics } from './metrics.ts';
import { followSignals } from './signals.ts';
import { type RunningRouter, startRouter, workerVariable } from './start.ts';
import { type IpcKey, readIpcKey, writeIpcKey } from './supervisor/ipc-key.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Runs the router until a signal. @returns the exit code: 1 for settings that are wrong, 2 for other faults */
export async function runRouterDaemon(argv: readonly string[], env: Environment): Promise<number> {
  const early = createLogger({ level: 'info', name: 'authentik.router' });
  let config: RouterConfig;
  try {
    config = loadConfig(routerConfig, { env, argv }).config;
  } catch (error) {
    reportFatal(early, error);
    return exitCode.configuration;
  }
  const output = config.debug ? prettyOutput(process.stdout) : bufferedOutput(isWorker() ? { batchLength: 4_000 } : {});
  const log = createLogger({ level: config.log_level, name: 'authentik.router', destination: output });
  const drainMs = config.web.shutdown_delay + config.web.shutdown_grace + 40_000;
  return runProcess({ log, drainMs }, (context) => serve(config, { argv, env, log, output, context }));
}

/** `healthcheck`: asks the router of this machine about its core (router.md §13, R56). @returns exit code 0 or 1 */
export async function routerHealthcheck(argv: readonly string[], env: Environment): Promise<number> {
  const { config } = loadConfig(routerConfig, { env, argv });
  return healthcheck(localSocketPath(config), `${config.web.path}-/health/live/`);
}

interface Surroundings {
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly log: Logger;
  readonly output: { write(line: string): void };
  readonly context: ProcessContext;
}

async function serve(config: RouterConfig, surroundings: Surroundings): Promise<void> {
  const isWorker = surroundings.env[workerVariable] !== undefined;
  const ipcPath = join(tmpdir(), 'authentik-core-ipc.key');
  const ipc = isWorker ? await readIpcKey(ipcPath) : await writeIpcKey(ipcPath);
  surroundings.context.onDrain(async () => ipc[Symbol.asyncDispose]());
  if (!isWorker && config.web.workers > 1) return serveByWorkers(config, surroundings);
  return serveHere(config, surroundings, ipc);
}

/** This process listens and hands out connections; others answer. SIGHUP replaces them one by one. */
async function serveByWorkers(config: RouterConfig, { env, log, output, context }: Surroundings): Promise<void> {
  // Loaded here: it prepares this process for workers, which one that answers by itself has no use for.
  const { startPrimary } = await import('./workers/primary.ts');
  const health = createHealth();
  const { signal } = context;
  const primary = await startPrimary({ config, env, health, clock: systemClock, log, output, signal }, createMetrics());
  context.onDrain(() => primary.close());
  if (signal.aborted) return;
  const replace = () => void primary.reload().then(() => log.info('workers replaced', {}));
  followSignals(context.signal, { reload: replace, replace }, log);
  const probe = await serveHealth({
    health,
    metrics: primary.metrics,
    addresses: config.listen.metrics,
    socketPath: healthSocketPath(config.instance_name),
    log,
  });
  context.onDrain(async () => probe[Symbol.asyncDispose]());
  log.info('ready', {});
}

async function serveHere(config: RouterConfig, surroundings: Surroundings, ipc: IpcKey): Promise<void> {
  const { env, log, output, context } = surroundings;
  const health = createHealth();
  const metrics = createMetrics({ process: true });
  const router = await startRouter({
    config,
    env,
    version: contractVersion,
    ipcKey: ipc.key,
    metrics: createRouterMetrics(metrics),
    allMetrics: metrics,
    health,
    clock: systemClock,
    log,
    output,
    passLine: (raw) => output.write(`${raw}\n`),
  });
  context.onDrain(() => router.close());
  followSignals(context.signal, { reload: () => void readAgain(router, surroundings) }, log);
  if (env[workerVariable] !== undefined) {
    serveFirstProcess({ health, clock: systemClock, signal: context.signal, pages: { metrics: metrics.text } });
    return;
  }
  const probe = await serveHealth({
    health,
    metrics: withCoreMetrics(metrics, () => router.fetchCoreMetrics()),
    addresses: config.listen.metrics,
    socketPath: healthSocketPath(config.instance_name),
    log,
  });
  context.onDrain(async () => probe[Symbol.asyncDispose]());
  log.info('ready', {});
}

/** Settings are read again; wrong ones are complained about and the old ones stay (router.md §17, R52). */
async function readAgain(router: RunningRouter, { argv, env, log }: Surroundings): Promise<void> {
  try {
    const { config } = loadConfig(routerConfig, { env, argv });
    await router.reload(config);
    log.setLevel(config.log_level === 'warning' ? 'warn' : config.log_level);
    log.info('settings read again', {});
  } catch (error) {
    reportFatal(log, error);
  }
}
