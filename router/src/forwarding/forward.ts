// Passes one request to the core and its answer back (router.md §10, §11.2): streamed both ways, never buffered whole. A
// client that leaves ends the exchange; a kept connection that the core closed under our hands is tried once more.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { ExchangeFailure, FastLane, Exchange as LaneExchange } from '@gatehouse/proxy/fast-lane';
import type { ReadyResponse } from '@gatehouse/proxy/ready-response';
import type { Situation } from '../errors.ts';
import {
  type CoreConnection,
  type ExchangeController,
  type ExchangeHandler,
  keptFromClients,
  noFurtherFields,
} from './core-connection.ts';
import { hopByHop } from './forwarded.ts';

export interface ForwardOptions {
  readonly connection: CoreConnection;
  /** Alternating names and values, ready for the core. */
  readonly headers: string[];
  /** What every answer carries, names and values alternating. */
  readonly own: readonly string[];
  readonly dateLine: () => string;
  readonly maxBodyBytes: number;
  /** Longest pause of a client that sends, and of one that receives. */
  readonly readStallMs: number;
  readonly writeStallMs: number;
}

/** What became of it; the caller answers where `failed` says that nobody has yet. */
export type Forwarded =
  | { readonly kind: 'passed' }
  | { readonly kind: 'client-gone' }
  | { readonly kind: 'cut'; readonly cause: Error }
  | { readonly kind: 'failed'; readonly situation: Situation; readonly cause: Error | undefined };

/** Requests that may wait for a connection before new ones are sent away. */
const longestQueue = 1_024;
const repeatable = new Set(['GET', 'HEAD', 'OPTIONS']);

export function forward(
  request: IncomingMessage,
  response: ReadyResponse,
  options: ForwardOptions,
): Promise<Forwarded> {
  const { connection, maxBodyBytes } = options;
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) return Promise.resolve(failed('tooLarge'));
  if (connection.queued() > longestQueue) return Promise.resolve(failed('tooBusy'));
  const isQuick = connection.lane.takes({ target: connection.target, method: request.method ?? 'GET', request });
  connection.enter();
  return (isQuick ? hurry(request, response, options) : carry(request, response, options)).finally(connection.leave);
}

/** By undici: with a body, or when there are very many at once. */
async function carry(request: IncomingMessage, response: ReadyResponse, options: ForwardOptions): Promise<Forwarded> {
  const hasBody = carriesBody(request);
  using _progress = hasBody ? watchProgress(request, options.readStallMs) : undefined;
  const first = await exchange(request, response, hasBody, options);
  const again =
    first.kind === 'failed' && !hasBody && repeatable.has(request.method ?? '') && isConnectionLost(first.cause);
  return again ? exchange(request, response, false, options) : first;
}

/** By the fast lane. */
function hurry(request: IncomingMessage, response: ReadyResponse, options: ForwardOptions): Promise<Forwarded> {
  return new Promise((resolve) => new QuickPassage(request, response, options, resolve).send());
}

/** One exchange of the fast lane; its own description. */
class QuickPassage implements LaneExchange {
  readonly target: LaneExchange['target'];
  readonly method: string;
  readonly path: string;
  readonly headers: LaneExchange['headers'];
  readonly request: IncomingMessage;
  readonly response: ReadyResponse;
  readonly addedHeaders: readonly string[];
  readonly dateLine: () => string;
  readonly onHead = nothing;
  readonly onBody = nothing;
  readonly #lane: FastLane;
  readonly #settle: (outcome: Forwarded) => void;
  #hasBeenStale = false;
  #abort = nothing;

  constructor(
    request: IncomingMessage,
    response: ReadyResponse,
    { connection, headers, own, dateLine }: ForwardOptions,
    settle: (outcome: Forwarded) => void,
  ) {
    this.target = connection.target;
    this.method = request.method ?? 'GET';
    this.path = request.url ?? '/';
    this.headers = { own: headers, identity: noFurtherFields };
    this.request = request;
    this.response = response;
    this.addedHeaders = own;
    this.dateLine = dateLine;
    this.#lane = connection.lane;
    this.#settle = settle;
    response.on('close', this.#closed);
  }

  send(): void {
    this.#abort = this.#lane.run(this);
  }

  readonly #closed = () => {
    if (this.response.writableFinished) return this.#settle({ kind: 'passed' });
    this.#settle({ kind: 'client-gone' });
    this.#abort();
  };

  onFailed({ error, phase }: ExchangeFailure): void {
    const { response } = this;
    const cause = error.cause instanceof Error ? error.cause : error;
    if (response.destroyed) return; // the client left, and was heard
    if (response.headersSent) {
      this.#settle({ kind: 'cut', cause });
      response.destroy();
    } else if (phase === 'stale' && !this.#hasBeenStale) {
      this.#hasBeenStale = true;
      this.send();
    } else {
      response.off('close', this.#closed);
      this.#settle({ kind: 'failed', situation: phase === 'late' ? 'tooSlow' : 'unreachable', cause });
    }
  }
}

function nothing(): void {}

function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  hasBody: boolean,
  options: ForwardOptions,
): Promise<Forwarded> {
  return new Promise((resolve) => {
    const passage = new Passage(response, options, resolve);
    const body = hasBody ? bodyOf(request, options.maxBodyBytes) : null;
    try {
      const { headers } = options;
      options.connection.send({ method: request.method ?? 'GET', path: request.url ?? '/', headers, body }, passage);
    } catch (error) {
      passage.onResponseError(undefined, error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** Carries one answer from the core to the client, at the pace of the slower one. */
class Passage implements ExchangeHandler {
  readonly #response: ServerResponse;
  readonly #options: ForwardOptions;
  readonly #settle: (outcome: Forwarded) => void;
  #controller: ExchangeController | undefined;
  #stall: NodeJS.Timeout | undefined;
  #flush: NodeJS.Immediate | undefined;

  constructor(response: ServerResponse, options: ForwardOptions, settle: (outcome: Forwarded) => void) {
    this.#response = response;
    this.#options = options;
    this.#settle = (outcome) => {
      clearTimeout(this.#stall);
      clearImmediate(this.#flush);
      response.off('close', this.#clientGone).off('drain', this.#drained);
      settle(outcome);
    };
    response.on('close', this.#clientGone).on('drain', this.#drained);
  }

  // Without this, connections of clients that left would stay taken and the pool would stop (LIBRARIES.md §3.3).
  readonly #clientGone = () => {
    this.#controller?.abort(new Error('client gone'));
    this.#settle({ kind: 'client-gone' });
  };

  readonly #drained = () => {
    clearTimeout(this.#stall);
    this.#controller?.resume();
  };

  onRequestStart(controller: ExchangeController): void {
    this.#controller = controller;
    if (this.#response.destroyed) controller.abort(new Error('client gone'));
  }

  onResponseStart(controller: ExchangeController, status: number, _headers: unknown, statusText?: string): void {
    if (status < 200) return; // RFC 9110 §15.2: an interim answer is nothing the client must have
    const headers = answerHeaders(rawList(controller.rawHeaders), this.#options.own);
    if (statusText === undefined || statusText === '') this.#response.writeHead(status, headers);
    else this.#response.writeHead(status, statusText, headers);
    // Head and first bytes leave together; a stream that is silent at first still gets its head at once.
    this.#flush = setImmediate(() => this.#response.flushHeaders());
  }

  onResponseData(controller: ExchangeController, chunk: Buffer): void {
    clearImmediate(this.#flush);
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#stall = setTimeout(() => this.#response.destroy(), this.#options.writeStallMs);
  }

  onResponseEnd(controller: ExchangeController): void {
    clearImmediate(this.#flush);
    const trailers = rawList(controller.rawTrailers);
    if (trailers.length > 0 && this.#response.chunkedEncoding) this.#response.addTrailers(pairs(trailers));
    this.#response.end();
    this.#settle({ kind: 'passed' });
  }

  onResponseError(_controller: ExchangeController | undefined, cause: Error): void {
    if (this.#response.destroyed) {
      this.#settle({ kind: 'client-gone' });
      return;
    }
    if (this.#response.headersSent) {
      this.#response.destroy();
      this.#settle({ kind: 'cut', cause });
      return;
    }
    this.#settle({ kind: 'failed', situation: situationOf(cause), cause });
  }
}

/** Router.md §10: hop-by-hop and `Server` removed, our own two set, two safe defaults where the core says nothing. */
function answerHeaders(raw: readonly string[], own: readonly string[]): string[] {
  const dropped = hopByHop(raw);
  const kept: string[] = [];
  const seen = new Set<string>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    if (dropped.has(name) || keptFromClients.includes(name)) continue;
    seen.add(name);
    kept.push(raw[at] ?? '', raw[at + 1] ?? '');
  }
  kept.push('X-Powered-By', 'authentik', ...own);
  if (!seen.has('x-content-type-options')) kept.push('X-Content-Type-Options', 'nosniff');
  if (!seen.has('referrer-policy')) kept.push('Referrer-Policy', 'same-origin');
  return kept;
}

function rawList(raw: ExchangeController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
}

function pairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, at): [string, string][] => (at % 2 === 0 ? [[name, raw[at + 1] ?? '']] : []));
}

/** RFC 9112 §6.3: a request has a body when it says how it ends. */
export function carriesBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0);
}

class BodyTooLarge extends Error {}

/** A body of known length is held to it by the parser; one without is counted here. */
function bodyOf(request: IncomingMessage, maxBytes: number): Readable {
  return request.headers['content-length'] === undefined ? Readable.from(counted(request, maxBytes)) : request;
}

async function* counted(request: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new BodyTooLarge();
    yield chunk;
  }
}

/** Ends a connection whose client stopped sending in the middle of a body; one that waits for us may be silent. */
function watchProgress(request: IncomingMessage, stallMs: number): Disposable {
  const { socket } = request;
  let seen = socket.bytesRead;
  const watch = setInterval(() => {
    const moved = socket.bytesRead !== seen;
    seen = socket.bytesRead;
    const waitsForUs = request.readableLength > 0;
    if (!moved && !waitsForUs && !request.complete) socket.destroy();
  }, stallMs);
  return { [Symbol.dispose]: () => clearInterval(watch) };
}

function failed(situation: Situation): Forwarded {
  return { kind: 'failed', situation, cause: undefined };
}

function situationOf(cause: Error): Situation {
  if (cause instanceof BodyTooLarge) return 'tooLarge';
  const code = codeOf(cause);
  return code === 'UND_ERR_HEADERS_TIMEOUT' ? 'tooSlow' : 'unreachable';
}

function isConnectionLost(cause: Error | undefined): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(cause));
}

function codeOf(cause: Error | undefined): string {
  return cause !== undefined && 'code' in cause ? String(cause.code) : '';
}
