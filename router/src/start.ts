// Puts the router together and takes it apart again: listeners first, so that the starting page is there from the first
// moment, then the core. Called by main.ts, and by tests with a core of their own.
import type { Clock } from '@gatehouse/daemon/async';
import type { Address, Secret } from '@gatehouse/daemon/config';
import type { Health } from '@gatehouse/daemon/health';
import type { Logger } from '@gatehouse/daemon/log';
import type { Metrics } from '@gatehouse/daemon/metrics';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import { loadReleases } from './assets/of-releases.ts';
import { createBrandIdentities } from './brands/identities.ts';
import { watchBrands } from './brands/watcher.ts';
import { localSocketPath, needsRestart, type RouterConfig } from './config.ts';
import { createBrandSource } from './core.ts';
import type { ApplicationHandler } from './embedded/application-handler.ts';
import { type EmbeddedOutpost, openEmbeddedOutpost } from './embedded/outpost.ts';
import { storedFilesOf } from './files/of-usages.ts';
import { CoreConnections } from './forwarding/core-connection.ts';
import { FrontDoor } from './front-door.ts';
import { openListeners } from './listeners/listeners.ts';
import type { RouterMetrics } from './metrics.ts';
import { settingsOf } from './requests/settings.ts';
import { awaitCore, fetchCoreMetrics, targetOf } from './supervisor/core-target.ts';
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
  /** Takes what may change while running: addresses, trust, limits of time and size, logged headers, texts. */
  reload(config: RouterConfig): Promise<void>;
  /** Router.md §17: readiness, listeners, requests, tunnels, core. */
  close(): Promise<void>;
}

/** Set in a worker: `first`, or `successor` of one that still answers and waits for us. */
export const workerVariable = 'GATEHOUSE_ROUTER_WORKER';
const probeTimeoutMs = 5_000;
const liveTimeoutMs = 2_000;
const maxCoreConnections = 4_096;

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
  const isSuccessor = options.env[workerVariable] === 'successor';
  const remote = config.core.url === undefined ? undefined : targetOf(config.core.url);
  const awaited = isSuccessor && remote !== undefined ? await awaitCore(remote, webPath, clock) : undefined;
  const usable = () => {
    if (watch === undefined || watch.state === 'starting') return awaited;
    return watch.state === 'healthy' ? watch.target : undefined;
  };
  const live = createLiveVerdict(clock, usable, (target) => probeCore(target, webPath, liveTimeoutMs));
  let settings = settingsOf(config, options.version);
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
      hasSiblings: options.env[workerVariable] !== undefined,
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
  const core = remote === undefined ? { spawn: startOne } : { at: remote };
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
    get bound() {
      return listeners.bound;
    },
    socketPath,
    watch: running,
    fetchCoreMetrics: () => fetchCoreMetrics(usable(), spawned?.metricsTarget(), webPath),
    async reload(changed) {
      const waiting = needsRestart(config, changed);
      if (waiting.length > 0) log.warn('changed, but counts after a restart only', { reason: waiting.join(', ') });
      settings = settingsOf(changed, options.version);
      await listeners.move(changed.listen);
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
