// Packets of a stream (RFC 6613 §2.6.4): they follow each other, cut at each Length. Used by both ends of RadSec.
import type { TLSSocket } from 'node:tls';
import { framePacket } from '@gatehouse/wire/radius';

/** A Length that cannot be ends the connection: the stream has no other mark to begin again at. */
export function readPackets(socket: TLSSocket, onPacket: (packet: Buffer) => void): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    try {
      for (
        let length = framePacket(pending);
        length !== undefined && !socket.destroyed;
        length = framePacket(pending)
      ) {
        onPacket(Buffer.from(pending.subarray(0, length))); // of its own: it is kept longer than the chunk
        pending = pending.subarray(length);
      }
    } catch (error) {
      socket.destroy(error instanceof Error ? error : undefined); // WireError
    }
  });
}
