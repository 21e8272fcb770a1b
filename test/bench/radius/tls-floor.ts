// What Node's own TLS costs for one full handshake in memory, both ends in one process and nothing of RADIUS around it: the
// floor that an EAP login on it cannot get below.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { connect, createSecureContext, TLSSocket } from 'node:tls';

export interface TlsFloorFiles {
  readonly caPem: string;
  readonly server: { readonly certPem: string; readonly keyPem: string };
  /** Shown by the client where it is given. */
  readonly client?: { readonly certPem: string; readonly keyPem: string };
}

const warmUp = 100;
const measured = 300;

/** Milliseconds of CPU of a pair of TLS 1.2 ends, from nothing to secure. */
export async function benchTlsPair({ caPem, server, client }: TlsFloorFiles): Promise<number> {
  if (!new X509Certificate(server.certPem).checkPrivateKey(createPrivateKey(server.keyPem)))
    throw new Error('the key is of another certificate');
  const secureContext = createSecureContext({ cert: server.certPem, key: server.keyPem, maxVersion: 'TLSv1.2' });
  const clientContext = createSecureContext({
    ca: caPem,
    maxVersion: 'TLSv1.2',
    ...(client && { cert: client.certPem, key: client.keyPem }),
  });
  const handshake = async () => {
    const [near, far] = pairOfEnds();
    const accepting = new TLSSocket(far, {
      isServer: true,
      secureContext,
      requestCert: client !== undefined,
      rejectUnauthorized: false,
    });
    const dialling = connect({ socket: near, secureContext: clientContext, checkServerIdentity: () => undefined });
    await Promise.all([once(accepting, 'secure'), once(dialling, 'secureConnect')]);
    for (const one of [accepting, dialling, near, far]) one.destroy();
  };
  for (let count = 0; count < warmUp; count++) await handshake();
  const before = process.cpuUsage();
  for (let count = 0; count < measured; count++) await handshake();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / measured;
}

/** What one writes the other reads. */
function pairOfEnds(): [Duplex, Duplex] {
  const make = (other: () => Duplex) =>
    new Duplex({
      read() {
        // The other end pushes.
      },
      write(chunk: Buffer, _encoding, done) {
        other().push(Buffer.from(chunk));
        done();
      },
    });
  const near: Duplex = make(() => far);
  const far: Duplex = make(() => near);
  return [near, far];
}
