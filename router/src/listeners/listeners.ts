// The sockets of the front door (router.md §3): one http server behind plain TCP, TLS and the local unix socket. It listens
// on the unix socket itself and is handed the connections of the others once they are known and decrypted.
import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { Address } from '@gatehouse/daemon/config';
import { createHttp2Sessions, type Http2Sessions } from '@gatehouse/daemon/http2';
import type { Logger } from '@gatehouse/daemon/log';
import type { CidrSet, Peer } from '@gatehouse/daemon/net';
import { ReadyResponse } from '@gatehouse/proxy/ready-response';
import { routerError } from '../errors.ts';
import type { FrontDoor } from '../front-door.ts';
import type { RouterMetrics } from '../metrics.ts';
import { ListenAddresses } from './addresses.ts';
import { clientCertificateHeader, rememberConnection } from './connections.ts';
import { acceptTls, type TlsIdentity } from './tls-acceptor.ts';

export interface ListenerOptions {
  readonly http: readonly Address[];
  readonly https: readonly Address[];
  readonly socketPath: string;
  /** Whether the unix socket is this process's own to make and remove; a worker shares its first process's. */
  readonly ownsSocket: boolean;
  readonly door: FrontDoor;
  readonly identity: (serverName: string | undefined) => Promise<TlsIdentity>;
  readonly trusted: CidrSet;
  readonly limits: { readonly total: number; readonly perClient: number };
  readonly maxHeaderBytes: number;
  readonly headTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Whether HTTP/2 is offered over TLS, asked for each connection. */
  readonly http2: () => boolean;
  readonly metrics: RouterMetrics;
  readonly log: Logger;
}

type HttpServer = Server<typeof IncomingMessage, typeof ReadyResponse>;

export interface Listeners {
  readonly bound: ReadonlyMap<'http' | 'https', readonly Address[]>;
  /** Listens at these addresses from now on. Connections that came by another one stay; of two calls the later counts. */
  move(to: Pick<ListenerOptions, 'http' | 'https'>): Promise<void>;
  /** Takes no new connections, lets running requests finish, cuts what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Longest a whole request may take to arrive, however steady it moves. */
const longestRequestMs = 3_600_000;

/** @throws GatewayError `ERR_ROUTER_NO_LISTENER` when no address at all can be bound */
export async function openListeners(options: ListenerOptions): Promise<Listeners> {
  const server = createHttpServer(options);
  await listenLocally(server, options);
  const plain = new ListenAddresses('http', options, (socket, peer) => {
    rememberConnection(socket, { address: peer.address, tls: false });
    server.emit('connection', socket);
  });
  const sessions = createHttp2Sessions(server, {
    maxHeaderBytes: options.maxHeaderBytes,
    idleMs: options.idleTimeoutMs,
  });
  const secure = new ListenAddresses('https', options, (socket, peer) => {
    void welcomeTls({ server, sessions }, socket, peer, options);
  });
  let moving = Promise.all([plain.move(options.http), secure.move(options.https)]);
  await moving;
  const close = async (graceMs: number) => {
    await moving;
    const closing = [plain.close(graceMs), secure.close(graceMs)];
    await Promise.all([...closing, sessions.close(graceMs), closeServer(server, graceMs)]);
    if (options.ownsSocket) await rm(options.socketPath, { force: true });
  };
  if (plain.bound.length + secure.bound.length === 0) {
    await close(0);
    throw routerError(
      'ERR_ROUTER_NO_LISTENER',
      'None of the addresses of listen.http and listen.https can be used.',
      'The lines above say why for each; change AUTHENTIK_LISTEN__HTTP or AUTHENTIK_LISTEN__HTTPS.',
    );
  }
  return {
    get bound() {
      return new Map([['http', plain.bound] as const, ['https', secure.bound] as const]);
    },
    async move(to) {
      if (to.http.length + to.https.length === 0)
        return options.log.error('no address is named, so none is given up', {});
      moving = moving.then(() => Promise.all([plain.move(to.http), secure.move(to.https)]));
      await moving;
    },
    close,
  };
}

function createHttpServer({ door, maxHeaderBytes, headTimeoutMs, idleTimeoutMs }: ListenerOptions): HttpServer {
  const server = createServer(
    {
      ServerResponse: ReadyResponse,
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: headTimeoutMs,
      requestTimeout: longestRequestMs,
      keepAliveTimeout: idleTimeoutMs,
      connectionsCheckingInterval: Math.max(1_000, Math.min(30_000, headTimeoutMs)),
    },
    (request, response) => door.handle(request, response),
  );
  server.on('upgrade', (request, socket, head) => door.upgrade(request, socket, head));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    const status = {
      HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
      ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
    }[error.code ?? ''];
    socket.end(`HTTP/1.1 ${status ?? '400 Bad Request'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  return server;
}

/** The mode of the file decides who may connect: everybody of this machine, as it always was (router.md §1). */
async function listenLocally(
  server: HttpServer,
  { socketPath, ownsSocket }: Pick<ListenerOptions, 'socketPath' | 'ownsSocket'>,
): Promise<void> {
  if (ownsSocket) await rm(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: socketPath }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  if (ownsSocket) await chmod(socketPath, 0o660);
}

interface Protocols {
  readonly server: HttpServer;
  readonly sessions: Http2Sessions;
}

async function welcomeTls(
  { server, sessions }: Protocols,
  socket: Socket,
  peer: Peer,
  options: ListenerOptions,
): Promise<void> {
  const { identity, headTimeoutMs, http2, metrics, log } = options;
  const secure = await acceptTls(socket, { choose: identity, handshakeMs: headTimeoutMs, http2: http2() });
  if ('failed' in secure) {
    metrics.handshakes.add({ result: 'failed' });
    log.debug('no TLS handshake', { client: peer.address, reason: secure.failed });
    return;
  }
  metrics.handshakes.add({ result: 'ok' });
  const clientCertificate = clientCertificateHeader(secure);
  const presented = clientCertificate === undefined ? {} : { clientCertificate };
  const connection = { address: isIP(peer.address) === 0 ? '' : peer.address, tls: true, ...presented } as const;
  if (secure.alpnProtocol === 'h2') {
    sessions.welcome(secure, (inner) => rememberConnection(inner, { ...connection, http2: true }));
    return;
  }
  rememberConnection(secure, connection);
  server.emit('connection', secure);
}

async function closeServer(server: HttpServer, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(cut);
}
