// The first flight of a TLS client, for tests that speak EAP by hand.
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';

export function clientHello(): Promise<Buffer> {
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
    connect({ socket: wire, rejectUnauthorized: false }).on('error', () => undefined);
  });
}
