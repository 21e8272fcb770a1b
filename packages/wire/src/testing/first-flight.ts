// What a TLS client says first, by Node's own client.
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect } from 'node:tls';

/** One flight: a ClientHello in its records. */
export function firstFlight(options: ConnectionOptions = {}): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read() {
        // nothing ever comes
      },
      write(chunk: Buffer, _encoding, done) {
        resolve(Buffer.from(chunk));
        done();
      },
    });
    connect({ rejectUnauthorized: false, ...options, socket: wire }).on('error', () => undefined);
  });
}
