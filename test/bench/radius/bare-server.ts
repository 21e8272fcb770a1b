// The measure of PAP: node:dgram that answers each datagram at once with the octets of an Accept, of which the identifier alone is
// right. Started by bare.ts.
import { createSocket } from 'node:dgram';

/** Header and Message-Authenticator. */
const accept = Buffer.alloc(38);
accept.set([2, 0, 0, 38]);
accept.set([80, 18], 20);
const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024, lookup: asGiven });
socket.on('message', (bytes, from) => {
  const answer = Buffer.from(accept);
  answer[1] = bytes[1] ?? 0;
  socket.send(answer, from.port, from.address);
});
socket.bind(0, '127.0.0.1', () => process.send?.(socket.address().port));
// Ends with whoever started it.
process.on('disconnect', () => process.exit(0));

function asGiven(
  address: string,
  _options: unknown,
  done: (error: null, address: string, family: number) => void,
): void {
  done(null, address, 4);
}
