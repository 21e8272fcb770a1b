// The proxy daemon: settings, rooms, outpost, listeners, in this order; and their end.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contractVersion } from '@gatehouse/contract/versions';
import { systemClock } from '@gatehouse/daemon/async';
import { type ConfigOf, loadConfig } from '@gatehouse/daemon/config';
import { createHealth, healthSocketPath, serveHealth } from '@gatehouse/daemon/health';
import { type ProcessContext, reportFatal, runProcess } from '@gatehouse/daemon/lifecycle';
import { bufferedOutput, createLogger, type Logger, prettyOutput } from '@gatehouse/daemon/log';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { createCidrSet } from '@gatehouse/daemon/net';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import { isWorker, serveFirstProcess } from '@gatehouse/daemon/workers';
import { assembleProxy } from './assembly.ts';
import { proxyConfig } from './config.ts';
import { loadRuleFile, watchRuleFile } from './rules/rule-file.ts';
import { listenProxy } from './server.ts';
import { hearSiblings, requireSharedSessions, superviseProxies, tellSiblings } from './workers/siblings.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Config = ConfigOf<typeof proxyConfig>;

const loggerName = 'authentik.outpost.proxyv2';

/** Runs until a signal ends it. @returns the exit code */
export async function runProxyDaemon(argv: readonly string[], env: Environment): Promise<number> {
  try {
    const { config } = loadConfig(proxyConfig, { env, argv });
    const output = config.debug
      ? prettyOutput(process.stdout)
      : bufferedOutput(isWorker() ? { batchLength: 4_000 } : {});
    const log = createLogger({ level: config.log_level, name: loggerName, destination: output });
    return await runProcess({ log, drainMs: config.drain + 2_000 }, (context) =>
      config.workers > 1 && !isWorker()
        ? supervise({ config, log }, context)
        : run({ config, env, log, output }, context),
    );
  } catch (error) {
    return reportFatal(createLogger({ level: 'info', name: loggerName }), error);
  }
}

interface Running {
  readonly config: Config;
  readonly env: Environment;
  readonly log: Logger;
  readonly output: { write(line: string): void };
}

async function run({ config, env, log, output }: Running, context: ProcessContext): Promise<void> {
  const metrics = createMetrics({ process: true });
  const health = createHealth();
  const build = env['GIT_BUILD_HASH'] ?? '';
  const trusted = createCidrSet(config.listen.trusted_proxy_cidrs);
  const proxy = await assembleProxy({
    session: { ...config.session, path: sessionFolder(config) },
    core: config,
    hostBrowser: () => config.host_browser ?? '',
    strict: config.compat === 'strict',
    trusted,
    version: `goauthentik.io/outpost/${contractVersion}${build === '' ? '' : `+${build}`}`,
    fallback: await selfSignedCertificate(),
    loggedHeaders: config.log.http_headers,
    output,
    metrics,
    health,
    clock: systemClock,
    log,
  });
  context.onDrain(() => proxy.close());
  if (config.rules !== '') {
    const { useRules } = proxy.applications;
    useRules(loadRuleFile(config.rules));
    const watching = watchRuleFile({ path: config.rules, log, clock: systemClock, signal: context.signal }, useRules);
    context.onDrain(() => watching);
  }
  const server = await listenProxy(
    {
      ...proxy.performing,
      certificates: proxy.certificates.store,
      trusted,
      limits: { total: config.connections.total, perClient: config.connections.per_client },
      headerMs: config.web.timeout_http_read_header,
      idleMs: config.web.timeout_http_idle,
      http2: config.web.http2,
    },
    config.listen,
  );
  context.onDrain(() => server.close(config.drain));
  proxy.connect(context.signal);
  if (isWorker()) {
    hearSiblings(proxy.siblingEnded);
    proxy.onEnded(tellSiblings);
    serveFirstProcess({ health, clock: systemClock, signal: context.signal, pages: { metrics: metrics.text } });
    return;
  }
  const socketPath = healthSocketPath(config.instance_name);
  const healthServer = await serveHealth({ health, metrics, addresses: config.listen.metrics, socketPath, log });
  context.onDrain(async () => healthServer[Symbol.asyncDispose]());
  log.info('ready', {});
}

/** With several workers this process only looks after them. */
async function supervise({ config, log }: Pick<Running, 'config' | 'log'>, context: ProcessContext): Promise<void> {
  requireSharedSessions(config.session, config.workers);
  const health = createHealth();
  const workers = superviseProxies({ count: config.workers, log, clock: systemClock, health, signal: context.signal });
  context.onDrain(() => workers.stop(config.drain + 1_000));
  if (!(await workers.ready)) return;
  const metrics = { text: () => workers.metrics(), contentType: createMetrics().contentType };
  const socketPath = healthSocketPath(config.instance_name);
  const healthServer = await serveHealth({ health, metrics, addresses: config.listen.metrics, socketPath, log });
  context.onDrain(async () => healthServer[Symbol.asyncDispose]());
  log.info('ready', { count: config.workers });
}

function sessionFolder(config: Config): string {
  return config.session.path || join(tmpdir(), `gatehouse-proxy-sessions${config.instance_name}`);
}
