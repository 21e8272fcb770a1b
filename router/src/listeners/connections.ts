// What is known about a connection before its first request: who is at the other end, and whether TLS protects it. Kept
// beside the socket, since node:http knows the socket only.
import type { Duplex } from 'node:stream';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import type { Connection } from '../forwarding/forwarded.ts';

const known = new WeakMap<object, Connection>();

/** Remembers who speaks on `socket`; before the http server sees it. */
export function rememberConnection(socket: Duplex, connection: Connection): void {
  known.set(socket, connection);
}

/** Facts of a socket; one that nobody remembered came through the local unix socket (router.md §3). */
export function connectionOf(socket: object): Connection {
  return known.get(socket) ?? { address: '::1', tls: false, local: true };
}

/** `Cert=<escaped PEM>` per certificate that the client presented, leaf first (router.md §4.3). */
export function clientCertificateHeader(socket: TLSSocket): string | undefined {
  const chain: string[] = [];
  const seen = new Set<string>();
  let certificate: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true);
  while (certificate?.raw !== undefined && !seen.has(certificate.fingerprint256 ?? '')) {
    seen.add(certificate.fingerprint256 ?? '');
    const body = certificate.raw.toString('base64').match(/.{1,64}/g) ?? [];
    const pem = `-----BEGIN CERTIFICATE-----\n${body.join('\n')}\n-----END CERTIFICATE-----\n`;
    chain.push(`Cert=${encodeURIComponent(pem)}`);
    certificate = certificate.issuerCertificate;
  }
  return chain.length === 0 ? undefined : chain.join(',');
}
