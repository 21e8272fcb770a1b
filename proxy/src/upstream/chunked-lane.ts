// Requests whose length nobody knows (RFC 9112 §7.1), by node:http: at their end there may be trailers, which undici cannot
// send. What it does on the wire is what the general lane does; lanes.test.ts runs all of them through the same cases.
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { isIP } from 'node:net';
import type { UpstreamTarget } from '../applications/application.ts';
import { proxyError } from '../errors.ts';
import { headerLines, pairsOf } from '../identity/header-block.ts';
import { stripResponseHeaders } from '../identity/strip.ts';
import { type Exchange, type ExchangeFailure, type Lane, poweredBy, probeAfterMs } from './exchange.ts';
import { createTargetKeys, tlsOptions } from './pools.ts';

export interface ChunkedLane extends Lane {
  takes(exchange: Pick<Exchange, 'request'>): boolean;
}

const connectMs = 10_000;
const idleMs = 30_000;
const mostAgents = 10_000;
const maxHeaderSize = 1024 * 1024;

export function createChunkedLane(): ChunkedLane {
  const agents = new Map<string, Agent>();
  const keyOf = createTargetKeys();
  const agentFor = (target: UpstreamTarget): Agent => {
    const key = keyOf(target);
    const known = agents.get(key);
    if (known !== undefined) return known;
    const [oldest] = agents.keys();
    if (oldest !== undefined && agents.size >= mostAgents) agents.delete(oldest);
    const made = newAgent(target);
    agents.set(key, made);
    return made;
  };
  return {
    takes: ({ request }) => request.headers['transfer-encoding'] !== undefined,
    run(exchange) {
      const relay = new ChunkedRelay(exchange);
      if (exchange.response.destroyed) relay.abort();
      else relay.start(agentFor(exchange.target));
      return () => relay.abort();
    },
    async [Symbol.asyncDispose]() {
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

/** Connections that are kept; those that rest for too long are closed. */
function newAgent(target: UpstreamTarget): Agent {
  const kept = { keepAlive: true, keepAliveMsecs: probeAfterMs, maxSockets: 256, timeout: idleMs };
  if (!target.origin.startsWith('https:')) return new Agent(kept);
  const servername = target.tls?.serverName ?? new URL(target.origin).hostname.replace(/^\[|\]$/g, '');
  return new SecureAgent({ ...kept, ...tlsOptions(target), servername: isIP(servername) === 0 ? servername : '' });
}

class ChunkedRelay {
  readonly #exchange: Exchange;
  #asked: ClientRequest | undefined;
  #isOver = false;
  #isConnected = false;
  #hasAnswer = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  start(agent: Agent): void {
    const { target, method, path, headers } = this.#exchange;
    const { protocol, hostname, port } = new URL(target.origin);
    const announced = announcement(this.#exchange);
    const fields = [...headers.own, ...headers.identity.flat, ...announced, 'Transfer-Encoding', 'chunked'];
    const asked = httpRequest({
      agent,
      protocol,
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
      method,
      path,
      headers: fields,
      maxHeaderSize,
    });
    this.#asked = asked;
    this.#watchConnection(asked);
    asked.on('information', ({ statusCode: status, statusMessage: reason, rawHeaders }) =>
      this.#exchange.response.sendInterim({ status, reason, lines: headerLines(stripResponseHeaders(rawHeaders)) }),
    );
    asked.on('response', (answer) => this.#guarded(() => this.#answered(answer)));
    asked.on('error', (error) => this.#fail(error));
    // An answer that is none of HTTP ends the connection without an error.
    asked.once('close', () => !this.#hasAnswer && this.#fail(new Error('the connection ended')));
    this.#send(asked);
  }

  abort(): void {
    const gone = proxyError('ERR_PROXY_CLIENT_GONE', 'The client left.');
    this.#fail(gone);
    this.#asked?.destroy(gone);
  }

  #watchConnection(asked: ClientRequest): void {
    asked.once('socket', (socket) => {
      const connected = () => {
        clearTimeout(late);
        this.#isConnected = true;
      };
      const late = setTimeout(() => asked.destroy(new Error(`no connection within ${connectMs / 1000} s`)), connectMs);
      if (socket.connecting) socket.once(asked.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
      else connected();
      asked.once('close', () => clearTimeout(late));
    });
  }

  /** At the pace of the upstream, trailers behind. */
  #send(asked: ClientRequest): void {
    const { request, requestTrailers } = this.#exchange;
    request.pipe(asked, { end: false });
    request.once('end', () => {
      if (this.#isOver) return;
      asked.addTrailers(pairsOf(requestTrailers?.(request.rawTrailers) ?? []));
      asked.end();
    });
  }

  #answered(answer: IncomingMessage): void {
    const { response, addedHeaders, onHead, onBody } = this.#exchange;
    const { statusCode = 502, statusMessage = '', rawHeaders } = answer;
    this.#hasAnswer = true;
    onHead();
    response.writeHead(statusCode, statusMessage, [
      ...stripResponseHeaders(rawHeaders),
      'X-Powered-By',
      poweredBy,
      ...addedHeaders,
    ]);
    response.flushHeaders();
    answer.on('data', (part: Buffer) => {
      onBody(part.length);
      if (response.write(part)) return;
      answer.pause();
      response.once('drain', () => answer.resume());
    });
    answer.once('end', () => {
      if (!answer.complete) return;
      this.#guarded(() => response.addTrailers(pairsOf(answer.rawTrailers)));
      this.#isOver = true;
      response.end();
      this.#letGo();
    });
    answer.once('error', (error) => this.#fail(error));
  }

  /** Fields that node:http does not write are the upstream's fault. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
      this.#asked?.destroy();
    }
  }

  #fail(cause: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#letGo();
    const isOurs = 'code' in cause && cause.code === 'ERR_PROXY_CLIENT_GONE';
    const text = cause.message === '' && 'code' in cause ? String(cause.code) : cause.message;
    const error = isOurs
      ? proxyError('ERR_PROXY_CLIENT_GONE', 'The client left.')
      : proxyError('ERR_PROXY_UPSTREAM', `The upstream failed: ${text}.`, cause);
    this.#exchange.onFailed({ error, phase: this.#phase() });
  }

  #phase(): ExchangeFailure['phase'] {
    if (!this.#isConnected) return 'connect';
    return this.#asked?.reusedSocket === true && !this.#hasAnswer ? 'stale' : 'answering';
  }

  /** An upstream that answers before it has heard everything: what still comes is for nobody. */
  #letGo(): void {
    const { request } = this.#exchange;
    if (request.complete && request.readableEnded) return;
    if (this.#asked !== undefined) request.unpipe(this.#asked);
    this.#asked?.destroy();
    request.resume();
  }
}

/** RFC 9110 §6.6.2: the names of trailers to come, of those that may pass. */
function announcement({ request, requestTrailers }: Exchange): readonly string[] {
  const named = (request.headers.trailer ?? '').split(',').flatMap((name) => [name.trim(), 'x']);
  const passing = (requestTrailers?.(named) ?? []).filter((name, at) => at % 2 === 0 && name !== '');
  return passing.length === 0 ? [] : ['Trailer', passing.join(', ')];
}
