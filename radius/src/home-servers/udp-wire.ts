// Datagrams to one port of a home server. The socket is connected: what comes from elsewhere never gets here, and the kernel
// tells of a closed port.
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Address } from '@gatehouse/daemon/config';
import type { Wire, WireEvents } from './wire.ts';

export function openUdpWire({ host, port }: Address, events: WireEvents): Wire {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  let isOpen = false;
  socket.on('error', (error) => events.onUnreachable(error.message));
  socket.on('message', (bytes) => events.onPacket(bytes));
  socket.connect(port, host, () => {
    isOpen = true;
    events.onOpen();
  });
  return {
    get isOpen() {
      return isOpen;
    },
    isReliable: false,
    open: () => undefined, // it is about to be
    send: (bytes) => socket.send(bytes, (error) => error && events.onUnreachable(error.message)),
    reset: () => undefined,
    close: () => void socket.close(),
  };
}
