// The RADIUS daemon as a process: settings, one process or several, what is shown to its operator, and its end. What it does
// for devices: start.ts.
import { systemClock } from '@gatehouse/daemon/async';
import { type ConfigOf, loadConfig } from '@gatehouse/daemon/config';
import { createHealth, type HealthServerOptions, healthSocketPath, serveHealth } from '@gatehouse/daemon/health';
import { type ProcessContext, reportFatal, runProcess } from '@gatehouse/daemon/lifecycle';
import { bufferedOutput, createLogger, type Logger, prettyOutput } from '@gatehouse/daemon/log';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { isWorker, serveFirstProcess } from '@gatehouse/daemon/workers';
import { clientsPage, dropsPage } from './commands/local-pages.ts';
import { radiusConfig } from './config.ts';
import { type Logs, startRadius } from './start.ts';
import { pageOfAll, superviseWorkers } from './workers/first-process.ts';
import { joinSiblings } from './workers/siblings.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Config = ConfigOf<typeof radiusConfig>;

const loggerName = 'authentik.outpost.radius';

/** Runs until a signal ends it. @returns the exit code */
export async function runRadiusDaemon(argv: readonly string[], env: Environment): Promise<number> {
  try {
    const { config } = loadConfig(radiusConfig, { env, argv });
    // Workers share one pipe: their batches have to stay whole on it.
    const batches = isWorker() ? { batchLength: 4_000 } : {};
    const buffered = bufferedOutput(batches);
    const destination = config.debug ? prettyOutput(process.stdout) : buffered;
    const given = { level: config.log_level, name: loggerName, destination };
    const log = createLogger(given);
    return await runProcess({ log }, (context) =>
      config.radius.workers > 1 && !isWorker()
        ? supervise(config, log, context)
        : run(config, { log, startLog: createLogger(given), flush: buffered.flush }, context),
    );
  } catch (error) {
    return reportFatal(createLogger({ level: 'info', name: loggerName }), error);
  }
}

async function run(config: Config, logs: Logs & { flush(): void }, { signal, onDrain }: ProcessContext): Promise<void> {
  const { log, flush } = logs;
  const metrics = createMetrics({ process: true });
  const health = createHealth();
  const siblings = isWorker() ? await joinSiblings(signal) : undefined;
  const ending = new AbortController(); // later than the signal: what is in work may still ask the core
  const parts = { ...logs, metrics, health, clock: systemClock, signal: ending.signal };
  const radius = await startRadius(config, siblings === undefined ? parts : { ...parts, siblings });
  onDrain(async () => {
    await radius.server.close();
    ending.abort(signal.reason);
    await radius.close();
  });
  const { drops, clientsText } = radius;
  if (siblings !== undefined) {
    const pages = { metrics: metrics.text, drops: drops.text, clients: clientsText };
    flush(); // where we listen stands in the log before anybody is told that we are ready
    return serveFirstProcess({ health, clock: systemClock, signal, pages });
  }
  const localPages = { [dropsPage]: drops.text, [clientsPage]: clientsText };
  await serveState(config, { log, metrics, health, localPages }, onDrain);
  log.info('ready', {});
}

/** With several workers this process only looks after them. */
async function supervise(config: Config, log: Logger, { signal, onDrain }: ProcessContext): Promise<void> {
  const health = createHealth();
  const { workers: count } = config.radius;
  const workers = superviseWorkers({ count, log, clock: systemClock, health, signal });
  onDrain(() => workers.stop(stopGraceMs));
  if (!(await workers.ready)) return;
  const metrics = { text: () => workers.metrics(), contentType: createMetrics().contentType };
  const localPages = {
    [dropsPage]: () => pageOfAll(workers, 'drops'),
    [clientsPage]: () => pageOfAll(workers, 'clients'),
  };
  await serveState(config, { log, metrics, health, localPages }, onDrain);
  log.info('ready', { count });
}

const stopGraceMs = 9_000;

async function serveState(
  { listen, instance_name }: Config,
  shown: Pick<HealthServerOptions, 'log' | 'metrics' | 'health' | 'localPages'>,
  onDrain: ProcessContext['onDrain'],
): Promise<void> {
  const socketPath = healthSocketPath(instance_name);
  const server = await serveHealth({ ...shown, addresses: listen.metrics, socketPath });
  onDrain(async () => server[Symbol.asyncDispose]());
}
