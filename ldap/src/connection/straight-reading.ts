// Octets of a socket straight to whoever reads them. Node hands each chunk to the socket's own `push`, and from there through the
// machinery of its streams: a buffer, an event, and a look for more in the next tick, which together take a sixth of the time of a
// remembered bind. While the socket flows and nothing is buffered, that machinery would only pass the chunk on, so it is left out.
// Whenever it has something to do (a paused socket, the end), it gets what it always gets, and the plain `data` event, which
// this must never differ from, is listened to as well: a Node that pushed no more would only be slower.
import type { Socket } from 'node:net';

/** @param take gets each chunk once, in order; it may pause, end or destroy the socket */
export function readStraight(socket: Socket, take: (chunk: Buffer) => void): void {
  socket.on('data', take);
  const pushed = socket.push;
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    const isPlain = socket.readableFlowing === true && socket.readableLength === 0;
    if (!isPlain || !Buffer.isBuffer(chunk)) return pushed.call(socket, chunk, encoding);
    take(chunk);
    return true;
  };
}

/** The socket is read by somebody else from now on. */
export function stopReading(socket: Socket, take: (chunk: Buffer) => void): void {
  socket.off('data', take);
  Reflect.deleteProperty(socket, 'push');
}
