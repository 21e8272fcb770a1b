// Listeners of the proxy (proxy.md §2.1): sockets in, requests out to perform.ts; and their orderly end.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Address } from '@gatehouse/daemon/config';
import { createHttp2Sessions, type Http2Sessions } from '@gatehouse/daemon/http2';
import { type CidrSet, listenTcp, type TcpListener } from '@gatehouse/daemon/net';
import { type CertificateStore, tlsParameters } from '@gatehouse/daemon/tls';
import { type Job, type Performing, perform, type Upgrade } from './perform.ts';
import { createDateLine } from './request/date-line.ts';
import type { Incoming } from './request/incoming.ts';
import { Message } from './request/message.ts';
import { ReadyResponse } from './request/ready-response.ts';
import { type Passed, type Peer, receive } from './request/receive.ts';

export interface ServerOptions extends Omit<Performing, 'dateLine'> {
  readonly certificates: Pick<CertificateStore, 'choose' | 'sniCallback'>;
  readonly trusted: CidrSet;
  readonly limits: { readonly total: number; readonly perClient: number };
  readonly headerMs: number;
  readonly idleMs: number;
  /** Whether HTTP/2 is offered over TLS. */
  readonly http2: boolean;
}

export interface ProxyServer {
  readonly bound: { readonly http: readonly Address[]; readonly https: readonly Address[] };
  /** Refuses new connections, lets requests finish up to `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

type HttpServer = Server<typeof IncomingMessage, typeof ReadyResponse>;

const maxHeaderSize = 1024 * 1024;
/** Of one HTTP/2 request; a session may have many under way. */
const maxHttp2HeaderBytes = 128 * 1024;

export async function listenProxy(
  options: ServerOptions,
  addresses: { readonly http: readonly Address[]; readonly https: readonly Address[] },
): Promise<ProxyServer> {
  const peers = new WeakMap<Duplex, Peer>();
  const plain = httpServer(options, peers, 'http');
  const secure = httpServer(options, peers, 'https');
  const sessions = createHttp2Sessions(secure, { maxHeaderBytes: maxHttp2HeaderBytes, idleMs: options.idleMs });
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
  const https = await listen('https', (socket, peer) =>
    secureConnection(options, { socket, peer }, (connection, isHttp2) => {
      if (isHttp2) return sessions.welcome(connection, (inner) => peers.set(inner, peer));
      peers.set(connection, peer);
      secure.emit('connection', connection);
    }),
  );
  return {
    bound: { http: http.bound, https: https.bound },
    close: (graceMs) => closeAll(options, { servers: [plain, secure], listeners: [http, https], sessions }, graceMs),
  };
}

function secureConnection(
  { certificates, log, http2 }: ServerOptions,
  { socket, peer }: { readonly socket: Socket; readonly peer: Peer },
  onSecure: (secure: TLSSocket, isHttp2: boolean) => void,
): void {
  const secure = new TLSSocket(socket, {
    isServer: true,
    ...tlsParameters,
    secureContext: certificates.choose(undefined),
    SNICallback: certificates.sniCallback,
    ALPNProtocols: http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
  });
  socket.setTimeout(10_000, () => socket.destroy());
  secure.on('error', (error) => {
    log.debug('TLS connection failed', { client: peer.address, error: error.message });
    socket.destroy();
  });
  secure.once('secure', () => {
    socket.setTimeout(0);
    // node:tls notes this for connections of its own server only, and node:http2 waits for it.
    Object.assign(secure, { secureConnecting: false });
    onSecure(secure, secure.alpnProtocol === 'h2');
  });
}

function httpServer(options: ServerOptions, peers: WeakMap<Duplex, Peer>, scheme: 'http' | 'https'): HttpServer {
  const server = createServer({
    IncomingMessage: Message,
    ServerResponse: ReadyResponse,
    maxHeaderSize,
    headersTimeout: options.headerMs,
    requestTimeout: 0,
    keepAliveTimeout: options.idleMs,
    insecureHTTPParser: false,
    requireHostHeader: true,
  });
  server.timeout = 0;
  const performing: Performing = { ...options, dateLine: createDateLine(options.clock) };
  const peerOf = (socket: Duplex): Peer => peers.get(socket) ?? { address: '', port: 0, trusted: false };
  const serve = (message: IncomingMessage, response: ReadyResponse, passed?: Passed, upgrade?: Upgrade) =>
    answer(performing, receive(message, peerOf(message.socket), scheme, passed), { message, response, upgrade });
  server.on('request', (message, response) => serve(message, response));
  server.on('checkContinue', (message, response) => serve(message, response, holdingBack(response)));
  server.on('upgrade', (message, socket, head) =>
    serve(message, responseOn(message, socket), undefined, { socket, head }),
  );
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

/**
 * A client that waits before it sends its body (RFC 9110 §10.1.1): who is refused need not send it. Unless it was asked for,
 * nobody knows whether it still comes, so the connection ends.
 */
function holdingBack(response: ReadyResponse): Passed {
  const { shouldKeepAlive } = response;
  response.shouldKeepAlive = false;
  return {
    askForBody() {
      response.shouldKeepAlive = shouldKeepAlive;
      response.writeContinue();
    },
  };
}

/** Answers a request of node:http; a status stands for one that is refused whatever it asks for. */
export function answer(
  performing: Performing,
  request: Incoming | 400 | 431,
  on: Pick<Job, 'message' | 'response' | 'upgrade'>,
): void {
  const go = () => {
    if (typeof request === 'object') perform({ with: performing, request, ...on });
    else on.response.writeHead(request, { Connection: 'close', 'Content-Length': 0 }).end();
  };
  // RFC 9112 §9.3.2: one that was sent behind another waits until that is answered. It has no socket before its turn.
  if (on.response.socket === null) on.response.once('socket', () => process.nextTick(go));
  else go();
}

/** For answers to a handshake: node:http hands over the bare socket. */
export function responseOn(message: IncomingMessage, socket: Duplex): ReadyResponse {
  const response = new ReadyResponse(message);
  response.shouldKeepAlive = false;
  response.assignSocket(message.socket);
  socket.on('error', () => socket.destroy());
  response.once('finish', () => socket.end());
  return response;
}

interface Listening {
  readonly servers: readonly HttpServer[];
  readonly listeners: readonly TcpListener[];
  readonly sessions: Http2Sessions;
}

async function closeAll(
  { tunnels }: ServerOptions,
  { servers, listeners, sessions }: Listening,
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
  await Promise.all([...listeners.map((listener) => listener.close(graceMs)), sessions.close(graceMs)]);
  for (const server of servers) server.closeAllConnections();
}
