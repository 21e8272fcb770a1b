// The certificate of each brand, ready for handshakes (router.md §5.3, §5.4). Replaced whole, so that a running handshake
// keeps what it started with; contexts are kept by their content, so that an unchanged pair keeps its session tickets.
import { createHash } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type KeyPair, tlsParameters } from '@gatehouse/daemon/tls';
import type { TlsIdentity } from '../listeners/tls-acceptor.ts';
import { chooseBrand } from './choose.ts';

/** A brand as fetched, with its key material. */
export interface Brand {
  readonly domain: string;
  readonly isDefault: boolean;
  readonly pair: KeyPair | undefined;
  /** PEM of the authorities whose client certificates are asked for. */
  readonly clientAuthorities: readonly string[];
}

export interface BrandIdentities {
  choose(serverName: string | undefined): Promise<TlsIdentity>;
  replace(brands: readonly Brand[]): void;
}

/** @param fallback used where no brand has a certificate; may still be in the making */
export function createBrandIdentities(fallback: Promise<KeyPair>): BrandIdentities {
  const standard = fallback.then((pair) => ({ context: contextOf(pair, []), requestClientCertificate: false }));
  standard.catch(() => undefined); // each handshake sees the failure
  let known: readonly { domain: string; isDefault: boolean; webCertificate: string; identity: TlsIdentity }[] = [];
  return {
    async choose(serverName) {
      return chooseBrand(known, serverName)?.identity ?? (await standard);
    },
    replace(brands) {
      const before = new Map(known.map(({ webCertificate, identity }) => [webCertificate, identity]));
      known = brands.flatMap(({ domain, isDefault, pair, clientAuthorities }) => {
        if (pair === undefined) return [];
        const webCertificate = fingerprint(pair, clientAuthorities);
        const identity = before.get(webCertificate) ?? {
          context: contextOf(pair, clientAuthorities),
          requestClientCertificate: clientAuthorities.length > 0,
        };
        return [{ domain, isDefault, webCertificate, identity }];
      });
    },
  };
}

/**
 * Where a client certificate is asked for, OpenSSL resumes no session without knowing where it belongs, and fails the handshake of
 * whoever tries: to these authorities and no others.
 */
function contextOf(pair: KeyPair, authorities: readonly string[]): SecureContext {
  const given = { ...tlsParameters, cert: pair.certPem, key: pair.keyPem };
  if (authorities.length === 0) return createSecureContext(given);
  const sessionIdContext = fingerprint(pair, authorities).slice(0, longestSessionIdContext);
  return createSecureContext({ ...given, ca: [...authorities], sessionIdContext });
}

/** SSL_MAX_SID_CTX_LENGTH */
const longestSessionIdContext = 32;

function fingerprint(pair: KeyPair, authorities: readonly string[]): string {
  return createHash('sha256')
    .update([pair.certPem, pair.keyPem, ...authorities].join('\0'))
    .digest('hex');
}
