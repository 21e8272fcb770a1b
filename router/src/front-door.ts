// Who answers a request (router.md §6): reads the path, asks the routing table, hands over. The only place that knows all
// the rooms; it measures and logs for them, so that none of them has to. Called by the listeners for every request.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import type { ReadyResponse } from '@gatehouse/proxy/ready-response';
import { createDateLine } from '@gatehouse/proxy/ready-response';
import type { Usage } from '@gatehouse/storage';
import { type AssetContext, answerNotFound, serveAsset } from './assets/serve.ts';
import type { Asset, AssetTable } from './assets/table.ts';
import type { ApplicationHandler } from './embedded/application-handler.ts';
import { robotsText, securityText } from './endpoints/packaged-texts.ts';
import { answerEmpty, answerPlain, answerText, redirect } from './endpoints/plain-answers.ts';
import { answerSituation } from './endpoints/starting.ts';
import { newPlaceOf } from './files/old-media.ts';
import { type StoredFiles, serveStoredFile } from './files/serve.ts';
import type { CoreConnections } from './forwarding/core-connection.ts';
import { type CoreView, passToCore, situationOf, type ToCoreRooms } from './forwarding/to-core.ts';
import type { RouterMetrics } from './metrics.ts';
import { type RequestRecord, statusOf, writeAccessLine } from './requests/access-log.ts';
import {
  acceptOf,
  type Exchange,
  type FrontDoorSettings,
  isAmbiguous,
  isOurs,
  ownFields,
  ownLines,
} from './requests/exchange.ts';
import { createIdentifier } from './requests/identify.ts';
import { Upgrades } from './requests/upgrades.ts';
import { readPath } from './routing/path.ts';
import { type Route, route } from './routing/table.ts';

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

/** Targets of assets that are remembered as asked for, and how long they may be. */
const mostTargets = 4_096;
const longestTarget = 512;

export class FrontDoor {
  readonly #options: FrontDoorOptions;
  readonly #open = new Set<ReadyResponse>();
  readonly #dateLine: () => string;
  readonly #identify: ReturnType<typeof createIdentifier>;
  readonly #counters = new Map<string, readonly { add(): void }[]>();
  readonly #upgrades: Upgrades;
  readonly #localUsages: readonly Usage[];
  readonly #toCore: ToCoreRooms;
  #assets: AssetTable | undefined;
  /** What the routing table says of targets, as they came; nothing that could change. */
  readonly #known = new Map<string, Asset>();
  #draining = false;

  constructor(options: FrontDoorOptions) {
    this.#options = options;
    this.#dateLine = createDateLine(options.clock);
    this.#identify = createIdentifier(options.log);
    this.#upgrades = new Upgrades(options);
    this.#localUsages = [...options.storedFiles.keys()];
    this.#toCore = { ...options, dateLine: this.#dateLine };
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

  endTunnels(): Promise<void> {
    return this.#upgrades.endAll();
  }

  handle(request: IncomingMessage, response: ReadyResponse): void {
    const exchange = this.#begin(request, response);
    try {
      this.#answer(exchange)?.catch((error: unknown) => this.#broken(exchange, error));
    } catch (error) {
      this.#broken(exchange, error);
    }
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const record = this.#record(request);
    this.#upgrades
      .take({ request, socket, head, record }, this.#draining)
      .then((status) => {
        if (status !== undefined) this.#writeLine(request, { ...record, route: 'tunnel' }, status);
      })
      .catch((error: unknown) => {
        this.#options.log.error('upgrade failed', { request_id: record.id, error: String(error) });
        socket.destroy();
      });
  }

  #broken(exchange: Exchange, error: unknown): void {
    const { request, response, record } = exchange;
    this.#options.log.error('request failed', { request_id: record.id, error: String(error) });
    if (response.headersSent) response.destroy();
    else answerSituation(response, acceptOf(request), 'failed', situationOf(exchange));
  }

  #record(request: IncomingMessage): RequestRecord {
    const { settings, clock, log } = this.#options;
    const [startedMs, countsBytes] = [clock.monotonicMs(), log.isEnabled('info')];
    return this.#identify(request, { trust: settings().trust, startedMs, countsBytes });
  }

  #begin(request: IncomingMessage, response: ReadyResponse): Exchange {
    const record = this.#record(request);
    this.#open.add(response);
    if (this.#draining) response.shouldKeepAlive = false;
    response.on('close', () => this.#ended(request, response, record));
    return { request, response, record, settings: this.#options.settings() };
  }

  #ended(request: IncomingMessage, response: ReadyResponse, record: RequestRecord): void {
    this.#open.delete(response);
    if (this.#draining) record.socket.destroySoon(); // its head may have promised to stay
    const status = statusOf(response);
    this.#count(record.route, status);
    if (record.route === 'core' || record.route === 'application') {
      const dest = record.route === 'core' ? 'core' : 'embedded_outpost';
      const tookMs = this.#options.clock.monotonicMs() - record.startedMs;
      this.#options.metrics.requestSeconds.observe({ dest }, tookMs / 1000);
    }
    // The outpost writes its own line, which knows who is logged in.
    if (record.route !== 'application') this.#writeLine(request, record, status);
  }

  #writeLine(request: IncomingMessage, record: RequestRecord, status: number): void {
    const { log, output, clock, settings } = this.#options;
    if (!log.isEnabled('info')) return;
    const headers = settings().loggedHeaders;
    const tookMs = clock.monotonicMs() - record.startedMs;
    writeAccessLine(request, record, status, { output, tookMs, nowMs: clock.now(), headers });
  }

  #count(name: string, status: number): void {
    let counters = this.#counters.get(name);
    if (counters === undefined) {
      const { requests } = this.#options.metrics;
      counters = [1, 2, 3, 4, 5].map((first) => requests.bind({ route: name, status: `${first}xx` }));
      this.#counters.set(name, counters);
    }
    counters[Math.floor(status / 100) - 1]?.add();
  }

  /** Answers from memory need no promise. */
  #answer(exchange: Exchange): Promise<void> | undefined {
    const { request, response, record, settings } = exchange;
    if (isAmbiguous(request)) {
      response.shouldKeepAlive = false; // whatever follows on this connection may be part of the trick
      return answerPlain(exchange, 400, 'bad request');
    }
    const target = request.url ?? '/';
    const known = this.#known.get(target);
    if (known !== undefined) {
      record.route = 'asset';
      return this.#serve(exchange, known);
    }
    const application = this.#options.application();
    if (!isOurs(target, settings) && application?.claims(record.client, target) === true) {
      record.route = 'application';
      application.handle(request, response, { ...record, own: ownFields(exchange) });
      return undefined;
    }
    const reading = readPath(target);
    if (reading.kind === 'refused') return answerPlain(exchange, 400, 'bad request');
    if (reading.kind === 'redirect') return redirect(exchange, 301, reading.location);
    const { webPath, oldMedia } = settings;
    return this.#follow(exchange, route(reading.path, { webPath, oldMedia, localUsages: this.#localUsages }));
  }

  #follow(exchange: Exchange, to: Route): Promise<void> | undefined {
    const { request, response, record, settings } = exchange;
    const { version } = settings;
    record.route = to.to;
    switch (to.to) {
      case 'asset':
        return this.#findAsset(exchange, to.file);
      case 'stored-file': {
        const stored = this.#options.storedFiles.get(to.usage);
        if (stored === undefined) return answerNotFound(response, version, ownFields(exchange));
        const [context, nowMs] = [this.#contextOf(exchange), this.#options.clock.now()];
        return serveStoredFile(request, response, { stored, path: to.path, context, nowMs });
      }
      case 'old-media':
        return this.#followOldLink(exchange, to.path);
      case 'robots':
        return answerText(exchange, robotsText);
      case 'security-txt':
        return answerText(exchange, securityText(settings.securityContact, this.#options.clock.now()));
      case 'hidden-metrics':
      case 'nowhere':
        return answerNotFound(response, version, ownFields(exchange));
      case 'health-live':
        return this.#options.core.live().then((live) => answerEmpty(exchange, live ? 200 : 503));
      case 'health-startup':
        return answerEmpty(exchange, 200);
      case 'redirect':
        return redirect(exchange, 302, to.location);
      case 'core':
        return passToCore(exchange, this.#draining, this.#toCore);
    }
  }

  /** What is no image of ours is the core's, as it always was. */
  async #followOldLink(exchange: Exchange, path: string): Promise<void> {
    const stored = this.#options.storedFiles.get('media');
    const { webPath } = exchange.settings;
    const link = { path, webPath, nowMs: this.#options.clock.now() };
    const place = stored === undefined ? undefined : await newPlaceOf({ ...link, stored });
    if (place === undefined) return passToCore(exchange, this.#draining, this.#toCore);
    exchange.response.setHeader('Cache-Control', 'no-store');
    return redirect(exchange, 302, place);
  }

  #findAsset(exchange: Exchange, file: string): Promise<void> | undefined {
    if (this.#assets === undefined) return this.#options.assets.then((table) => this.#serve(exchange, table.get(file)));
    const asset = this.#assets.get(file);
    const target = exchange.request.url ?? '';
    // Only what answers on every host: elsewhere the same target may be an application's.
    if (asset !== undefined && target.length <= longestTarget && isOurs(target, exchange.settings)) {
      if (this.#known.size >= mostTargets) this.#known.clear();
      this.#known.set(target, asset);
    }
    return this.#serve(exchange, asset);
  }

  #serve(exchange: Exchange, asset: Asset | undefined): Promise<void> | undefined {
    return serveAsset(asset, exchange.request, exchange.response, this.#contextOf(exchange));
  }

  #contextOf(exchange: Exchange): AssetContext {
    return { version: exchange.settings.version, ownLines: ownLines(exchange), dateLine: this.#dateLine };
  }
}
