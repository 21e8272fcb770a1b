// What the outpost consists of and how it hangs together, from the back to the front: files, the core,
// operations, sockets. Nothing is decided here. Called by main.ts, and by tests.
import { randomUUID } from 'node:crypto';
import type { Clock } from '@gatehouse/daemon/async';
import { type ConfigOf, formatAddress } from '@gatehouse/daemon/config';
import type { Health } from '@gatehouse/daemon/health';
import type { Logger } from '@gatehouse/daemon/log';
import type { Metrics } from '@gatehouse/daemon/metrics';
import { kernelDrops } from '@gatehouse/daemon/net';
import { createOutbox, type Outbox } from './accounting/outbox.ts';
import { openSpool } from './accounting/spool.ts';
import { createAttributeReader } from './attributes/core-attributes.ts';
import { createChallenges } from './authentication/challenges.ts';
import { createMessageAuthenticatorGate } from './clients/message-authenticator-policy.ts';
import { createNotices } from './clients/notices.ts';
import { providerFromApi } from './clients/provider.ts';
import { type ClientTable, createClientTable } from './clients/table.ts';
import { createDevices } from './coa/devices.ts';
import { createNasLogins, type NasLogins } from './coa/logins.ts';
import { createReview } from './coa/review.ts';
import { createSessionEnd } from './coa/session-end.ts';
import { type radiusConfig, settingsOf } from './config.ts';
import { type Core, connectCore } from './core.ts';
import { createDrops, type Drops } from './datagram/drops.ts';
import { createEap, type Eap } from './eap/eap.ts';
import { createKeyFiles, type KeyFileNames, type KeyFiles } from './eap/key-files.ts';
import { createHomeServers, type HomeServers } from './home-servers/home-servers.ts';
import { createRadiusMetrics, type RadiusMetrics } from './metrics.ts';
import type { Answering } from './operations/ask-access.ts';
import { createOperations, type Operations } from './operations/table.ts';
import { createPolicy, type Policy } from './policy/policy.ts';
import { proxyStateMark } from './realms/forwarded-packet.ts';
import { createStates } from './realms/states.ts';
import { listenRadius, type RadiusServer } from './server.ts';
import type { Siblings } from './workers/siblings.ts';

type Config = ConfigOf<typeof radiusConfig>;

export interface Logs {
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

export interface Radius {
  readonly server: RadiusServer;
  readonly drops: Drops;
  readonly clientsText: () => string;
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** Everything but the process around it. `close` wants the signal aborted before. */
export async function startRadius(config: Config, parts: Parts): Promise<Radius> {
  const { log, clock } = parts;
  const policy = createPolicy(config.radius.policy_file, settingsOf(config.radius), log);
  const keys = createKeyFiles(keyFileNames(config), log);
  await Promise.all([policy.refresh(), keys.refresh()]); // a wrong policy file stops the start
  let listening: RadiusServer | undefined;
  const metrics: RadiusMetrics = createRadiusMetrics(parts.metrics, {
    outpostName: () => core.outpostName(),
    eapSessions: () => eap.size,
    kernelDrops: () => kernelDrops(portsOf(listening)) ?? 0,
    homeServers: () => servers.all().map(({ name, state }) => ({ name, isAlive: state !== 'dead' })),
  });
  const servers = createHomeServers({
    clock,
    log,
    notices: createNotices(clock),
    onForged: (server, reason) => metrics.homeServer(server, reason),
  });
  servers.replace(policy.homeServers);
  const logins = createNasLogins(clock);
  const devices = createDevices({ ...parts, count: metrics.coa });
  const sessionEnd = createSessionEnd(logins, devices, log);
  const onChange = (users?: ReadonlySet<number>) => review(users);
  const { core, clients, firstProviders } = openCore(config, parts, { policy, keys, servers, sessionEnd, onChange });
  const answering: Answering = {
    access: core.access,
    log,
    policyAttributes: policy.attributes,
    readAttributes: createAttributeReader(),
    onAccepted(request, access, attributes) {
      if (request.settings.coa) logins.remember(request, access, attributes);
    },
  };
  const timeoutMs = config.radius.flow_timeout;
  const review = createReview({ ...parts, logins, devices, asking: answering, timeoutMs });
  const eap = createEap({
    ...answering,
    clock,
    worker: numberOf(parts),
    certificate: (provider) => core.certificate(provider) ?? keys.pair(),
    authority: keys.authority,
    holdsTicket: core.holdsTicket,
    onEnd: (...end) => metrics.eap(...end),
  });
  const outbox = numberOf(parts) === 0 ? await openOutbox(config, parts, core.report) : undefined;
  const operations = openOperations(config, parts, { policy, metrics, servers, logins, core, answering, eap, outbox });
  log.info('Starting radius server', { listen: config.listen.radius.map(formatAddress).join(',') });
  // A worker that reads the shared socket before it knows whom it serves would take datagrams from those that do.
  if (parts.siblings !== undefined) await Promise.race([firstProviders, briefly(parts)]);
  const drops = createDrops(clock);
  const gate = createMessageAuthenticatorGate();
  const server = await listenRadius({
    ...socketsOf(config, parts, policy),
    onNews(news) {
      if (news.kind === 'latched') gate.latch(news.client);
      else core.hear(news);
    },
    metrics,
    gate,
    drops,
    clients,
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

interface ReadAnew {
  readonly policy: Policy;
  readonly keys: KeyFiles;
  readonly servers: HomeServers;
  readonly sessionEnd: (sessionId: string) => void;
  readonly onChange: (users?: ReadonlySet<number>) => void;
}

/** The line to the core, and what changes with each list of providers that it sends: the files are read anew then, too. */
function openCore(config: Config, parts: Parts, { policy, keys, servers, sessionEnd, onChange }: ReadAnew) {
  const { log } = parts;
  let clients: ClientTable = createClientTable([], policy.refine, log);
  let onFirstProviders = () => {};
  const firstProviders = new Promise<void>((resolve) => {
    onFirstProviders = resolve;
  });
  const core = connectCore({
    ...parts,
    config,
    verdictMs: config.radius.verdict_cache,
    flowTimeoutMs: config.radius.flow_timeout,
    flowsPerProvider: config.radius.flows_per_provider,
    async onProviders(rows) {
      await keys.refresh();
      const isOther = await policy.refresh().catch((error: unknown) => {
        log.error('policy not usable', { error: String(error) });
        return false;
      });
      servers.replace(policy.homeServers);
      clients = createClientTable(rows.map(providerFromApi), policy.refine, log);
      log.info('Update providers', { count: rows.length });
      onFirstProviders();
      if (isOther) onChange();
    },
    onSessionEnd: sessionEnd,
    onChange,
  });
  return { core, clients: () => clients, firstProviders };
}

interface Deciding {
  readonly policy: Policy;
  readonly metrics: RadiusMetrics;
  readonly servers: HomeServers;
  readonly logins: NasLogins;
  readonly core: Core;
  readonly answering: Answering;
  readonly eap: Eap;
  readonly outbox: Outbox | undefined;
}

/** What answers a request that was admitted. */
function openOperations({ radius }: Config, parts: Parts, deciding: Deciding): Operations {
  const { clock, log } = parts;
  const { policy, metrics, servers, logins, core, answering, eap, outbox } = deciding;
  return createOperations({
    isReachable: core.isReachable,
    access: {
      ...answering,
      eap: eap.receive,
      challenges: createChallenges(clock, numberOf(parts)),
      flowTimeoutMs: radius.flow_timeout,
    },
    accounting: {
      clock,
      reportsInterim: radius.accounting_interim,
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
}

/** Where is listened; of several workers the first one takes accounting and RadSec. */
function socketsOf({ listen, radius }: Config, parts: Parts, policy: Policy) {
  const { clock, log, startLog, siblings } = parts;
  return {
    clock,
    log,
    startLog,
    listen: numberOf(parts) === 0 ? listen : { ...listen, accounting: [], radsec: [] },
    radsec: {
      certificateFile: radius.radsec_certificate,
      keyFile: radius.radsec_key,
      caFile: radius.radsec_ca,
      peers: radius.radsec_peers,
      settingsOf: (app: string, address: string) => policy.refine(app, address).settings,
    },
    requestsPerSource: radius.requests_per_source,
    ...(siblings === undefined ? {} : { siblings }),
  };
}

function portsOf(server: RadiusServer | undefined): number[] {
  return Object.values(server?.bound ?? {}).flatMap((bound) => bound.map(({ port }) => port));
}

/** Of this process among its siblings. */
function numberOf({ siblings }: Parts): number {
  return siblings?.number ?? 0;
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
