// The first process of a router with several workers (router.md §20.5): looks after the core and the workers, and shows
// their health and metrics as one. It answers no request itself.
import { chmod, rm } from 'node:fs/promises';
import type { Clock } from '@gatehouse/daemon/async';
import type { Health } from '@gatehouse/daemon/health';
import type { Logger } from '@gatehouse/daemon/log';
import type { Metrics } from '@gatehouse/daemon/metrics';
import { freePort } from '@gatehouse/daemon/net';
import { requireSharedSessions, superviseProxies } from '@gatehouse/proxy/siblings';
import { localSocketPath, type RouterConfig } from '../config.ts';
import type { CoreTarget } from '../forwarding/core-connection.ts';
import { withCoreMetrics } from '../metrics.ts';
import { workerVariable } from '../start.ts';
import { fetchCoreMetrics, targetOf } from '../supervisor/core-target.ts';
import { CoreWatch } from '../supervisor/core-watch.ts';
import { probeCore } from '../supervisor/probe.ts';
import { type SpawnedCore, spawnCore } from '../supervisor/spawn-core.ts';

export interface PrimaryOptions {
  readonly config: RouterConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly health: Health;
  readonly clock: Clock;
  readonly log: Logger;
  readonly output: { write(line: string): void };
  readonly signal: AbortSignal;
}

export interface Primary {
  reload(): Promise<void>;
  /** Of all workers together, and of the core behind them. */
  readonly metrics: Metrics;
  close(): Promise<void>;
}

const probeTimeoutMs = 5_000;
/** Beyond the router's own patience with what runs: until a worker has cut it and ended. */
const endingMs = 5_000;

export async function startPrimary(options: PrimaryOptions, own: Metrics): Promise<Primary> {
  const { config, env, health, clock, log, signal } = options;
  requireSharedSessions(config.session, config.web.workers);
  const socketPath = localSocketPath(config);
  await rm(socketPath, { force: true });
  const core = config.core.url === undefined ? await superviseCore(options) : coreElsewhere(config.core.url);
  const workers = superviseProxies({
    count: config.web.workers,
    env: (generation) => ({
      AUTHENTIK_CORE__URL: core.url,
      [workerVariable]: generation === 0 ? 'first' : 'successor',
      ...(env['AUTHENTIK_LISTEN__SOCKET'] === undefined ? { AUTHENTIK_LISTEN__SOCKET: socketPath } : {}),
    }),
    health,
    clock,
    log,
    signal,
  });
  const close = async () => {
    await workers.stop(config.web.shutdown_delay + config.web.shutdown_grace + endingMs);
    await core.stop();
    await rm(socketPath, { force: true });
  };
  try {
    if (await workers.ready) await chmod(socketPath, 0o660);
  } catch (error) {
    await close();
    throw error;
  }
  const ofWorkers = { ...own, text: () => workers.metrics() };
  return {
    reload: () => workers.replace(),
    metrics: withCoreMetrics(ofWorkers, () => fetchCoreMetrics(core.target(), core.metricsTarget(), config.web.path)),
    close,
  };
}

/** The core, as the first process knows it. */
interface Core {
  readonly url: string;
  /** While it is healthy. */
  target(): CoreTarget | undefined;
  metricsTarget(): CoreTarget | undefined;
  stop(): Promise<void>;
}

function coreElsewhere(url: string): Core {
  const target = targetOf(url);
  return { url, target: () => target, metricsTarget: () => undefined, stop: async () => undefined };
}

/** On one port for good: workers know the core by its address. */
async function superviseCore({ config, env, clock, log, health, output }: PrimaryOptions): Promise<Core> {
  const port = await freePort();
  const webPath = config.web.path;
  let spawned: SpawnedCore | undefined;
  const watch = new CoreWatch({
    core: {
      spawn() {
        spawned = spawnCore({
          script: config.core.script,
          env,
          maxHeaderBytes: config.web.max_header_bytes + 16_384,
          onLine: (raw) => output.write(`${raw}\n`),
          port,
        });
        return spawned;
      },
    },
    clock,
    log,
    probe: (target) => probeCore(target, webPath, probeTimeoutMs),
    onChange: (state) => {
      if (state === 'healthy') health.set('core', { state: 'ready' });
      else health.set('core', { state: state === 'degraded' ? 'degraded' : 'starting', reason: state });
    },
  });
  return {
    url: `http://127.0.0.1:${port}`,
    target: () => (watch.state === 'healthy' ? watch.target : undefined),
    metricsTarget: () => spawned?.metricsTarget(),
    stop: () => watch[Symbol.asyncDispose](),
  };
}
