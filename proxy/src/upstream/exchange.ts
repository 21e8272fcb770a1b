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

/**
 * undici's raw handler: its newer one parses the fields into an object first, which costs a sixth of the exchange. undici 8
 * has only the newer one, with `controller.rawHeaders` for the same purpose.
 */
class Relay implements Dispatcher.DispatchHandler {
  readonly #given: Exchange;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  #abort: ((error?: Error) => void) | undefined;
  #resume: () => void = () => undefined;
  #hasBody = false;
  readonly #onClose = () => {
    if (!this.#given.response.writableFinished) this.#abort?.(proxyError('ERR_PROXY_CLIENT_GONE', 'The client left.'));
  };
  readonly #onDrain = () => this.#resume();

  constructor(given: Exchange, resolve: () => void, reject: (error: unknown) => void) {
    this.#given = given;
    this.#resolve = resolve;
    this.#reject = reject;
    given.response.once('close', this.#onClose);
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    if (this.#given.response.destroyed) this.#onClose();
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, reason: string): boolean {
    const { response, onHead, addedHeaders } = this.#given;
    const headers = stripResponseHeaders(raw.map(latin1));
    if (status < 200) {
      if (status === 103) response.writeEarlyHints(pairs(headers));
      return true;
    }
    this.#resume = resume;
    onHead(status);
    headers.push('X-Powered-By', 'goauthentik.io', ...addedHeaders);
    response.writeHead(status, reason, headers);
    // The first part of the body usually follows at once and goes out with the head; where it does not, the head goes alone.
    setImmediate(() => {
      if (!response.writableEnded && !this.#hasBody) response.flushHeaders();
    });
    return true;
  }

  onData(chunk: Buffer): boolean {
    const { response } = this.#given;
    this.#hasBody = true;
    if (response.write(chunk)) return true;
    response.once('drain', this.#onDrain);
    return false;
  }

  onComplete(trailers: string[] | null): void {
    const { response } = this.#given;
    response.off('close', this.#onClose);
    if (trailers !== null && trailers.length > 0) response.addTrailers(entries(trailers.map(latin1)));
    response.end();
    this.#resolve();
  }

  onError(cause: Error): void {
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

/** Fields come as buffers; as latin1 text they are written again byte for byte. */
function latin1(item: Buffer | string): string {
  return typeof item === 'string' ? item : item.toString('latin1');
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
