// The fast lane (LIBRARIES.md §3.3): requests without a body to plain HTTP/1.1 upstreams, over kept connections of our own.
// Head and body of a small answer arrive together and leave in one write; nothing is parsed into objects on the way.
// What it does on the wire is what the general lane does; lanes.test.ts runs both through the same cases. The router takes
// the same lane to the core (entry `@gatehouse/proxy/fast-lane`).
import { connect, type Socket } from 'node:net';
import { GatewayError } from '@gatehouse/daemon/errors';
import type { UpstreamTarget } from '../applications/application.ts';
import { proxyError } from '../errors.ts';
import { headerLines } from '../identity/header-block.ts';
import {
  type AnswerRules,
  type Exchange,
  type ExchangeFailure,
  type Lane,
  probeAfterMs,
  proxyAnswers,
} from './exchange.ts';
import { ResponseRelay } from './response-relay.ts';

const connectMs = 10_000;
const mostConnections = 256;
/** Longer idle connections are often just being closed by the other side. */
const idleMs = 30_000;
const sweepMs = 10_000;

export interface FastLane extends Lane {
  /** Whether the exchange is one for this lane. @param exchange its target may also be `unix:/path` */
  takes(exchange: Pick<Exchange, 'target' | 'method' | 'request'>): boolean;
  /** From now on no connection serves twice; what runs ends by itself. */
  retire(): void;
}

export interface FastLaneOptions {
  readonly answers: AnswerRules;
  /** Longest wait for the first byte of an answer, to the precision of the sweep; default: none. */
  readonly answerTimeoutMs: number;
  /** Longest pause of a client that receives; default: none. */
  readonly writeStallMs: number;
}

const usual: FastLaneOptions = { answers: proxyAnswers, answerTimeoutMs: Infinity, writeStallMs: Infinity };

export function createFastLane(options: FastLaneOptions = usual): FastLane {
  const origins = new Map<string, Connections>();
  const everyMs = Math.min(sweepMs, options.answerTimeoutMs / 4, options.writeStallMs / 4);
  const sweep = setInterval(() => {
    for (const [origin, connections] of origins) if (connections.sweep() === 0) origins.delete(origin);
  }, everyMs).unref();
  const of = (target: UpstreamTarget) => {
    const known = origins.get(target.origin);
    if (known !== undefined) return known;
    const made = new Connections(target.origin, options);
    origins.set(target.origin, made);
    return made;
  };
  return {
    takes: ({ target, method, request }) => {
      if (method !== 'GET' && method !== 'HEAD') return false;
      const { headers } = request;
      const hasBody = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
      const isPlain = target.origin.startsWith('http://') || target.origin.startsWith('unix:');
      return !hasBody && isPlain && of(target).hasRoom();
    },
    run: (exchange) => of(exchange.target).run(exchange),
    retire() {
      for (const connections of origins.values()) connections.retire();
    },
    async [Symbol.asyncDispose]() {
      clearInterval(sweep);
      for (const connections of origins.values()) connections.close();
    },
  };
}

const readBytes = 64 * 1024;

type Address = { readonly path: string } | { readonly host: string; readonly port: number };

/** Connections to one origin. */
class Connections {
  readonly #at: Address;
  readonly #options: FastLaneOptions;
  #isRetired = false;
  readonly #idle: Connection[] = [];
  readonly #open = new Set<Connection>();

  constructor(origin: string, options: FastLaneOptions) {
    const { protocol, hostname, port, pathname } = new URL(origin);
    this.#options = options;
    this.#at =
      protocol === 'unix:'
        ? { path: decodeURIComponent(pathname) }
        : { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) };
  }

  hasRoom(): boolean {
    return this.#idle.length > 0 || this.#open.size < mostConnections;
  }

  run(exchange: Exchange): () => void {
    const connection = this.#idle.pop() ?? this.#connect();
    connection.start(exchange);
    return () => connection.abort(exchange);
  }

  /** Closes what was idle for too long, and what somebody was waited for too long. @returns how many are left */
  sweep(): number {
    const now = performance.now();
    for (const connection of this.#idle) if (now - connection.idleSinceMs > idleMs) connection.destroy();
    for (const connection of this.#open) connection.sweep(now);
    return this.#open.size;
  }

  retire(): void {
    this.#isRetired = true;
    for (const connection of this.#idle) connection.destroy();
  }

  close(): void {
    for (const connection of this.#open) connection.destroy();
  }

  #connect(): Connection {
    const connection = new Connection(this.#at, this.#options, {
      onIdle: () => (this.#isRetired ? connection.destroy() : void this.#idle.push(connection)),
      // The others that were idle are as old as this one: the next attempt shall not meet them.
      onStale: () => {
        for (const other of this.#idle) other.destroy();
        this.#idle.length = 0;
      },
      onClosed: () => {
        this.#open.delete(connection);
        const at = this.#idle.indexOf(connection);
        if (at !== -1) this.#idle.splice(at, 1);
      },
    });
    this.#open.add(connection);
    return connection;
  }
}

interface Owner {
  readonly onIdle: () => void;
  readonly onStale: () => void;
  readonly onClosed: () => void;
}

class Connection {
  idleSinceMs = 0;
  #startedMs = 0;
  #pausedMs = 0;
  readonly #socket: Socket;
  readonly #options: FastLaneOptions;
  readonly #owner: Owner;
  readonly #flow = {
    pause: () => {
      this.#pausedMs = performance.now();
      this.#socket.pause();
    },
    resume: () => {
      this.#pausedMs = 0;
      this.#socket.resume();
    },
    lend: () => {
      this.#isLent = true;
    },
  };
  /** This connection's alone: bytes of it may be on their way to a client while others are read into theirs. */
  #buffer = Buffer.allocUnsafeSlow(readBytes);
  /** Something waits to be written out of the buffer; the next read goes elsewhere. */
  #isLent = false;
  #exchange: Exchange | undefined;
  #relay: ResponseRelay | undefined;
  #isConnected = false;
  #isLate = false;
  #served = 0;
  #failure: Error | undefined;

  constructor(at: Address, options: FastLaneOptions, owner: Owner) {
    // Reading into memory of ours saves a stream with its events, and 64 KiB for every answer.
    const socket = connect({
      ...at,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: probeAfterMs,
      onread: { buffer: () => this.#nextBuffer(), callback: (size, bytes) => this.#receive(bytes, size) },
    });
    this.#socket = socket;
    this.#options = options;
    this.#owner = owner;
    const late = setTimeout(() => socket.destroy(new Error(`no connection within ${connectMs / 1000} s`)), connectMs);
    socket.once('connect', () => {
      clearTimeout(late);
      this.#isConnected = true;
    });
    socket.on('end', () => this.#ended());
    socket.on('error', (error) => {
      this.#failure = error;
    });
    socket.once('close', () => {
      clearTimeout(late);
      owner.onClosed();
      if (this.#exchange !== undefined) this.#fail(this.#failure ?? new Error('the connection ended'));
    });
  }

  start(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#startedMs = performance.now();
    const { method, path, headers, response } = exchange;
    this.#relay = new ResponseRelay(exchange, this.#flow, this.#options.answers);
    if (response.destroyed) {
      this.abort(exchange);
      return;
    }
    const head = `${method} ${path} HTTP/1.1\r\n${headerLines(headers.own)}${headers.identity.text}Connection: keep-alive\r\n\r\n`;
    this.#socket.write(head, 'latin1');
  }

  /** Ends an exchange in which the upstream does not begin, or the client does not read on. */
  sweep(nowMs: number): void {
    const { answerTimeoutMs, writeStallMs } = this.#options;
    if (this.#exchange === undefined) return;
    if (this.#relay?.hasBegun === false && nowMs - this.#startedMs > answerTimeoutMs) {
      this.#isLate = true;
      this.#socket.destroy(new Error(`no answer within ${answerTimeoutMs} ms`));
    }
    if (this.#pausedMs > 0 && nowMs - this.#pausedMs > writeStallMs) this.#exchange.response.destroy();
  }

  /** Nothing happens when the connection has gone on to another exchange: the client left at the very end. */
  abort(exchange: Exchange): void {
    if (this.#exchange !== exchange) return;
    this.#failure = proxyError('ERR_PROXY_CLIENT_GONE', 'The client left.');
    this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #nextBuffer(): Buffer {
    if (this.#isLent) this.#buffer = Buffer.allocUnsafeSlow(readBytes);
    this.#isLent = false;
    return this.#buffer;
  }

  /** @returns whether to go on reading */
  #receive(bytes: Uint8Array, size: number): boolean {
    // Bytes that nobody asked for: whatever they are, this connection is not to be trusted with another request.
    if (this.#relay === undefined) this.#socket.destroy();
    else this.#take(this.#relay, Buffer.from(bytes.buffer, bytes.byteOffset, size));
    return !this.#socket.destroyed;
  }

  #take(relay: ResponseRelay, chunk: Buffer): void {
    try {
      const used = relay.push(chunk);
      if (relay.isDone) this.#finish(used === chunk.length && relay.keepsAlive);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#socket.destroy();
    }
  }

  #ended(): void {
    if (this.#relay?.end() === true) this.#finish(false);
    else this.#socket.destroy();
  }

  #finish(isReusable: boolean): void {
    this.#exchange = undefined;
    this.#relay = undefined;
    this.#pausedMs = 0;
    this.#served += 1;
    if (isReusable) {
      this.#socket.resume(); // the client may have been slow at the end
      this.idleSinceMs = performance.now();
      this.#owner.onIdle();
    } else this.#socket.destroy();
  }

  #fail(cause: Error): void {
    const exchange = this.#exchange;
    const hasBegun = this.#relay?.hasBegun === true;
    this.#exchange = undefined;
    this.#relay = undefined;
    const isOurs = cause instanceof GatewayError;
    const error = isOurs ? cause : proxyError('ERR_PROXY_UPSTREAM', `The upstream failed: ${reason(cause)}.`, cause);
    const phase = this.#phase(hasBegun);
    if (phase === 'stale') this.#owner.onStale();
    exchange?.onFailed({ error, phase });
  }

  #phase(hasBegun: boolean): ExchangeFailure['phase'] {
    if (this.#isLate) return 'late';
    if (!this.#isConnected) return 'connect';
    return this.#served > 0 && !hasBegun ? 'stale' : 'answering';
  }
}

function reason(cause: Error): string {
  return cause.message === '' && 'code' in cause ? String(cause.code) : cause.message;
}
