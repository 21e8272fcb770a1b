// The first process of a router with several workers (router.md §20.5): looks after the core and the workers, and shows
// their health and metrics as one. It answers no request itself.
import { chmod, rm } from 'node:fs/promises';
import type { Clock } from '@gatehouse/daemon/async';
import type { Health } from '@gatehouse/daemon/health';
import { healthSocketPath, readLocalPage } from '@gatehouse/daemon/health';
import type { Logger } from '@gatehouse/daemon/log';
import { aggregateMetrics, type Metrics } from '@gatehouse/daemon/metrics';
import { freePort } from '@gatehouse/daemon/net';
import { localSocketPath, type RouterConfig } from '../config.ts';
import { workerVariable } from '../start.ts';
import { CoreWatch } from '../supervisor/core-watch.ts';
import { probeCore } from '../supervisor/probe.ts';
import { spawnCore } from '../supervisor/spawn-core.ts';
import { Crew } from './crew.ts';

export interface PrimaryOptions {
  readonly config: RouterConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly health: Health;
  readonly clock: Clock;
  readonly log: Logger;
  readonly output: { write(line: string): void };
}

export interface Primary {
  reload(): Promise<void>;
  /** Of all workers together. */
  metrics(own: Metrics): Metrics;
  close(): Promise<void>;
}

const probeTimeoutMs = 5_000;

export async function startPrimary(options: PrimaryOptions): Promise<Primary> {
  const { config, env, health, clock, log, output } = options;
  const socketPath = localSocketPath(config);
  await rm(socketPath, { force: true });
  const core = config.core.url === undefined ? await superviseCore(options) : undefined;
  const nameOf = (number: number, generation: number) => `${config.instance_name}router-${number}-${generation % 2}`;
  const crew = new Crew({
    size: config.web.workers,
    env: (number, generation) => ({
      AUTHENTIK_CORE__URL: config.core.url ?? core?.url ?? '',
      AUTHENTIK_INSTANCE_NAME: nameOf(number, generation),
      [workerVariable]: generation === 0 ? 'first' : 'successor',
      ...(env['AUTHENTIK_LISTEN__SOCKET'] === undefined ? { AUTHENTIK_LISTEN__SOCKET: socketPath } : {}),
    }),
    onLine: (raw) => output.write(`${raw}\n`),
    onListening: (raw) => output.write(`${raw}\n`),
    clock,
    log,
  });
  await crew.start();
  await chmod(socketPath, 0o660);
  health.set('workers', { state: 'ready' });
  return {
    reload: () => crew.reload(),
    metrics: (own) => ({
      ...own,
      async text() {
        const sockets = crew.numbers.map((number) => healthSocketPath(nameOf(number, crew.generation)));
        const texts = await Promise.all(sockets.map((path) => readLocalPage(path, '/metrics')));
        return aggregateMetrics(texts.filter((text) => text !== undefined));
      },
    }),
    async close() {
      await crew.stop();
      await core?.watch[Symbol.asyncDispose]();
      await rm(socketPath, { force: true });
    },
  };
}

/** On one port for good: workers know the core by its address. */
async function superviseCore({ config, env, clock, log, health, output }: PrimaryOptions) {
  const port = await freePort();
  const webPath = config.web.path;
  const watch = new CoreWatch({
    core: {
      spawn: () =>
        spawnCore({
          script: config.core.script,
          env,
          maxHeaderBytes: config.web.max_header_bytes + 16_384,
          onLine: (raw) => output.write(`${raw}\n`),
          port,
        }),
    },
    clock,
    log,
    probe: (target) => probeCore(target, webPath, probeTimeoutMs),
    onChange: (state) => {
      if (state === 'healthy') health.set('core', { state: 'ready' });
      else health.set('core', { state: state === 'degraded' ? 'degraded' : 'starting', reason: state });
    },
  });
  return { url: `http://127.0.0.1:${port}`, watch };
}
