// TLS parameters (core-contract §6.2) and the choice of a context by server name. Contexts are swapped whole, so a running
// handshake keeps the one it started with.
import { createSecureContext, type SecureContext, type TlsOptions } from 'node:tls';
import type { KeyPair } from './self-signed.ts';

/** ECDHE with AES only; TLS 1.3 suites are the library's own. */
const tls12Ciphers = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
];

export const tlsParameters = {
  minVersion: 'TLSv1.2',
  ecdhCurve: 'X25519:P-256:P-384',
  ciphers: ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', ...tls12Ciphers].join(':'),
  honorCipherOrder: true,
} as const satisfies TlsOptions;

/** @param clientCa PEM of whoever may vouch for client certificates; nobody unless given, not even the public authorities */
export function secureContext(pair: KeyPair, clientCa?: string): SecureContext {
  return createSecureContext({ ...tlsParameters, cert: pair.certPem, key: pair.keyPem, ca: clientCa ?? [] });
}

export interface CertificateStore {
  /** Replaces every named context at once. Names are compared in lower case; `*.rest` stands for one label more. */
  replace(named: ReadonlyMap<string, SecureContext>, fallback?: SecureContext): void;
  choose(serverName: string | undefined): SecureContext;
  /** For `tls.createServer` and `new TLSSocket`. */
  readonly sniCallback: NonNullable<TlsOptions['SNICallback']>;
}

export function createCertificateStore(fallback: KeyPair): CertificateStore {
  const ownFallback = secureContext(fallback);
  let standard = ownFallback;
  let contexts: ReadonlyMap<string, SecureContext> = new Map();
  const choose = (serverName: string | undefined) => {
    const name = serverName?.toLowerCase().replace(/\.$/, '');
    if (name === undefined) return standard;
    return contexts.get(name) ?? contexts.get(name.replace(/^[^.]+/, '*')) ?? standard;
  };
  return {
    replace(named, replacement) {
      contexts = new Map([...named].map(([name, context]) => [name.toLowerCase().replace(/\.$/, ''), context]));
      standard = replacement ?? ownFallback;
    },
    choose,
    sniCallback: (serverName, done) => done(null, choose(serverName)),
  };
}
