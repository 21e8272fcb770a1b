// The RADIUS daemon: settings, line to the core, operations, listeners, in this order; and their end.
import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '@gatehouse/daemon/async';
import { type ConfigOf, formatAddress, loadConfig } from '@gatehouse/daemon/config';
import {
  createHealth,
  type Health,
  type HealthServerOptions,
  healthSocketPath,
  serveHealth,
} from '@gatehouse/daemon/health';
import { type ProcessContext, reportFatal, runProcess } from '@gatehouse/daemon/lifecycle';
import { bufferedOutput, createLogger, type Logger, prettyOutput } from '@gatehouse/daemon/log';
import { createMetrics, type Metrics } from '@gatehouse/daemon/metrics';
import { kernelDrops } from '@gatehouse/daemon/net';
import { isWorker, serveFirstProcess } from '@gatehouse/daemon/workers';
import { createOutbox, type Outbox } from './accounting/outbox.ts';
import { openSpool } from './accounting/spool.ts';
import { createAttributeReader } from './attributes/core-attributes.ts';
import { createChallenges } from './authentication/challenges.ts';
import { createMessageAuthenticatorGate } from './clients/message-authenticator-policy.ts';
import { createNotices } from './clients/notices.ts';
import { providerFromApi } from './clients/provider.ts';
import { type ClientTable, createClientTable } from './clients/table.ts';
import { createNasLogins } from './coa/logins.ts';
import { createSessionEnd } from './coa/session-end.ts';
import { clientsPage, dropsPage } from './commands/local-pages.ts';
import { radiusConfig, settingsOf } from './config.ts';
import { type Access, connectCore } from './core.ts';
import { createDrops, type Drops } from './datagram/drops.ts';
import type { AdmittedRequest } from './datagram/request.ts';
import { createEap } from './eap/eap.ts';
import { createKeyFiles, type KeyFileNames } from './eap/key-files.ts';
import { createHomeServers } from './home-servers/home-servers.ts';
import { createRadiusMetrics } from './metrics.ts';
import { createOperations } from './operations/table.ts';
import { createPolicy } from './policy/policy.ts';
import { proxyStateMark } from './realms/forwarded-packet.ts';
import { createStates } from './realms/states.ts';
import { listenRadius, type RadiusServer } from './server.ts';
import { pageOfAll, superviseWorkers } from './workers/first-process.ts';
import { joinSiblings, type Siblings } from './workers/siblings.ts';

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

interface Logs {
  /** Follows the level that the core wants. */
  readonly log: Logger;
  /** Does not: where this process listens is told in any case. */
  readonly startLog: Logger;
}

export interface Parts extends Logs {
  readonly metrics: Metrics;
  readonly health: Health;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Other processes of this outpost. */
  readonly siblings?: Siblings;
}

/** Everything but the process around it; tests start this one. `close` wants the signal aborted before. */
export async function startRadius(
  config: Config,
  parts: Parts,
): Promise<{
  readonly server: RadiusServer;
  readonly drops: Drops;
  readonly clientsText: () => string;
  refresh(): Promise<void>;
  close(): Promise<void>;
}> {
  const { log, clock } = parts;
  const policy = createPolicy(config.radius.policy_file, settingsOf(config.radius), log);
  const keys = createKeyFiles(keyFileNames(config), log);
  await Promise.all([policy.refresh(), keys.refresh()]); // a wrong policy file stops the start
  const servers = createHomeServers({
    clock,
    log,
    notices: createNotices(clock),
    onForged: (server, reason) => metrics.homeServer(server, reason),
  });
  servers.replace(policy.homeServers);
  let clients: ClientTable = createClientTable([], policy.refine, log);
  let onFirstProviders = () => {};
  const firstProviders = new Promise<void>((resolve) => {
    onFirstProviders = resolve;
  });
  const logins = createNasLogins(clock);
  const core = connectCore({
    ...parts,
    config,
    verdictMs: config.radius.verdict_cache,
    flowTimeoutMs: config.radius.flow_timeout,
    flowsPerProvider: config.radius.flows_per_provider,
    async onProviders(rows) {
      await keys.refresh();
      await policy.refresh().catch((error: unknown) => log.error('policy not usable', { error: String(error) }));
      servers.replace(policy.homeServers);
      clients = createClientTable(rows.map(providerFromApi), policy.refine, log);
      log.info('Update providers', { count: rows.length });
      onFirstProviders();
    },
    onSessionEnd: (sessionId) => sessionEnd(sessionId),
  });
  const isFirst = (parts.siblings?.number ?? 0) === 0;
  const outbox = isFirst ? await openOutbox(config, parts, core.report) : undefined;
  const answering = {
    access: core.access,
    log,
    policyAttributes: policy.attributes,
    readAttributes: createAttributeReader(),
    onAccepted(request: AdmittedRequest, access: Access) {
      if (request.settings.coa) logins.remember(request, access);
    },
  };
  const worker = parts.siblings?.number ?? 0;
  const eap = createEap({
    ...answering,
    clock,
    worker,
    certificate: (provider) => core.certificate(provider) ?? keys.pair(),
    authority: keys.authority,
    onEnd: (...end) => metrics.eap(...end),
  });
  const metrics = createRadiusMetrics(parts.metrics, {
    outpostName: core.outpostName,
    eapSessions: () => eap.size,
    kernelDrops: () => kernelDrops(ports()) ?? 0,
    homeServers: () => servers.all().map(({ name, state }) => ({ name, isAlive: state !== 'dead' })),
  });
  const ports = () => Object.values(listening?.bound ?? {}).flatMap((bound) => bound.map(({ port }) => port));
  let listening: RadiusServer | undefined;
  const drops = createDrops(clock);
  const gate = createMessageAuthenticatorGate();
  const sessionEnd = createSessionEnd(logins, {
    ...parts,
    count: metrics.coa,
  });
  const operations = createOperations({
    isReachable: core.isReachable,
    access: {
      ...answering,
      eap: eap.receive,
      challenges: createChallenges(clock, worker),
      flowTimeoutMs: config.radius.flow_timeout,
    },
    accounting: {
      clock,
      reportsInterim: config.radius.accounting_interim,
      addEvent: async (event) => (await outbox?.add(event)) ?? false,
      onRecord: (request, record) => logins.link(request, record.status === 'stop'),
      count: metrics.accounting,
    },
    forward: {
      clock,
      log,
      servers,
      states: createStates(clock),
      mark: proxyStateMark(parts.siblings?.verdictKey ?? randomUUID()),
      routeOf: policy.route,
      policyAttributes: policy.attributes,
      count: metrics.homeServer,
    },
  });
  log.info('Starting radius server', { listen: config.listen.radius.map(formatAddress).join(',') });
  // A worker that reads the shared socket before it knows whom it serves would take datagrams from those that do.
  if (parts.siblings !== undefined) await Promise.race([firstProviders, briefly(parts)]);
  const server = await listenRadius({
    ...(parts.siblings === undefined ? {} : { siblings: parts.siblings }),
    onNews(news) {
      if (news.kind === 'latched') gate.latch(news.client);
      else core.hear(news);
    },
    listen: worker === 0 ? config.listen : { ...config.listen, accounting: [], radsec: [] },
    radsec: {
      certificateFile: config.radius.radsec_certificate,
      keyFile: config.radius.radsec_key,
      caFile: config.radius.radsec_ca,
      peers: config.radius.radsec_peers,
      settingsOf: (app, address) => policy.refine(app, address).settings,
    },
    clock,
    log,
    startLog: parts.startLog,
    metrics,
    gate,
    drops,
    requestsPerSource: config.radius.requests_per_source,
    clients: () => clients,
    ...operations,
  });
  listening = server;
  return {
    server,
    drops,
    clientsText: gate.text,
    refresh: core.refresh,
    async close() {
      servers.close();
      await outbox?.close();
      await core.close();
    },
  };
}

/** As long as a worker waits for its first providers; then devices shall at least see that somebody is there. */
async function briefly({ clock, signal }: Parts): Promise<void> {
  await clock.sleep(5_000, signal).catch(() => undefined); // aborted: the start ends as soon as it may
}

/** Without a port that takes accounting there is nothing to keep. RadSec takes it too. */
async function openOutbox(
  { listen, radius }: Config,
  { clock, log, signal }: Parts,
  send: (event: object) => Promise<void>,
): Promise<Outbox | undefined> {
  if (listen.accounting.length === 0 && listen.radsec.length === 0) return undefined;
  const { accounting_folder: folder, accounting_max_events: maxEvents } = radius;
  return createOutbox({ clock, log, signal, send, spool: await openSpool({ folder, maxEvents, log }) });
}

function keyFileNames({ radius }: Config): KeyFileNames {
  return {
    certificate: radius.eap_certificate,
    key: radius.eap_key,
    clientCa: radius.eap_client_ca,
    clientCrl: radius.eap_client_crl,
    userField: radius.eap_user_field,
  };
}
