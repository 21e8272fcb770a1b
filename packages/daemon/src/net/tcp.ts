// TCP listeners with caps in all and per client, and an orderly end (ldap.md §2.1). PROXY headers are read by proxied.ts;
// the caps count the client that a header names, not the load balancer.
import { createServer, type Server, type Socket } from 'node:net';
import { type Address, formatAddress } from '../config/options.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../log/index.ts';
import { type CidrSet, canonicalIp, createCidrSet } from './cidr.ts';
import { identifyPeer, type Peer } from './proxied.ts';

export interface TcpOptions {
  readonly addresses: readonly Address[];
  /** Name of the listener in logs: `ldap`, `ldaps`, `http`. */
  readonly component: string;
  /** How its addresses are set, for the hint of a failure: `AUTHENTIK_LISTEN__LDAP`. */
  readonly setting: string;
  readonly limits: { readonly total: number; readonly perClient: number };
  /** Shared by listeners whose connections count together; default: each its own. */
  readonly count?: ConnectionCount;
  /** Asked at the limit: true when somebody else is about to leave. Default: nobody is. */
  readonly makeRoom?: () => boolean;
  /** Peers whose PROXY header is believed; default nobody. */
  readonly trusted?: CidrSet;
  /** Default `off`: the first bytes are not looked at. */
  readonly proxyProtocol?: 'off' | 'optional' | 'require';
  /** Default 10 s; see {@link ProxiedOptions}. */
  readonly proxyHeaderWaitMs?: number;
  readonly log: Logger;
  readonly onConnection: (socket: Socket, peer: Peer) => void;
}

export interface TcpListener {
  readonly bound: readonly Address[];
  /** Stops accepting, waits for open connections up to `graceMs`, then cuts them; called again, with the shorter time of both. */
  close(graceMs: number): Promise<void>;
}

/** @throws GatewayError `ERR_NET_BIND` naming address, reason and setting; nothing stays open then */
export async function listenTcp(options: TcpOptions): Promise<TcpListener> {
  const admission = new Admission(options);
  const probing = setInterval(() => admission.keepAlive(), keepAliveMs).unref();
  const servers: Server[] = [];
  const bound: Address[] = [];
  try {
    for (const address of options.addresses) {
      const server = await bind(options, address, (socket) => admission.enter(socket));
      servers.push(server);
      const at = server.address();
      bound.push({ host: address.host, port: typeof at === 'object' && at !== null ? at.port : address.port });
    }
  } catch (error) {
    for (const server of servers) server.close();
    clearInterval(probing);
    throw error;
  }
  for (const address of bound)
    options.log.info('listening', { addr: formatAddress(address), component: options.component });
  const ended = Promise.all(servers.map((server) => new Promise((resolve) => server.once('close', resolve))));
  return {
    bound,
    async close(graceMs) {
      for (const server of servers) server.close();
      const cut = setTimeout(() => admission.cut(), graceMs);
      await ended;
      clearTimeout(cut);
      clearInterval(probing);
    },
  };
}

/** Open connections, in all and of each address. */
export interface ConnectionCount {
  total: number;
  readonly perClient: Map<string, number>;
}

export function createConnectionCount(): ConnectionCount {
  return { total: 0, perClient: new Map() };
}

/** What an open connection holds: of its total, and of this client once it is known. */
interface Seat {
  address: string | undefined;
}

type RefusalReason = 'too_many_connections' | 'too_many_of_client' | `proxy_header_${string}`;

/** Longest list of peers that are remembered as already complained about. */
const mostRemembered = 1_000;

/** The first probe of a silent peer comes so long after it was last heard of. */
const keepAliveMs = 15_000;

/** Who is inside, and who may still come in. */
class Admission {
  readonly #open = new Set<Socket>();
  readonly #options: TcpOptions;
  readonly #trusted: CidrSet;
  readonly #count: ConnectionCount;
  readonly #complainedAbout = new Set<string>();

  constructor(options: TcpOptions) {
    this.#options = options;
    this.#trusted = options.trusted ?? createCidrSet([]);
    this.#count = options.count ?? createConnectionCount();
  }

  enter(socket: Socket): void {
    const direct = { address: canonicalIp(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0, proxied: false };
    // A reset of the peer before anybody listens would otherwise end the process.
    socket.on('error', () => socket.destroy());
    const isFull = this.#count.total >= this.#options.limits.total;
    if (isFull && this.#options.makeRoom?.() !== true) {
      this.#refuse(socket, direct, 'too_many_connections');
      return;
    }
    const seat: Seat = { address: undefined };
    this.#open.add(socket);
    this.#count.total += 1;
    socket.on('close', () => this.#leave(socket, seat));
    if ((this.#options.proxyProtocol ?? 'off') === 'off') this.#receive(socket, direct, seat);
    else this.#receiveProxied(socket, direct, seat).catch((error: unknown) => this.#failed(socket, direct, error));
  }

  /** Whoever has stayed is probed from now on; the four system calls are made once, and for short visits never. */
  keepAlive(): void {
    for (const socket of this.#open) socket.setKeepAlive(true, keepAliveMs);
  }

  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #receive(socket: Socket, direct: Peer, seat: Seat): void {
    try {
      if (this.#admit(socket, direct, seat)) this.#options.onConnection(socket, direct);
    } catch (error) {
      this.#failed(socket, direct, error);
    }
  }

  #failed(socket: Socket, { address }: Peer, error: unknown): void {
    this.#options.log.error('connection handler failed', { client: address, error: String(error) });
    socket.destroy();
  }

  async #receiveProxied(socket: Socket, direct: Peer, seat: Seat): Promise<void> {
    const { proxyProtocol, proxyHeaderWaitMs: waitMs = 10_000, onConnection } = this.#options;
    const mode = proxyProtocol === 'require' ? 'require' : 'optional';
    // Silence counts against an unknown peer from the first byte on, but not against a shared load balancer.
    const counted = !this.#trusted.has(direct.address);
    if (counted && !this.#admit(socket, direct, seat)) return;
    const identified = await identifyPeer(socket, direct, { mode, trusted: this.#trusted, waitMs });
    if (identified.kind === 'refused') this.#refuse(socket, direct, identified.reason);
    if (identified.kind !== 'peer') return;
    if (counted || this.#admit(socket, identified.peer, seat)) onConnection(socket, identified.peer);
  }

  #admit(socket: Socket, { address }: Peer, seat: Seat): boolean {
    const { perClient } = this.#count;
    const held = perClient.get(address) ?? 0;
    if (held >= this.#options.limits.perClient) {
      this.#refuse(socket, { address }, 'too_many_of_client');
      return false;
    }
    if (socket.closed) return false; // it has left before anybody knew who it was
    perClient.set(address, held + 1);
    seat.address = address;
    return true;
  }

  #leave(socket: Socket, { address }: Seat): void {
    const { perClient } = this.#count;
    this.#open.delete(socket);
    this.#count.total -= 1;
    if (address === undefined) return;
    const left = (perClient.get(address) ?? 1) - 1;
    if (left === 0) perClient.delete(address);
    else perClient.set(address, left);
  }

  /** Warns once per peer and reason (ldap.md §2.2), so that a flood of refusals is no flood of lines. */
  #refuse(socket: Socket, { address }: Pick<Peer, 'address'>, reason: RefusalReason): void {
    const subject = `${address} ${reason}`;
    const level = this.#complainedAbout.has(subject) ? 'debug' : 'warn';
    if (this.#complainedAbout.size < mostRemembered) this.#complainedAbout.add(subject);
    this.#options.log[level]('connection refused', { client: address, component: this.#options.component, reason });
    socket.destroy();
  }
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
