// One request to an upstream and its answer back (proxy.md §9.1, §9.6): raw headers both ways, bodies streamed with
// back-pressure, informational answers and trailers relayed, the upstream aborted when the client leaves (LIBRARIES.md
// §3.3: pools lock up otherwise). Whatever breaks after the head was sent cuts the client's connection (case 79).
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher, Pool } from 'undici';
import { proxyError } from '../errors.ts';
import { stripResponseHeaders } from '../identity/strip.ts';

export interface Exchange {
  readonly pool: Pool;
  readonly method: string;
  /** Raw target, byte for byte. */
  readonly path: string;
  readonly headers: readonly string[];
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Added to the answer: cookies of ours. */
  readonly addedHeaders: readonly string[];
  /** Called with the status when the head of the answer is there. */
  readonly onHead: (status: number) => void;
}

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/**
 * Resolves when the answer has been handed over whole.
 * @throws GatewayError `ERR_PROXY_UPSTREAM` while no head was sent; `ERR_PROXY_CLIENT_GONE`
 */
export async function exchange(given: Exchange): Promise<void> {
  const hasBody = bodyOf(given.request);
  try {
    await dispatch(given, hasBody);
  } catch (error) {
    // A kept-alive connection that the upstream closed just then: once more, where that is safe (§9.7).
    const isSafe = !hasBody && idempotent.has(given.method) && isStaleSocket(error) && !given.response.headersSent;
    if (!isSafe || given.response.destroyed) throw error;
    await dispatch(given, hasBody);
  }
}

function dispatch(given: Exchange, hasBody: boolean): Promise<void> {
  const { pool, response, request } = given;
  return new Promise((resolve, reject) => {
    const relay = new Relay(given, resolve, reject);
    const accepted: Dispatcher.DispatchOptions = {
      path: given.path,
      method: given.method as Dispatcher.HttpMethod, // any token is a method to undici; its type lists the common ones
      headers: [...given.headers],
      body: hasBody ? request : null,
      // Never behind another request of the same connection.
      blocking: true,
      idempotent: false,
    };
    if (response.destroyed) return reject(proxyError('ERR_PROXY_CLIENT_GONE', 'The client left.'));
    pool.dispatch(accepted, relay);
  });
}

class Relay implements Dispatcher.DispatchHandler {
  readonly #given: Exchange;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #hasBody = false;
  readonly #onClose = () => {
    if (!this.#given.response.writableFinished)
      this.#controller?.abort(proxyError('ERR_PROXY_CLIENT_GONE', 'The client left.'));
  };

  constructor(given: Exchange, resolve: () => void, reject: (error: unknown) => void) {
    this.#given = given;
    this.#resolve = resolve;
    this.#reject = reject;
    given.response.once('close', this.#onClose);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#given.response.destroyed) this.#onClose();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _: object, reason?: string): void {
    const { response, onHead } = this.#given;
    const headers = stripResponseHeaders(texts(controller.rawHeaders));
    if (status < 200) {
      if (status === 103) response.writeEarlyHints(pairs(headers));
      return;
    }
    onHead(status);
    headers.push('X-Powered-By', 'goauthentik.io', ...this.#given.addedHeaders);
    response.writeHead(status, reason ?? '', headers);
    // The first part of the body usually follows at once and goes out with the head; where it does not, the head goes alone.
    setImmediate(() => {
      if (!response.writableEnded && !this.#hasBody) response.flushHeaders();
    });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { response } = this.#given;
    this.#hasBody = true;
    if (response.write(chunk)) return;
    controller.pause();
    response.once('drain', () => controller.resume());
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    const { response } = this.#given;
    response.off('close', this.#onClose);
    const trailers = texts(controller.rawTrailers);
    if (trailers.length > 0) response.addTrailers(entries(trailers));
    response.end();
    this.#resolve();
  }

  onResponseError(_: Dispatcher.DispatchController, cause: Error): void {
    const { response } = this.#given;
    response.off('close', this.#onClose);
    if (response.headersSent) response.destroy();
    const isGone = 'code' in cause && cause.code === 'ERR_PROXY_CLIENT_GONE';
    this.#reject(isGone ? cause : proxyError('ERR_PROXY_UPSTREAM', `The upstream failed: ${cause.message}.`, cause));
  }
}

function bodyOf({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function isStaleSocket(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

/** undici gives raw fields as buffers; as latin1 text they are written again byte for byte. */
function texts(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((item: Buffer | string) => (typeof item === 'string' ? item : item.toString('latin1')));
}

function pairs(flat: readonly string[]): Record<string, string | string[]> {
  const found: Record<string, string | string[]> = {};
  for (const [name, value] of entries(flat)) {
    const key = name.toLowerCase();
    const before = found[key];
    found[key] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return found;
}

function entries(flat: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) found.push([flat[at] ?? '', flat[at + 1] ?? '']);
  return found;
}
