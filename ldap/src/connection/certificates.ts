// Which certificate a client is shown (ldap.md §2.4), for LDAPS and StartTLS alike: a single provider's for everybody; else by
// the server name the client asks for, as the provider is called or as its certificate says; else one that all providers share;
// else our own self-signed one. Handshakes under way keep what they began with.
import { X509Certificate } from 'node:crypto';
import type { CertificateStore, KeyPair } from '@gatehouse/daemon/tls';
import { secureContext } from '@gatehouse/daemon/tls';
import type { Provider } from '../providers/provider.ts';

/** A pair with the name by which equal ones are recognised. */
export type ProviderPair = KeyPair & { readonly fingerprint: string };

export interface CertificateChoice {
  /** By server name in lower case, `*.rest` included; `undefined`: our own, since the provider of that name has none. */
  readonly named: ReadonlyMap<string, ProviderPair | undefined>;
  /** For every other name; `undefined`: our own. */
  readonly standard: ProviderPair | undefined;
}

/** @param pairOf the pair of a provider; `undefined` for one without, or without a private key */
export function chooseCertificates(
  providers: readonly Provider[],
  pairOf: (provider: Provider) => ProviderPair | undefined,
): CertificateChoice {
  const pairs = providers.map(pairOf);
  const [first] = pairs;
  const isShared = first !== undefined && pairs.every((pair) => pair?.fingerprint === first.fingerprint);
  if (providers.length === 1) return { named: new Map(), standard: first };
  const named = new Map<string, ProviderPair | undefined>();
  const add = (name: string, pair: ProviderPair | undefined) => {
    const folded = name.toLowerCase().replace(/\.$/, '');
    if (folded !== '' && !named.has(folded)) named.set(folded, pair);
  };
  // What providers are called goes before what certificates say; among equals the core's order decides.
  for (const [at, { tlsServerName }] of providers.entries()) add(tlsServerName, pairs[at]);
  for (const pair of pairs) for (const name of pair === undefined ? [] : dnsNames(pair)) add(name, pair);
  return { named, standard: isShared ? first : undefined };
}

/** @param clientCa whoever may vouch for client certificates */
export function showCertificates(
  store: CertificateStore,
  { named, standard }: CertificateChoice,
  own: { readonly fallback: KeyPair; readonly clientCa: string | undefined },
): void {
  const context = (pair: KeyPair | undefined) => secureContext(pair ?? own.fallback, own.clientCa);
  store.replace(new Map([...named].map(([name, pair]) => [name, context(pair)])), context(standard));
}

function dnsNames({ certPem }: KeyPair): string[] {
  const { subjectAltName = '' } = new X509Certificate(certPem);
  return [...subjectAltName.matchAll(/DNS:([^,\s"]+)/g)].map(([, name = '']) => name);
}
