// The general lane: any request to any upstream, by undici (proxy.md §9.1, §9.6): raw headers both ways, bodies streamed with
// back-pressure, informational answers and trailers relayed, the upstream aborted when the client leaves (LIBRARIES.md
// §3.3: pools lock up otherwise).
import type { IncomingMessage } from 'node:http';
import { isGatewayError } from '@gatehouse/daemon/errors';
import type { Dispatcher } from 'undici';
import { proxyError } from '../errors.ts';
import { headerLines, pairsOf } from '../identity/header-block.ts';
import { stripResponseHeaders } from '../identity/strip.ts';
import { type Exchange, type ExchangeFailure, type Lane, poweredBy } from './exchange.ts';
import type { Pools } from './pools.ts';

export function createGeneralLane(pools: Pools): Lane {
  return {
    run(exchange) {
      const relay = new Relay(exchange);
      const { target, method, path, headers, request, response } = exchange;
      if (response.destroyed) relay.abort();
      else {
        pools.get(target).dispatch(
          {
            path,
            method: method as Dispatcher.HttpMethod, // any token is a method to undici; its type lists the common ones
            headers: [...headers.own, ...headers.identity.flat],
            body: hasBody(request) ? request : null,
            // Never behind another request of the same connection.
            blocking: true,
            idempotent: false,
          },
          relay,
        );
      }
      return () => relay.abort();
    },
    [Symbol.asyncDispose]: () => pools[Symbol.asyncDispose](),
  };
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

/**
 * undici's raw handler: its newer one parses the fields into an object first, which costs a sixth of the exchange. undici 8
 * has only the newer one, with `controller.rawHeaders` for the same purpose.
 */
class Relay implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange;
  #abort: ((error?: Error) => void) | undefined;
  #resume: () => void = () => undefined;
  #isGone = false;
  #isOver = false;
  #isConnected = false;
  #status: number | undefined;
  #hasBody = false;
  readonly #onDrain = () => this.#resume();

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  abort(): void {
    this.#isGone = true;
    this.#abort?.(clientGone());
    if (this.#abort === undefined) this.#fail(clientGone());
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    this.#isConnected = true;
    if (this.#isGone) abort(clientGone());
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, reason: string): boolean {
    const { response, onHead, addedHeaders } = this.#exchange;
    const headers = stripResponseHeaders(raw.map(latin1));
    if (status < 200) {
      response.sendInterim({ status, reason, lines: headerLines(headers) });
      return true;
    }
    this.#status = status;
    this.#resume = resume;
    onHead();
    headers.push('X-Powered-By', poweredBy, ...addedHeaders);
    response.writeHead(status, reason, headers);
    // The first part of the body usually follows at once and goes out with the head; where it does not, the head goes alone.
    setImmediate(() => {
      if (!response.writableEnded && !this.#hasBody) response.flushHeaders();
    });
    return true;
  }

  onData(chunk: Buffer): boolean {
    const { response, onBody } = this.#exchange;
    this.#hasBody = true;
    onBody(chunk.length);
    if (response.write(chunk)) return true;
    response.once('drain', this.#onDrain);
    return false;
  }

  onComplete(trailers: string[] | null): void {
    const { response } = this.#exchange;
    this.#isOver = true;
    if (trailers !== null && trailers.length > 0) response.addTrailers(pairsOf(trailers.map(latin1)));
    response.end();
  }

  onError(cause: Error): void {
    // undici takes a 304 that names the length of what it leaves out (RFC 9110 §15.4.5) for a body that is missing.
    const isWhole = this.#status === 304 && 'code' in cause && cause.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH';
    if (isWhole) this.onComplete(null);
    else this.#fail(cause);
  }

  #fail(cause: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const error = isGatewayError(cause)
      ? cause
      : proxyError('ERR_PROXY_UPSTREAM', `The upstream failed: ${messageOf(cause)}.`, cause);
    this.#exchange.onFailed({ error, phase: this.#phase(cause) });
  }

  #phase(cause: Error): ExchangeFailure['phase'] {
    if (!this.#isConnected) return 'connect';
    const code = 'code' in cause ? String(cause.code) : '';
    // A kept connection that the upstream closed just then.
    const isStale = code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
    return isStale && this.#status === undefined ? 'stale' : 'answering';
  }
}

function clientGone() {
  return proxyError('ERR_PROXY_CLIENT_GONE', 'The client left.');
}

function messageOf(cause: Error): string {
  return cause.message === '' && 'code' in cause ? String(cause.code) : cause.message;
}

/** Fields come as buffers; as latin1 text they are written again byte for byte. */
function latin1(item: Buffer | string): string {
  return typeof item === 'string' ? item : item.toString('latin1');
}
