// The proxy daemon: settings, rooms, outpost, listeners, in this order; and their end.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contractVersion } from '@gatehouse/contract/versions';
import { type Clock, systemClock } from '@gatehouse/daemon/async';
import { type ConfigOf, loadConfig } from '@gatehouse/daemon/config';
import { createHealth, healthSocketPath, serveHealth } from '@gatehouse/daemon/health';
import { type ProcessContext, reportFatal, runProcess } from '@gatehouse/daemon/lifecycle';
import { bufferedOutput, createLogger, type Logger, prettyOutput } from '@gatehouse/daemon/log';
import { createMetrics } from '@gatehouse/daemon/metrics';
import { createCidrSet } from '@gatehouse/daemon/net';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import { createAccessLog } from './access-log.ts';
import { createApplicationCertificates } from './applications/certificates.ts';
import { runCommand } from './commands/run.ts';
import { proxyConfig } from './config.ts';
import { type CoreLine, connectCore, createApplications } from './core.ts';
import { createEngine } from './engine.ts';
import { createProxyMetrics } from './metrics.ts';
import { loadRuleFile, watchRuleFile } from './rules/rule-file.ts';
import { listenProxy } from './server.ts';
import { openSessionStore } from './sessions/open-store.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Config = ConfigOf<typeof proxyConfig>;

const loggerName = 'authentik.outpost.proxyv2';

/** Runs until a signal ends it. @returns the exit code */
export async function runProxyDaemon(argv: readonly string[], env: Environment): Promise<number> {
  const commanded = await runCommand(argv, env);
  if (commanded !== undefined) return commanded;
  try {
    const { config } = loadConfig(proxyConfig, { env, argv });
    const output = config.debug ? prettyOutput(process.stdout) : bufferedOutput();
    const log = createLogger({ level: config.log_level, name: loggerName, destination: output });
    return await runProcess({ log, drainMs: config.drain + 2_000 }, (context) =>
      run({ config, env, log, output }, context),
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
  const clock: Clock = systemClock;
  const metrics = createMetrics({ process: true });
  const health = createHealth();
  const build = env['GIT_BUILD_HASH'] ?? '';
  const version = `goauthentik.io/outpost/${contractVersion}${build === '' ? '' : `+${build}`}`;
  const tls = createApplicationCertificates(await selfSignedCertificate(), log);
  const applications = createApplications({ hostBrowser: config.host_browser ?? '', version, log, tls });
  if (config.rules !== '') {
    applications.useRules(loadRuleFile(config.rules));
    const watching = watchRuleFile({ path: config.rules, log, clock, signal: context.signal }, applications.useRules);
    context.onDrain(() => watching);
  }
  const store = await openSessionStore({ ...config.session, path: sessionFolder(config) }, { clock, log });
  context.onDrain(async () => store[Symbol.asyncDispose]());
  const trusted = createCidrSet(config.listen.trusted_proxy_cidrs);
  const lines: CoreLine[] = [];
  const engine = createEngine({
    clock,
    log,
    store,
    lookup: applications.lookup,
    insecure: config.insecure,
    userAgent: version,
    strict: config.compat === 'strict',
    trusted,
    report: (event) => lines[0]?.report(event),
  });
  context.onDrain(() => engine.close());
  const server = await listenProxy(
    {
      gateway: engine.gateway,
      forwarding: engine.forwarding,
      balancer: engine.balancer,
      tunnels: engine.tunnels,
      accessLog: createAccessLog({
        write: (line) => output.write(line),
        log,
        clock,
        headers: config.log.http_headers,
        metrics: createProxyMetrics(metrics),
        outpostName: () => lines[0]?.outpostName() ?? '',
      }),
      certificates: tls.store,
      trusted,
      log,
      clock,
      limits: { total: config.connections.total, perClient: config.connections.per_client },
      headerMs: config.web.timeout_http_read_header,
      idleMs: config.web.timeout_http_idle,
    },
    config.listen,
  );
  context.onDrain(() => server.close(config.drain));
  lines.push(
    connectCore({
      config,
      log,
      metrics,
      health,
      clock,
      signal: context.signal,
      applications,
      onChannel: (isOpen) => engine.liveness.channel(isOpen),
      onSessionEnd: (sid) => {
        engine.endCoreSession(sid).catch((error: unknown) => {
          log.error('sessions of an ended core session not removed', { error: String(error) });
        });
      },
    }),
  );
  const socketPath = healthSocketPath(config.instance_name);
  const healthServer = await serveHealth({ health, metrics, addresses: config.listen.metrics, socketPath, log });
  context.onDrain(async () => healthServer[Symbol.asyncDispose]());
  log.info('ready', {});
}

function sessionFolder(config: Config): string {
  return config.session.path || join(tmpdir(), `gatehouse-proxy-sessions${config.instance_name}`);
}
