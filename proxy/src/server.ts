// Listeners and what is done with an answer (proxy.md §2.1): the only file that writes to a client. Who is let in is asked
// of the Allow itself once more before anything is let through.
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Clock } from '@gatehouse/daemon/async';
import type { Address } from '@gatehouse/daemon/config';
import { isGatewayError } from '@gatehouse/daemon/errors';
import type { Logger } from '@gatehouse/daemon/log';
import { type CidrSet, listenTcp, type TcpListener } from '@gatehouse/daemon/net';
import { type CertificateStore, tlsParameters } from '@gatehouse/daemon/tls';
import type { AccessLog } from './access-log.ts';
import { isAllow } from './authentication/verdict.ts';
import { proxyError } from './errors.ts';
import type { Gateway, Handled } from './gateway.ts';
import { page } from './pages/page.ts';
import { type Answer, cookies, type Forward, type Public, type Refused } from './request/answer.ts';
import { header, type Incoming } from './request/incoming.ts';
import { type Peer, receive } from './request/receive.ts';
import { exchange } from './upstream/exchange.ts';
import type { Pools } from './upstream/pools.ts';
import { upstreamHeaders, upstreamTarget } from './upstream/request-headers.ts';
import { openTunnel } from './upstream/tunnel.ts';
import type { Tunnels } from './upstream/tunnels.ts';

export interface ServerOptions {
  readonly gateway: Gateway;
  readonly pools: Pools;
  readonly tunnels: Tunnels;
  readonly accessLog: AccessLog;
  readonly certificates: Pick<CertificateStore, 'choose' | 'sniCallback'>;
  readonly trusted: CidrSet;
  readonly log: Logger;
  readonly clock: Pick<Clock, 'monotonicMs' | 'now'>;
  readonly limits: { readonly total: number; readonly perClient: number };
  readonly headerMs: number;
  readonly idleMs: number;
}

export interface ProxyServer {
  readonly bound: { readonly http: readonly Address[]; readonly https: readonly Address[] };
  /** Refuses new connections, lets requests finish up to `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

const maxHeaderSize = 1024 * 1024;

export async function listenProxy(
  options: ServerOptions,
  addresses: { readonly http: readonly Address[]; readonly https: readonly Address[] },
): Promise<ProxyServer> {
  const peers = new WeakMap<Duplex, Peer>();
  const plain = httpServer(options, peers, 'http');
  const secure = httpServer(options, peers, 'https');
  const trusting = ({ address, port }: { address: string; port: number }): Peer => {
    return { address, port, trusted: options.trusted.has(address) };
  };
  const listen = (component: 'http' | 'https', onConnection: (socket: Socket, peer: Peer) => void) =>
    listenTcp({
      addresses: addresses[component],
      component,
      setting: `AUTHENTIK_LISTEN__${component.toUpperCase()}`,
      limits: options.limits,
      trusted: options.trusted,
      proxyProtocol: 'optional',
      log: options.log,
      onConnection: (socket, peer) => onConnection(socket, trusting(peer)),
    });
  const http = await listen('http', (socket, peer) => {
    peers.set(socket, peer);
    plain.emit('connection', socket);
  });
  const https = await listen('https', (socket, peer) => secureConnection(options, secure, peers, { socket, peer }));
  return {
    bound: { http: http.bound, https: https.bound },
    close: (graceMs) => closeAll(options, [plain, secure], [http, https], graceMs),
  };
}

function secureConnection(
  { certificates, log }: ServerOptions,
  server: Server,
  peers: WeakMap<Duplex, Peer>,
  { socket, peer }: { readonly socket: Socket; readonly peer: Peer },
): void {
  const secure = new TLSSocket(socket, {
    isServer: true,
    ...tlsParameters,
    secureContext: certificates.choose(undefined),
    SNICallback: certificates.sniCallback,
  });
  peers.set(secure, peer);
  socket.setTimeout(10_000, () => socket.destroy());
  secure.on('error', (error) => {
    log.debug('TLS connection failed', { client: peer.address, error: error.message });
    socket.destroy();
  });
  secure.once('secure', () => {
    socket.setTimeout(0);
    server.emit('connection', secure);
  });
}

function httpServer(options: ServerOptions, peers: WeakMap<Duplex, Peer>, scheme: 'http' | 'https'): Server {
  const server = createServer({
    maxHeaderSize,
    headersTimeout: options.headerMs,
    requestTimeout: 0,
    keepAliveTimeout: options.idleMs,
    insecureHTTPParser: false,
    requireHostHeader: true,
  });
  server.timeout = 0;
  const peerOf = (socket: Duplex): Peer => peers.get(socket) ?? { address: '', port: 0, trusted: false };
  const received = (message: IncomingMessage) => receive(message, peerOf(message.socket), scheme);
  server.on('request', (message, response) => serve(options, received(message), message, response));
  server.on('upgrade', (message, socket, head) => {
    const response = responseOn(message, socket);
    serve(options, received(message), message, response, { socket, head });
  });
  server.on('connect', (_, socket: Duplex) =>
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\n\r\n'),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  // Starts node:http's own watch over slow requests, which it does when it listens itself; here listenTcp listens.
  server.emit('listening');
  return server;
}

interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
}

function serve(
  options: ServerOptions,
  request: Incoming | undefined,
  message: IncomingMessage,
  response: ServerResponse,
  upgrade?: Upgrade,
): void {
  if (request === undefined) {
    response.writeHead(400, { Connection: 'close', 'Content-Length': 0 }).end();
    return;
  }
  const startedMs = options.clock.monotonicMs();
  const job: Job = { options, request, message, response, upgrade, startedMs, upstreamMs: undefined };
  const handled = options.gateway.handle(request);
  if (handled instanceof Promise)
    handled.then((late) => perform(job, late)).catch((error: unknown) => broken(job, error));
  else carryOut(job, handled);
}

/** Answers without an upstream need no promise. */
function carryOut(job: Job, handled: Handled): void {
  try {
    perform(job, handled)?.catch((error: unknown) => broken(job, error));
  } catch (error) {
    broken(job, error);
  }
}

interface Job {
  readonly options: ServerOptions;
  readonly request: Incoming;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly upgrade: Upgrade | undefined;
  readonly startedMs: number;
  upstreamMs: number | undefined;
}

function perform(job: Job, handled: Handled): Promise<void> | undefined {
  const { response } = job;
  response.once('close', () => logged(job, handled));
  const { answer } = handled;
  if (answer.kind === 'refused' || answer.kind === 'public') return void write(job, answer, answer.status, answer.body);
  if (!isAllow(answer.allow))
    throw proxyError('ERR_PROXY_WITHOUT_ALLOW', `A ${answer.kind} answer came without an Allow.`);
  if (answer.kind === 'allowed') return void write(job, answer, 200, '');
  return forward(job, answer).catch((error: unknown) => upstreamFailed(job, answer, error));
}

function write(
  { request, response }: Job,
  { headers }: Pick<Refused | Public, 'headers'>,
  status: number,
  body: string,
): void {
  if (response.destroyed) return;
  const length = status === 204 ? [] : ['Content-Length', String(Buffer.byteLength(body))];
  response.writeHead(status, [...headers, ...length]);
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function forward(job: Job, answer: Forward): Promise<void> {
  const { options, request, message, response, upgrade } = job;
  const upstream = {
    request,
    application: answer.application,
    allow: answer.allow,
    usedAuthorization: answer.authentication.usedAuthorization,
  };
  const target = upstreamTarget(upstream);
  if (target === undefined)
    throw proxyError('ERR_PROXY_UPSTREAM', `Provider "${answer.application.name}" has no upstream.`);
  const headers = upstreamHeaders(upstream, options.clock.now());
  const sentMs = options.clock.monotonicMs();
  const onHead = () => {
    job.upstreamMs = options.clock.monotonicMs() - sentMs;
  };
  if (upgrade !== undefined) {
    response.detachSocket(message.socket);
    const protocol = header(request, 'upgrade');
    const tunnel = { target, method: request.method, path: request.rawTarget, headers, protocol, ...upgrade };
    const status = await openTunnel(tunnel).catch((error: unknown) => {
      response.assignSocket(message.socket);
      throw error;
    });
    onHead();
    if (status === 101) options.tunnels.add(upgrade.socket, answer.allow);
    response.statusCode = status;
    upgrade.socket.once('close', () => response.emit('close'));
    return;
  }
  const setCookie = answer.authentication.setCookie;
  await exchange({
    pool: options.pools.get(target),
    method: request.method,
    path: request.rawTarget,
    headers,
    request: message,
    response,
    onHead,
    addedHeaders: cookies(setCookie === undefined ? [] : [setCookie]),
  });
}

/** §9.9: a page while nothing was sent; superusers see the reason. */
function upstreamFailed(job: Job, { allow, application }: Forward, error: unknown): void {
  const { options, request, response } = job;
  if (!isGatewayError(error)) throw error;
  if (error.code === 'ERR_PROXY_CLIENT_GONE') return;
  options.log.warn('upstream failed', {
    request_id: request.requestId,
    name: application.name,
    code: error.code,
    error: error.message,
  });
  if (response.headersSent || response.destroyed) return void response.destroy();
  const text =
    allow.identity?.claims.akProxy.isSuperuser === true
      ? `Error proxying to upstream server: ${error.message}`
      : 'Failed to connect to backend.';
  const answer = page(request, { status: 502, title: 'Bad Gateway', text });
  write(job, answer, 502, answer.body);
}

function broken({ options, request, response }: Job, error: unknown): void {
  const shown = error instanceof Error ? { error: error.message, stack: error.stack ?? '' } : { error: String(error) };
  options.log.error('request failed', { request_id: request.requestId, ...shown });
  if (response.headersSent || response.destroyed) response.destroy();
  else response.writeHead(500, { 'Content-Length': 0, 'Cache-Control': 'no-store', Connection: 'close' }).end();
}

function logged({ options, request, response, startedMs, upstreamMs }: Job, { answer, application }: Handled): void {
  options.accessLog.finished({
    request,
    answer,
    application,
    status: response.statusCode,
    size: Number(response.socket?.bytesWritten ?? sizeOf(answer)),
    tookMs: options.clock.monotonicMs() - startedMs,
    upstreamMs,
  });
}

function sizeOf(answer: Answer): number {
  return answer.kind === 'refused' || answer.kind === 'public' ? Buffer.byteLength(answer.body) : 0;
}

/** For answers to a handshake: node:http hands over the bare socket. */
function responseOn(message: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(message);
  response.shouldKeepAlive = false;
  response.assignSocket(message.socket);
  socket.on('error', () => socket.destroy());
  response.once('finish', () => socket.end());
  return response;
}

async function closeAll(
  { tunnels }: ServerOptions,
  servers: readonly Server[],
  listeners: readonly TcpListener[],
  graceMs: number,
): Promise<void> {
  for (const server of servers) {
    // Answers from now on end their connection, so that keep-alive clients go elsewhere.
    server.prependListener('request', (_, response) => {
      response.shouldKeepAlive = false;
    });
    server.close();
  }
  tunnels.closeAll();
  await Promise.all(listeners.map((listener) => listener.close(graceMs)));
  for (const server of servers) server.closeAllConnections();
}
