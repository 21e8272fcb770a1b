// The RADIUS daemon: settings, line to the core, operations, listeners, in this order; and their end.
import { type Clock, systemClock } from '@gatehouse/daemon/async';
import { type ConfigOf, formatAddress, loadConfig } from '@gatehouse/daemon/config';
import { createHealth, type Health, healthSocketPath, serveHealth } from '@gatehouse/daemon/health';
import { reportFatal, runProcess } from '@gatehouse/daemon/lifecycle';
import { createLogger, type Logger } from '@gatehouse/daemon/log';
import { createMetrics, type Metrics } from '@gatehouse/daemon/metrics';
import { packetCode } from '@gatehouse/wire/radius';
import { createOutbox } from './accounting/outbox.ts';
import { createChallenges } from './authentication/challenges.ts';
import { providerFromApi } from './clients/provider.ts';
import type { ClientSettings } from './clients/settings.ts';
import { type ClientTable, createClientTable } from './clients/table.ts';
import { createNasLogins } from './coa/logins.ts';
import { createSessionEnd } from './coa/session-end.ts';
import { testLogin } from './commands/test-login.ts';
import { radiusConfig } from './config.ts';
import { type Access, connectCore } from './core.ts';
import type { AdmittedRequest } from './datagram/request.ts';
import { createEap } from './eap/eap.ts';
import { createKeyFiles, type KeyFileNames } from './eap/key-files.ts';
import { createRadiusMetrics } from './metrics.ts';
import { createAccessRequest } from './operations/access-request.ts';
import { createAccountingRequest } from './operations/accounting-request.ts';
import { createStatusServer } from './operations/status-server.ts';
import { createPolicy } from './policy/policy.ts';
import { listenRadius, type RadiusServer } from './server.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Config = ConfigOf<typeof radiusConfig>;

const loggerName = 'authentik.outpost.radius';

/** Runs until a signal ends it; `test <user>` logs in once instead. @returns the exit code */
export async function runRadiusDaemon(argv: readonly string[], env: Environment): Promise<number> {
  const [command, ...rest] = argv;
  if (command === 'test')
    return testLogin({ argv: rest, env, print: (line) => void process.stdout.write(`${line}\n`) });
  try {
    const { config } = loadConfig(radiusConfig, { env, argv });
    const log = createLogger({ level: config.log_level, name: loggerName, pretty: config.debug });
    return await runProcess({ log }, async ({ signal, onDrain }) => {
      const metrics = createMetrics({ process: true });
      const health = createHealth();
      const ending = new AbortController(); // later than the signal: what is in work may still ask the core
      const radius = await startRadius(config, { log, metrics, health, clock: systemClock, signal: ending.signal });
      onDrain(async () => {
        await radius.server.close();
        ending.abort(signal.reason);
        await radius.close();
      });
      const socketPath = healthSocketPath(config.instance_name);
      const healthServer = await serveHealth({ health, metrics, addresses: config.listen.metrics, socketPath, log });
      onDrain(async () => healthServer[Symbol.asyncDispose]());
      log.info('ready', {});
    });
  } catch (error) {
    return reportFatal(createLogger({ level: 'info', name: loggerName }), error);
  }
}

export interface Parts {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Everything but the process around it; tests start this one. `close` wants the signal aborted before. */
export async function startRadius(
  config: Config,
  parts: Parts,
): Promise<{ readonly server: RadiusServer; refresh(): Promise<void>; close(): Promise<void> }> {
  const { log, clock } = parts;
  const policy = createPolicy(config.radius.policy_file, settingsOf(config), log);
  const keys = createKeyFiles(keyFileNames(config), log);
  await Promise.all([policy.refresh(), keys.refresh()]); // a wrong policy file stops the start
  let clients: ClientTable = createClientTable([], policy.refine, log);
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
      clients = createClientTable(rows.map(providerFromApi), policy.refine, log);
      log.info('Update providers', { count: rows.length });
    },
    onSessionEnd: (sessionId) => sessionEnd(sessionId),
  });
  const outbox = createOutbox({ clock, log, signal: parts.signal, send: core.report });
  const answering = {
    access: core.access,
    log,
    policyAttributes: policy.attributes,
    onAccepted(request: AdmittedRequest, access: Access) {
      if (request.settings.coa) logins.remember(request, access);
    },
  };
  const eap = createEap({
    ...answering,
    clock,
    certificate: (provider) => core.certificate(provider) ?? keys.pair(),
    authority: keys.authority,
    onEnd: (...end) => metrics.eap(...end),
  });
  const metrics = createRadiusMetrics(parts.metrics, { outpostName: core.outpostName, eapSessions: () => eap.size });
  const sessionEnd = createSessionEnd(logins, {
    ...parts,
    count: metrics.coa,
  });
  const status = createStatusServer(core.isReachable);
  log.info('Starting radius server', { listen: config.listen.radius.map(formatAddress).join(',') });
  const server = await listenRadius({
    listen: config.listen,
    radsec: {
      certificateFile: config.radius.radsec_certificate,
      keyFile: config.radius.radsec_key,
      caFile: config.radius.radsec_ca,
      peers: config.radius.radsec_peers,
      settingsOf: (app, address) => policy.refine(app, address).settings,
    },
    clock,
    log,
    metrics,
    clients: () => clients,
    authentication: new Map([
      [
        packetCode.accessRequest,
        createAccessRequest({
          ...answering,
          eap: eap.receive,
          challenges: createChallenges(clock),
          flowTimeoutMs: config.radius.flow_timeout,
        }),
      ],
      [packetCode.statusServer, status],
    ]),
    accounting: new Map([
      [packetCode.statusServer, status],
      [
        packetCode.accountingRequest,
        createAccountingRequest({
          clock,
          reportsInterim: config.radius.accounting_interim,
          addEvent: outbox.add,
          onRecord: (request, record) => logins.link(request, record.status === 'stop'),
          count: metrics.accounting,
        }),
      ],
    ]),
  });
  return { server, refresh: core.refresh, close: () => core.close() };
}

function settingsOf({ radius }: Config): ClientSettings {
  return {
    requireMessageAuthenticator: radius.require_message_authenticator,
    limitProxyState: radius.limit_proxy_state,
    onCoreFailure: radius.on_core_failure,
    requireAttributes: radius.require_attributes,
    eapMethods: radius.eap_methods,
    challenge: radius.challenge,
    coa: radius.coa,
    coaPort: radius.coa_port,
    trustCallingStation: radius.trust_calling_station,
    replyUserName: radius.reply_user_name,
  };
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
