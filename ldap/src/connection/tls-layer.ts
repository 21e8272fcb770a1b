// TLS on a socket of a client (ldap.md §2.3, §2.5), and the certificate that the client has shown.
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type CertificateStore, tlsParameters } from '@gatehouse/daemon/tls';

/** @param asksForCertificate clients may show one; none is needed */
export function putTlsOn(socket: Socket, store: CertificateStore, asksForCertificate: boolean): TLSSocket {
  return new TLSSocket(socket, {
    ...tlsParameters,
    isServer: true,
    secureContext: store.choose(undefined),
    SNICallback: store.sniCallback,
    requestCert: asksForCertificate,
    rejectUnauthorized: false,
  });
}

export interface ClientCertificate {
  readonly pem: string;
  readonly commonName: string | undefined;
  readonly emails: readonly string[];
}

/** The certificate of the client, `undefined` when it has shown none that one of our authorities vouches for. */
export function clientCertificate(socket: Socket): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket) || !isVerified(socket)) return undefined;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const emails = [...(certificate.subjectAltName ?? '').matchAll(/email:([^,\s"]+)/g)].map(([, email = '']) => email);
  const commonName = /^CN=(.+)$/m.exec(certificate.subject)?.[1];
  return { pem: certificate.toString(), commonName, emails };
}

/** The name in the ClientHello. */
export function serverNameOf(socket: Socket): string | undefined {
  const name: unknown = socket instanceof TLSSocket ? Reflect.get(socket, 'servername') : undefined;
  return typeof name === 'string' ? name : undefined;
}

/**
 * The verdict of OpenSSL on the chain. Node sets `authorized` only on sockets that its own server has accepted, and keeps the
 * verdict on the handle; without one nobody is verified.
 */
function isVerified(socket: TLSSocket): boolean {
  const handle: unknown = Reflect.get(socket, '_handle');
  const verifyError: unknown =
    typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'verifyError') : undefined;
  return typeof verifyError === 'function' && Reflect.apply(verifyError, handle, []) === null;
}
