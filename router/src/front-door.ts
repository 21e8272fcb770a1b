// Who answers a request (router.md §6): reads the path, asks the routing table, hands over. The only place that knows all
// the rooms; it measures and logs for them, so that none of them has to. Called by the listeners for every request.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import type { ReadyResponse } from '@gatehouse/proxy/ready-response';
import { createDateLine } from '@gatehouse/proxy/ready-response';
import type { Usage } from '@gatehouse/storage';
import { type RequestRecord, statusOf, writeAccessLine } from './access-log.ts';
import { answerNotFound, serveAsset } from './assets/serve.ts';
import type { AssetTable } from './assets/table.ts';
import type { ApplicationHandler } from './embedded/application-handler.ts';
import { robotsText, securityText } from './endpoints/packaged-texts.ts';
import { answerSituation, answerStarting } from './endpoints/starting.ts';
import { type StoredFiles, serveStoredFile } from './files/serve.ts';
import { type CoreConnections, type CoreTarget, originOf } from './forwarding/core-connection.ts';
import { forward } from './forwarding/forward.ts';
import {
  type Client,
  forwardedHeaders,
  identifyClient,
  requestIdOf,
  speaksForOthers,
  type Trust,
} from './forwarding/forwarded.ts';
import { headOf, tunnel } from './forwarding/tunnel.ts';
import { connectionOf } from './listeners/connections.ts';
import type { RouterMetrics } from './metrics.ts';
import { readPath } from './routing/path.ts';
import { type Route, route } from './routing/table.ts';

/** Settings that a reload may change while requests run. */
export interface FrontDoorSettings {
  readonly webPath: string;
  readonly trust: Trust;
  readonly version: string;
  readonly maxBodyBytes: number;
  readonly readStallMs: number;
  readonly writeStallMs: number;
  readonly answerTimeoutMs: number;
  readonly hstsMaxAgeS: number;
  readonly securityContact: string;
  readonly loggedHeaders: readonly string[];
}

/** The core as the front door sees it. */
export interface CoreView {
  /** Where requests go while the core is healthy; `undefined` otherwise. */
  usable(): CoreTarget | undefined;
  live(): Promise<boolean>;
  /** A request found nobody there. */
  missed(): void;
  /** What the core is doing, for people. */
  detail(): string | undefined;
}

export interface FrontDoorOptions {
  readonly settings: () => FrontDoorSettings;
  readonly core: CoreView;
  readonly connections: CoreConnections;
  readonly assets: Promise<AssetTable>;
  readonly storedFiles: ReadonlyMap<Usage, StoredFiles>;
  readonly application: () => ApplicationHandler | undefined;
  readonly metrics: RouterMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Takes access lines. */
  readonly output: { write(line: string): void };
}

type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ReadyResponse;
  readonly record: RequestRecord;
  readonly settings: FrontDoorSettings;
  /** What every answer carries: names and values alternating. */
  readonly own: readonly string[];
};

export class FrontDoor {
  readonly #options: FrontDoorOptions;
  readonly #tunnels = new Set<() => void>();
  readonly #open = new Set<ReadyResponse>();
  readonly #dateLine: () => string;
  readonly #clients = new WeakMap<object, KnownClient>();
  readonly #counters = new Map<string, { add(): void }>();
  #assets: AssetTable | undefined;
  #draining = false;

  constructor(options: FrontDoorOptions) {
    this.#options = options;
    this.#dateLine = createDateLine(options.clock);
    void options.assets.then((table) => {
      this.#assets = table;
    });
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.#open.size;
  }

  /** From now on readiness says no, and every answer closes its connection. */
  startDraining(): void {
    this.#draining = true;
    for (const response of this.#open) response.shouldKeepAlive = false;
  }

  /** Ends WebSockets one after the other within three seconds, so that not all clients come back at once. */
  async endTunnels(): Promise<void> {
    const pauseMs = Math.min(10, 3_000 / Math.max(1, this.#tunnels.size));
    for (const end of Array.from(this.#tunnels)) {
      end();
      await this.#options.clock.sleep(pauseMs);
    }
  }

  handle(request: IncomingMessage, response: ReadyResponse): void {
    const exchange = this.#begin(request, response);
    try {
      this.#answer(exchange)?.catch((error: unknown) => this.#broken(exchange, error));
    } catch (error) {
      this.#broken(exchange, error);
    }
  }

  #broken(exchange: Exchange, error: unknown): void {
    const { request, response, record } = exchange;
    this.#options.log.error('request failed', { request_id: record.id, error: String(error) });
    if (response.headersSent) response.destroy();
    else answerSituation(response, accept(request), 'failed', situationOptions(exchange));
  }

  /** Protocol switches; nothing of ours speaks another protocol, so they are for an application or the core. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const record = this.#identify(request);
    this.#switch(request, socket, head, record).catch((error: unknown) => {
      this.#options.log.error('upgrade failed', { request_id: record.id, error: String(error) });
      socket.destroy();
    });
  }

  #identify(request: IncomingMessage): RequestRecord {
    const { settings, clock } = this.#options;
    const client = this.#clientOf(request, settings().trust);
    return {
      id: requestIdOf(request.headers, client, freshId),
      client,
      startedMs: clock.monotonicMs(),
      socket: request.socket,
      bytesRead: request.socket.bytesRead,
      bytesWritten: request.socket.bytesWritten,
      route: 'none',
    };
  }

  /** Who is at the other end is found out once per connection, as long as nobody speaks for somebody else. */
  #clientOf({ socket, headers }: IncomingMessage, trust: Trust): Client {
    if (speaksForOthers(headers)) return identifyClient(connectionOf(socket), headers, trust);
    const known = this.#clients.get(socket);
    if (known !== undefined && known.host === headers.host && known.trust === trust) return known.client;
    const client = identifyClient(connectionOf(socket), headers, trust);
    this.#clients.set(socket, { host: headers.host, trust, client });
    return client;
  }

  #count(route: string, status: number): void {
    const key = route + Math.floor(status / 100);
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      counter = this.#options.metrics.requests.bind({ route, status: `${Math.floor(status / 100)}xx` });
      this.#counters.set(key, counter);
    }
    counter.add();
  }

  #begin(request: IncomingMessage, response: ReadyResponse): Exchange {
    const { metrics, clock, log, output, settings } = this.#options;
    const record = this.#identify(request);
    this.#open.add(response);
    if (this.#draining) response.shouldKeepAlive = false;
    response.once('close', () => {
      this.#open.delete(response);
      if (this.#draining) record.socket.destroySoon(); // its head may have promised to stay
      const tookMs = clock.monotonicMs() - record.startedMs;
      const status = statusOf(response);
      this.#count(record.route, status);
      if (record.route === 'core' || record.route === 'application') {
        const dest = record.route === 'core' ? 'core' : 'embedded_outpost';
        metrics.requestSeconds.observe({ dest }, tookMs / 1000);
      }
      // The outpost writes its own line, which knows who is logged in.
      if (record.route === 'application') return;
      writeAccessLine(request, record, status, {
        log,
        output,
        tookMs,
        nowMs: clock.now(),
        headers: settings().loggedHeaders,
      });
    });
    return { request, response, record, settings: settings(), own: ownHeaders(record, settings()) };
  }

  /** Answers from memory need no promise. */
  #answer(exchange: Exchange): Promise<void> | undefined {
    const { request, response, record, settings, own } = exchange;
    if (isAmbiguous(request)) {
      response.shouldKeepAlive = false; // whatever follows on this connection may be part of the trick
      return answerPlain(exchange, 400, 'bad request');
    }
    const target = request.url ?? '/';
    const application = this.#options.application();
    if (!isOurs(target, settings) && application?.claims(record.client, target) === true) {
      record.route = 'application';
      application.handle(request, response, { ...record, own });
      return undefined;
    }
    const reading = readPath(target);
    if (reading.kind === 'refused') return answerPlain(exchange, 400, 'bad request');
    if (reading.kind === 'redirect') return redirect(exchange, 301, reading.location);
    const localUsages = [...this.#options.storedFiles.keys()];
    return this.#follow(exchange, route(reading.path, { webPath: settings.webPath, localUsages }));
  }

  #follow(exchange: Exchange, to: Route): Promise<void> | undefined {
    const { request, response, record, settings, own } = exchange;
    const { clock, storedFiles, assets } = this.#options;
    record.route = to.to;
    if (to.to === 'asset') {
      const context = { version: settings.version, own, ownLines: linesOf(own), dateLine: this.#dateLine };
      const serve = (table: AssetTable) => serveAsset(table, to.file, request, response, context);
      return this.#assets === undefined ? assets.then(serve) : serve(this.#assets);
    }
    if (to.to !== 'core') setOwn(exchange);
    switch (to.to) {
      case 'stored-file': {
        const stored = storedFiles.get(to.usage);
        if (stored === undefined) return answerNotFound(response, settings.version);
        return serveStoredFile(request, response, { ...to, stored, version: settings.version, nowMs: clock.now() });
      }
      case 'robots':
        return answerText(exchange, robotsText);
      case 'security-txt':
        return answerText(exchange, securityText(settings.securityContact, clock.now()));
      case 'hidden-metrics':
      case 'nowhere':
        return answerNotFound(response, settings.version);
      case 'health-live':
        return this.#options.core.live().then((live) => answerEmpty(exchange, live ? 200 : 503));
      case 'health-startup':
        return answerEmpty(exchange, 200);
      case 'redirect':
        return redirect(exchange, 302, to.location);
      case 'core':
        return this.#toCore(exchange);
    }
  }

  async #toCore(exchange: Exchange): Promise<void> {
    const { request, response, record, settings, own } = exchange;
    const { core, connections, metrics } = this.#options;
    const target = core.usable();
    const isReadiness = request.url?.split('?')[0] === `${settings.webPath}-/health/ready/`;
    if (target === undefined || (this.#draining && isReadiness)) {
      setOwn(exchange);
      if (isReadiness) return answerEmpty(exchange, 503);
      return answerStarting(response, accept(request), situationOptions(exchange, core.detail()));
    }
    const outcome = await forward(request, response, {
      connection: connections.to(target),
      headers: forwardedHeaders(request.rawHeaders, record.client, record.id),
      own,
      maxBodyBytes: settings.maxBodyBytes,
      readStallMs: settings.readStallMs,
      writeStallMs: settings.writeStallMs,
    });
    if (outcome.kind === 'passed' || outcome.kind === 'client-gone') return;
    const kind = outcome.kind === 'failed' ? outcome.situation : 'cut';
    metrics.upstreamErrors.add({ kind });
    if (kind === 'unreachable' || kind === 'cut') core.missed();
    this.#options.log.warn('core did not answer', {
      request_id: record.id,
      core: originOf(target),
      reason: kind,
      error: outcome.cause?.message ?? '',
    });
    if (outcome.kind === 'cut') return;
    if (!request.complete) response.shouldKeepAlive = false; // the rest of the body is nobody's
    setOwn(exchange);
    answerSituation(response, accept(request), outcome.situation, situationOptions(exchange));
  }

  async #switch(request: IncomingMessage, socket: Duplex, head: Buffer, record: RequestRecord): Promise<void> {
    const { core, metrics, log } = this.#options;
    const settings = this.#options.settings();
    const target = request.url ?? '/';
    const application = this.#options.application();
    if (!isOurs(target, settings) && application?.claims(record.client, target) === true) {
      return application.upgrade(request, socket, head, { ...record, own: ownHeaders(record, settings) });
    }
    const reading = readPath(target);
    const isForCore =
      reading.kind === 'canonical' &&
      !isAmbiguous(request) &&
      route(reading.path, { webPath: settings.webPath, localUsages: [] }).to === 'core';
    if (!isForCore) return refuseSwitch(socket, 404, 'Not Found', record.id);
    const at = core.usable();
    if (at === undefined || this.#draining) return refuseSwitch(socket, 503, 'Service Unavailable', record.id);
    let ended: (() => void) | undefined;
    const outcome = await tunnel(request, socket, head, {
      target: at,
      headers: forwardedHeaders(request.rawHeaders, record.client, record.id),
      requestId: record.id,
      answerTimeoutMs: settings.answerTimeoutMs,
      onSwitched: (end) => {
        ended = end;
        this.#tunnels.add(end);
        metrics.websockets.set({}, this.#tunnels.size);
      },
    });
    if (ended !== undefined) this.#tunnels.delete(ended);
    metrics.websockets.set({}, this.#tunnels.size);
    if (outcome.kind === 'failed') {
      metrics.upstreamErrors.add({ kind: 'upgrade' });
      core.missed();
      refuseSwitch(socket, 502, 'Bad Gateway', record.id);
    }
    const tookMs = this.#options.clock.monotonicMs() - record.startedMs;
    const status = { switched: 101, answered: 0, 'client-gone': 499, failed: 502 }[outcome.kind];
    writeAccessLine(request, { ...record, route: 'tunnel' }, outcome.kind === 'answered' ? outcome.status : status, {
      log,
      output: this.#options.output,
      tookMs,
      nowMs: this.#options.clock.now(),
      headers: settings.loggedHeaders,
    });
  }
}

function ownHeaders({ id, client }: RequestRecord, { hstsMaxAgeS }: FrontDoorSettings): readonly string[] {
  const secure = hstsMaxAgeS > 0 && client.scheme === 'https';
  return ['X-authentik-id', id, ...(secure ? ['Strict-Transport-Security', `max-age=${hstsMaxAgeS}`] : [])];
}

/**
 * For answers whose headers are an object. Never before a list: node:http then keeps only the last of several cookies.
 */
function setOwn({ response, own }: Exchange): void {
  for (let at = 0; at + 1 < own.length; at += 2) response.setHeader(own[at] ?? '', own[at + 1] ?? '');
}

interface KnownClient {
  readonly host: string | undefined;
  readonly trust: Trust;
  readonly client: Client;
}

/** Ids differ between processes by their beginning and within one by their end; as long as the core's. */
const processPart = randomBytes(10).toString('hex');
let drawn = 0;
function freshId(): string {
  drawn += 1;
  return processPart + drawn.toString(16).padStart(12, '0');
}

function linesOf(own: readonly string[]): string {
  let lines = '';
  for (let at = 0; at + 1 < own.length; at += 2) lines += `${own[at]}: ${own[at + 1]}\r\n`;
  return lines;
}

/** Assets and stored files answer on every host (router.md §6); they are never an application's. */
function isOurs(target: string, { webPath }: FrontDoorSettings): boolean {
  return target.startsWith(`${webPath}static/`) || target.startsWith(`${webPath}files/`);
}

/** RFC 9112 §3.2: one Host, no other form of target than a path; whatever two readers could read differently is refused. */
function isAmbiguous(request: IncomingMessage): boolean {
  if (request.url?.startsWith('/') !== true) return true;
  let hosts = 0;
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts > 1;
}

function accept(request: IncomingMessage): string {
  return request.headers.accept ?? '';
}

function situationOptions({ settings, record }: Exchange, detail?: string) {
  return { webPath: settings.webPath, requestId: record.id, detail };
}

function answerPlain(exchange: Exchange, status: number, text: string): undefined {
  const { response } = exchange;
  setOwn(exchange);
  response.writeHead(status, { 'Content-Type': 'text/plain' }).end(`${text}\n`);
}

function answerEmpty({ response }: Exchange, status: number): undefined {
  const headers = { 'Content-Length': '0', 'Cache-Control': 'no-store' };
  response.writeHead(status, headers).end();
}

function answerText({ request, response, settings }: Exchange, text: string): undefined {
  response.writeHead(200, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'public, max-age=3600',
    'X-Content-Type-Options': 'nosniff',
    'X-authentik-version': settings.version,
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}

function redirect(exchange: Exchange, status: number, location: string): undefined {
  setOwn(exchange);
  exchange.response.writeHead(status, { Location: location, 'Content-Length': '0' }).end();
}

function refuseSwitch(socket: Duplex, status: number, text: string, requestId: string): void {
  socket.end(headOf(status, text, ['Connection', 'close', 'Content-Length', '0'], requestId));
}
