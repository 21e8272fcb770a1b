// UDP listeners. The kernel's receive buffer is asked for large, since a burst of a NAS is lost without it.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { type Address, formatAddress } from '../config/options.ts';
import type { Logger } from '../log/index.ts';
import { bindError } from './tcp.ts';

export interface UdpOptions {
  readonly addresses: readonly Address[];
  readonly component: string;
  readonly setting: string;
  /** Default 4 MiB; the kernel may grant less. */
  readonly receiveBufferBytes?: number;
  readonly log: Logger;
  /** @param listener which of `addresses` it came to */
  readonly onDatagram: (
    bytes: Buffer,
    from: Pick<RemoteInfo, 'address' | 'port'>,
    reply: (bytes: Uint8Array) => void,
    listener: number,
  ) => void;
}

export interface UdpListener {
  readonly bound: readonly Address[];
  /** Sends from one of the listeners. */
  send(listener: number, bytes: Uint8Array, to: Pick<RemoteInfo, 'address' | 'port'>): void;
  close(): Promise<void>;
}

/** @throws GatewayError `ERR_NET_BIND` */
export async function listenUdp(options: UdpOptions): Promise<UdpListener> {
  const sockets: Socket[] = [];
  const bound: Address[] = [];
  try {
    for (const address of options.addresses) {
      const socket = await bindUdp(options, address, sockets.length);
      sockets.push(socket);
      bound.push({ host: address.host, port: socket.address().port });
    }
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw error;
  }
  for (const address of bound)
    options.log.info('listening', { addr: formatAddress(address), component: options.component });
  return {
    bound,
    send: (listener, bytes, { address, port }) => sockets[listener]?.send(bytes, port, address),
    async close() {
      await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(resolve))));
    },
  };
}

/** Replies go to addresses that came with a packet: nothing has to be looked up, and no turn of the event loop is spent on it. */
function asGiven(
  address: string,
  _options: unknown,
  done: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  done(null, address, address.includes(':') ? 6 : 4);
}

function bindUdp(options: UdpOptions, address: Address, listener: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const type = isIPv6(address.host) ? 'udp6' : 'udp4';
    const recvBufferSize = options.receiveBufferBytes ?? 4 * 1024 * 1024;
    const socket = createSocket({ type, recvBufferSize, lookup: asGiven });
    const failed = (cause: NodeJS.ErrnoException) =>
      reject(bindError(address, options.component, options.setting, cause));
    socket.once('error', failed);
    socket.bind(address.port, address.host, () => {
      socket.off('error', failed);
      socket.on('error', (error) =>
        options.log.warn('socket error', { component: options.component, error: error.message }),
      );
      resolve(socket);
    });
    socket.on('message', (bytes, from) => {
      options.onDatagram(bytes, from, (answer) => socket.send(answer, from.port, from.address), listener);
    });
  });
}
