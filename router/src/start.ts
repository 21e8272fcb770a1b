// Puts the router together and takes it apart again: listeners first, so that the starting page is there from the first
// moment, then the core. Called by main.ts, and by tests with a core of their own.
import { join } from 'node:path';
import type { Clock } from '@gatehouse/daemon/async';
import type { Address, Secret } from '@gatehouse/daemon/config';
import type { Health } from '@gatehouse/daemon/health';
import type { Logger } from '@gatehouse/daemon/log';
import type { Metrics } from '@gatehouse/daemon/metrics';
import { type CidrSet, createCidrSet } from '@gatehouse/daemon/net';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import {
  backendOf,
  createUrlSigner,
  folderOf,
  signingKey,
  type Usage,
  urlLifeOf,
  type usages,
} from '@gatehouse/storage';
import { browserFolder } from '@gatehouse/web/manifest';
import { keepRelease } from './assets/releases.ts';
import { type AssetTable, loadAssets } from './assets/table.ts';
import { createBrandIdentities } from './brands/identities.ts';
import { watchBrands } from './brands/watcher.ts';
import { localSocketPath, needsRestart, type RouterConfig } from './config.ts';
import { createBrandSource } from './core.ts';
import type { ApplicationHandler } from './embedded/application-handler.ts';
import { type EmbeddedOutpost, openEmbeddedOutpost } from './embedded/outpost.ts';
import { createFileSender } from './files/pieces.ts';
import { openStoredFiles, type StoredFiles } from './files/serve.ts';
import { CoreConnections, type CoreTarget, originOf } from './forwarding/core-connection.ts';
import { FrontDoor } from './front-door.ts';
import { openListeners } from './listeners/listeners.ts';
import type { RouterMetrics } from './metrics.ts';
import type { FrontDoorSettings } from './requests/exchange.ts';
import { CoreWatch } from './supervisor/core-watch.ts';
import { createLiveVerdict, probeCore } from './supervisor/probe.ts';
import { type SpawnedCore, spawnCore } from './supervisor/spawn-core.ts';

export interface RouterOptions {
  readonly config: RouterConfig;
  /** Environment of a supervised core. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly ipcKey: Secret;
  readonly metrics: RouterMetrics;
  /** Where the embedded outpost puts its own. */
  readonly allMetrics: Metrics;
  readonly health: Health;
  readonly clock: Clock;
  readonly log: Logger;
  /** Takes lines of the log that are ready. */
  readonly output: { write(line: string): void };
  /** Takes the log lines of a supervised core. */
  readonly passLine: (raw: string) => void;
  /** In the place of the embedded outpost. */
  readonly application?: ApplicationHandler;
}

export interface RunningRouter {
  readonly bound: ReadonlyMap<'http' | 'https', readonly Address[]>;
  readonly socketPath: string;
  readonly watch: CoreWatch;
  /** The core's metrics as text, when it is up and has some. */
  fetchCoreMetrics(): Promise<string | undefined>;
  /** Takes what may change while running: trust, limits of time and size, logged headers, texts. */
  reload(config: RouterConfig): void;
  /** Router.md §17: readiness, listeners, requests, tunnels, core. */
  close(): Promise<void>;
}

/** Set in a worker: `first`, or `successor` of one that still answers and waits for us. */
export const workerVariable = 'GATEHOUSE_ROUTER_WORKER';
const probeTimeoutMs = 5_000;
const liveTimeoutMs = 2_000;
const maxCoreConnections = 4_096;
const mostRememberedPeers = 4_096;

export async function startRouter(options: RouterOptions): Promise<RunningRouter> {
  const { config, clock, log, metrics, health } = options;
  const webPath = config.web.path;
  const end = new AbortController();
  const fallback = selfSignedCertificate(clock.now());
  const identities = createBrandIdentities(fallback);
  let embedded: EmbeddedOutpost | undefined;
  const application = () => options.application ?? embedded;
  const connections = new CoreConnections({
    answerTimeoutMs: config.core.answer_timeout,
    writeStallMs: config.web.timeout_http_write,
    maxConnections: maxCoreConnections,
  });
  let spawned: SpawnedCore | undefined;
  let watch: CoreWatch | undefined;
  const awaited = await coreOfPredecessor(options, webPath);
  const usable = () => {
    if (watch === undefined || watch.state === 'starting') return awaited;
    return watch.state === 'healthy' ? watch.target : undefined;
  };
  const live = createLiveVerdict(clock, usable, (target) => probeCore(target, webPath, liveTimeoutMs));
  let settings = settingsOf(config, options.version, webPath);
  const door = new FrontDoor({
    settings: () => settings,
    core: { usable, live, missed: () => void watch?.probeNow(), detail: () => spawned?.detail() },
    connections,
    assets: loadReleases(options),
    storedFiles: storedFilesOf(options),
    application,
    metrics,
    clock,
    log,
    output: options.output,
  });
  metrics.countInFlight = () => door.inFlight;
  const socketPath = localSocketPath(config);
  const listeners = await openListeners({
    http: config.listen.http,
    https: config.listen.https,
    socketPath,
    ownsSocket: options.env[workerVariable] === undefined,
    door,
    async identity(serverName) {
      const own = serverName === undefined ? undefined : application()?.certificate?.(serverName);
      return own === undefined ? identities.choose(serverName) : { context: own, requestClientCertificate: false };
    },
    trusted: {
      has: (address) => settings.trust.peers.has(address),
      longest: (address) => settings.trust.peers.longest(address),
    },
    limits: { total: config.web.max_connections, perClient: config.web.max_connections_per_client },
    maxHeaderBytes: config.web.max_header_bytes,
    headTimeoutMs: config.web.timeout_http_read_header,
    idleTimeoutMs: config.web.timeout_http_idle,
    http2: () => settings.http2,
    metrics,
    log,
  });
  health.set('listeners', { state: 'ready' });
  if (options.application === undefined) {
    embedded = await openEmbeddedOutpost({
      ...options,
      metrics: options.allMetrics,
      publicUrl: () => `http://localhost:${listeners.bound.get('http')?.[0]?.port ?? 80}`,
      fallback,
      signal: end.signal,
    });
  }
  health.set('core', { state: 'starting' });
  const brands = watchBrands({
    source: createBrandSource({
      token: config.core.token ?? config.secret_key ?? options.ipcKey,
      webPath,
      version: options.version,
    }),
    identities,
    target: usable,
    clock,
    log,
    signal: end.signal,
  });
  const startOne = () => {
    spawned = spawnCore({
      script: config.core.script,
      env: options.env,
      // Headers that we add come on top of what a client may send.
      maxHeaderBytes: config.web.max_header_bytes + 16_384,
      onLine: options.passLine,
    });
    return spawned;
  };
  const core = config.core.url === undefined ? { spawn: startOne } : { at: targetOf(config.core.url) };
  const running = new CoreWatch({
    core,
    clock,
    log,
    probe: (target) => probeCore(target, webPath, probeTimeoutMs),
    onChange: (state) => {
      metrics.coreUp.set({}, state === 'healthy' ? 1 : 0);
      if (state !== 'healthy')
        health.set('core', { state: state === 'degraded' ? 'degraded' : 'starting', reason: state });
      else health.set('core', { state: 'ready' });
      if (state === 'starting' && watch !== undefined) metrics.coreRestarts.set({}, watch.restarts);
      if (state !== 'healthy') return;
      embedded?.connect();
      void brands.refresh();
    },
  });
  watch = running;
  return {
    bound: listeners.bound,
    socketPath,
    watch: running,
    fetchCoreMetrics: () => fetchMetrics(usable(), spawned?.metricsTarget(), webPath),
    reload(changed) {
      const waiting = needsRestart(config, changed);
      if (waiting.length > 0) log.warn('changed, but counts after a restart only', { reason: waiting.join(', ') });
      settings = settingsOf(changed, options.version, webPath);
    },
    async close() {
      health.set('listeners', { state: 'degraded', reason: 'stopping' });
      door.startDraining();
      await clock.sleep(config.web.shutdown_delay);
      end.abort(new Error('router is stopping'));
      await Promise.all([listeners.close(config.web.shutdown_grace), door.endTunnels()]);
      await brands.ended;
      await embedded?.[Symbol.asyncDispose]();
      await running[Symbol.asyncDispose]();
      await connections[Symbol.asyncDispose]();
    },
  };
}

const patienceMs = 10_000;

/** A successor takes connections only when it can serve them: it asks the core first, and may then believe in it at once. */
async function coreOfPredecessor(
  { config, env, clock }: RouterOptions,
  webPath: string,
): Promise<CoreTarget | undefined> {
  if (env[workerVariable] !== 'successor' || config.core.url === undefined) return undefined;
  const target = targetOf(config.core.url);
  for (const endMs = clock.monotonicMs() + patienceMs; clock.monotonicMs() < endMs; await clock.sleep(50)) {
    if (await probeCore(target, webPath, probeTimeoutMs)) return target;
  }
  return undefined;
}

function settingsOf(config: RouterConfig, version: string, webPath: string): FrontDoorSettings {
  const { trusted_proxy_cidrs, mtls_proxy_cidrs, forwarded_for_mode } = config.listen;
  return {
    webPath,
    trust: {
      peers: remembering(createCidrSet(trusted_proxy_cidrs)),
      mode: forwarded_for_mode,
      ...(mtls_proxy_cidrs.length === 0 ? {} : { certificatePeers: createCidrSet(mtls_proxy_cidrs) }),
    },
    version,
    http2: config.web.http2,
    oldMedia: config.web.legacy_media_redirect,
    maxBodyBytes: config.web.max_body_bytes,
    readStallMs: config.web.timeout_http_read,
    writeStallMs: config.web.timeout_http_write,
    answerTimeoutMs: config.core.answer_timeout,
    hstsMaxAgeS: config.web.hsts_max_age,
    securityContact: config.web.security_contact,
    loggedHeaders: config.log.http_headers.map((name) => name.toLowerCase()),
  };
}

/** The same few peers ask again and again; parsing an address costs more than all the rest of trusting it. */
function remembering(networks: CidrSet): CidrSet {
  const known = new Map<string, boolean>();
  return {
    longest: (address) => networks.longest(address),
    has(address) {
      const held = known.get(address);
      if (held !== undefined) return held;
      if (known.size >= mostRememberedPeers) known.clear();
      const found = networks.has(address);
      known.set(address, found);
      return found;
    },
  };
}

/** Assets of this release, then of the ones before (router.md §20.1 "Version skew"); loading goes on beside the listeners. */
async function loadReleases({ config, version, log }: RouterOptions): Promise<AssetTable> {
  const { assets_dist, assets_authentik, assets_previous, assets_keep } = config.web;
  const own = assets_dist || browserFolder;
  try {
    const kept = assets_keep === '' ? [] : await keepRelease(own, assets_keep, version);
    const folders = [
      { folder: own, name: 'dist' },
      { folder: assets_authentik, name: 'authentik' },
      ...[...kept, ...assets_previous].map((folder) => ({ folder, name: 'dist' })),
    ];
    const table = await loadAssets(folders, { version });
    log.info('assets loaded', { count: table.size });
    return table;
  } catch (error) {
    log.error('assets cannot be read', { error: error instanceof Error ? error.message : String(error) });
    return new Map();
  }
}

function storedFilesOf({ config, version, clock }: RouterOptions): ReadonlyMap<Usage, StoredFiles> {
  const { storage, secret_key } = config;
  const served = new Map<Usage, StoredFiles>();
  const send = createFileSender();
  if (secret_key === undefined) return served;
  for (const usage of ['media', 'reports'] as const satisfies readonly (keyof typeof usages)[]) {
    if (backendOf(storage, usage) !== 'file') continue;
    const signer = createUrlSigner(signingKey(secret_key.reveal(), usage), urlLifeOf(storage, usage));
    const folder = join(folderOf(storage, usage), usage);
    served.set(usage, openStoredFiles({ usage, signer, folder, version, send, now: () => clock.now() }));
  }
  return served;
}

function targetOf(url: string): CoreTarget {
  const { protocol, pathname, hostname, port } = new URL(url);
  if (protocol === 'unix:') return { kind: 'unix', path: decodeURIComponent(pathname) };
  return { kind: 'tcp', host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 80 : Number(port) };
}

async function fetchMetrics(
  core: CoreTarget | undefined,
  own: CoreTarget | undefined,
  webPath: string,
): Promise<string | undefined> {
  if (core === undefined) return undefined;
  const url = own === undefined ? `${originOf(core)}${webPath}-/metrics/` : `${originOf(own)}/metrics`;
  if ((own ?? core).kind === 'unix') return undefined;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(liveTimeoutMs), headers: { accept: 'text/plain' } });
    const isText = answer.headers.get('content-type')?.startsWith('text/plain') === true;
    const text = await answer.text();
    return answer.ok && isText ? text : undefined;
  } catch {
    return undefined; // the router's own metrics, with authentik_core_up, say the rest
  }
}
