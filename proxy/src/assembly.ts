// Everything of a proxy but its listeners: rooms, applications, and the line to the core. Run by the daemon on listeners of
// its own, and by the router as its embedded outpost.
import type { Clock } from '@gatehouse/daemon/async';
import type { Health } from '@gatehouse/daemon/health';
import type { Logger } from '@gatehouse/daemon/log';
import type { Metrics } from '@gatehouse/daemon/metrics';
import type { CidrSet } from '@gatehouse/daemon/net';
import type { KeyPair } from '@gatehouse/daemon/tls';
import { createAccessLog } from './access-log.ts';
import { type ApplicationCertificates, createApplicationCertificates } from './applications/certificates.ts';
import { type Applications, type CoreLine, connectCore, createApplications } from './core.ts';
import { createEngine, type Engine } from './engine.ts';
import { createProxyMetrics } from './metrics.ts';
import type { Performing } from './perform.ts';
import { openSessionStore } from './sessions/open-store.ts';
import type { Notice } from './workers/messages.ts';

export interface AssemblyOptions {
  readonly session: Parameters<typeof openSessionStore>[0];
  readonly core: Parameters<typeof connectCore>[0]['config'];
  readonly hostBrowser: (configured: string) => string;
  readonly coreSocket?: string;
  readonly strict: boolean;
  readonly trusted: CidrSet;
  /** User agent of calls to the core. */
  readonly version: string;
  /** Shown for names without a certificate of their own. */
  readonly fallback: KeyPair;
  /** Request headers that go into the access line. */
  readonly loggedHeaders: readonly string[];
  /** Takes access lines. */
  readonly output: { write(line: string): void };
  readonly metrics: Metrics;
  readonly health: Health;
  readonly clock: Clock;
  readonly log: Logger;
  /** See the outpost's option of this name. */
  readonly readAgainOnOpen?: boolean;
}

export interface Assembly {
  readonly engine: Engine;
  readonly applications: Applications;
  readonly certificates: ApplicationCertificates;
  /** What answering needs, whoever listens. */
  readonly performing: Omit<Performing, 'dateLine'>;
  /** Told of what ended or changed here, for the other workers. */
  onEnded(listener: (ended: Omit<Notice, 'kind'>) => void): void;
  /** Another worker says what ended or changed there. */
  siblingEnded(ended: Notice): void;
  /** Starts asking the core, until the signal; once. */
  connect(signal: AbortSignal): void;
  close(): Promise<void>;
}

/** @throws GatewayError `ERR_PROXY_SESSION_STORE` when the sessions cannot be reached */
export async function assembleProxy(options: AssemblyOptions): Promise<Assembly> {
  const { clock, log, version, output } = options;
  const tls = createApplicationCertificates(options.fallback, log);
  const applications = createApplications({
    hostBrowser: options.hostBrowser,
    version,
    log,
    tls,
    onReplaced: (all) => engine.watchUpstreams(all),
  });
  const store = await openSessionStore(options.session, { clock, log });
  const lines: CoreLine[] = [];
  const engine = createEngine({
    clock,
    log,
    store,
    lookup: applications.lookup,
    insecure: options.core.insecure,
    userAgent: version,
    ...(options.coreSocket === undefined ? {} : { coreSocket: options.coreSocket }),
    strict: options.strict,
    longestSessionMs: options.session.longest,
    trusted: options.trusted,
    report: (event) => lines[0]?.report(event),
  });
  const accessLog = createAccessLog({
    write: (line) => output.write(line),
    log,
    clock,
    headers: options.loggedHeaders,
    metrics: createProxyMetrics(options.metrics),
    outpostName: () => lines[0]?.outpostName() ?? '',
  });
  return {
    engine,
    applications,
    certificates: tls,
    performing: {
      gateway: engine.gateway,
      forwarding: engine.forwarding,
      balancer: engine.balancer,
      tunnels: engine.tunnels,
      accessLog,
      log,
      clock,
    },
    connect(signal) {
      if (lines.length > 0) return;
      lines.push(connectCore({ ...options, config: options.core, signal, applications, ...listening(engine, log) }));
    },
    onEnded: (listener) => engine.onEnded(listener),
    siblingEnded: (ended) =>
      void engine.siblingEnded(ended).catch((error: unknown) => {
        log.error('sessions that ended elsewhere not removed', { error: String(error) });
      }),
    async close() {
      await engine.close();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** What the core tells over the control channel. */
function listening(engine: Engine, log: Logger) {
  return {
    onChannel: (isOpen: boolean) => engine.liveness.channel(isOpen),
    onChanges: () => engine.coreChanged(),
    onSessionEnd(sid: string) {
      engine.endCoreSession(sid).catch((error: unknown) => {
        log.error('sessions of an ended core session not removed', { error: String(error) });
      });
    },
  };
}
