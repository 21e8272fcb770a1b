// TCP listeners with caps in all and per client, and an orderly end (ldap.md §2.1). PROXY headers are read by proxied.ts.
import { createServer, type Server, type Socket } from 'node:net';
import { type Address, formatAddress } from '../config/options.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../log/index.ts';
import { canonicalIp } from './cidr.ts';

export interface Peer {
  readonly address: string;
  readonly port: number;
  /** The address comes from a PROXY header of a trusted peer. */
  readonly proxied: boolean;
}

export interface TcpOptions {
  readonly addresses: readonly Address[];
  /** Name of the listener in logs: `ldap`, `ldaps`, `http`. */
  readonly component: string;
  /** How its addresses are set, for the hint of a failure: `AUTHENTIK_LISTEN__LDAP`. */
  readonly setting: string;
  readonly limits: { readonly total: number; readonly perClient: number };
  readonly log: Logger;
  readonly onConnection: (socket: Socket, peer: Peer) => void;
}

export interface TcpListener {
  readonly bound: readonly Address[];
  /** Stops accepting, waits for open connections up to `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

/** @throws GatewayError `ERR_NET_BIND` naming address, reason and setting; nothing stays open then */
export async function listenTcp(options: TcpOptions): Promise<TcpListener> {
  const open = new Set<Socket>();
  const perClient = new Map<string, number>();
  const servers: Server[] = [];
  const bound: Address[] = [];
  const accept = (socket: Socket) => admit(options, open, perClient, socket);
  try {
    for (const address of options.addresses) {
      const server = await bind(options, address, accept);
      servers.push(server);
      const at = server.address();
      bound.push({ host: address.host, port: typeof at === 'object' && at !== null ? at.port : address.port });
    }
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
  for (const address of bound)
    options.log.info('listening', { addr: formatAddress(address), component: options.component });
  return { bound, close: (graceMs) => closeListeners(servers, open, graceMs) };
}

function admit(options: TcpOptions, open: Set<Socket>, perClient: Map<string, number>, socket: Socket): void {
  const peer: Peer = { address: canonicalIp(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0, proxied: false };
  const held = perClient.get(peer.address) ?? 0;
  if (open.size >= options.limits.total || held >= options.limits.perClient) {
    options.log.warn('connection refused', {
      client: peer.address,
      reason: open.size >= options.limits.total ? 'too_many_connections' : 'too_many_of_client',
    });
    socket.destroy();
    return;
  }
  open.add(socket);
  perClient.set(peer.address, held + 1);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 15_000);
  socket.once('close', () => {
    open.delete(socket);
    const left = (perClient.get(peer.address) ?? 1) - 1;
    if (left === 0) perClient.delete(peer.address);
    else perClient.set(peer.address, left);
  });
  options.onConnection(socket, peer);
}

function bind(options: TcpOptions, address: Address, accept: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true, pauseOnConnect: false }, accept);
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(bindError(address, options.component, options.setting, cause)),
    );
    server.listen({ host: address.host, port: address.port }, () => resolve(server));
  });
}

/** What stands in the way of a listener, and which setting moves it. */
export function bindError(
  address: Address,
  component: string,
  setting: string,
  cause: NodeJS.ErrnoException,
): GatewayError {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another process listens there',
    EACCES: 'this user may not use that port',
    EADDRNOTAVAIL: 'this machine has no such address',
  };
  const why = reasons[cause.code ?? ''] ?? cause.code ?? cause.message;
  return new GatewayError('ERR_NET_BIND', `Cannot listen on ${formatAddress(address)} for ${component}: ${why}.`, {
    hint: `Stop what uses the port, or set ${setting} to another address:port.`,
    cause,
  });
}

async function closeListeners(servers: readonly Server[], open: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  const closed = Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
  const cut = setTimeout(() => {
    for (const socket of open) socket.destroy();
  }, graceMs);
  await closed;
  clearTimeout(cut);
}
