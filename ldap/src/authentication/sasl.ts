// SASL (RFC 4513 §5.2; ldap.md §6.8, §16.3): PLAIN carries the same password as a simple bind (RFC 4616), EXTERNAL stands for the
// client's certificate, ANONYMOUS for nobody (RFC 4505). Mechanisms of several steps cannot work in front of a login flow.
import { resultCode } from '@gatehouse/wire/ldap';
import type { ClientCertificate } from '../connection/tls-layer.ts';
import { Refusal } from '../errors.ts';
import type { Provider } from '../providers/provider.ts';
import { type BindName, readBindName } from './bind-name.ts';

export interface SaslRequest {
  readonly mechanism: string;
  readonly credentials: Buffer | undefined;
}

export interface SaslPeer {
  readonly secure: boolean;
  /** Shown and vouched for. */
  readonly certificate: ClientCertificate | undefined;
  /** The name that the client asked TLS for. */
  readonly serverName: string | undefined;
}

/** `undefined` for nobody. */
export type SaslIdentity = (BindName & { readonly password: Buffer; readonly certificatePem?: string }) | undefined;

/** Mechanisms offered to this client; a password or certificate is nothing for clear text. */
export function saslMechanisms({ secure, certificate }: SaslPeer): readonly string[] {
  if (!secure) return [];
  return certificate === undefined ? ['PLAIN'] : ['PLAIN', 'EXTERNAL'];
}

/** @throws Refusal authMethodNotSupported, invalidCredentials */
export function readSasl(request: SaslRequest, peer: SaslPeer, providers: readonly Provider[]): SaslIdentity {
  const { mechanism, credentials = Buffer.alloc(0) } = request;
  switch (mechanism.toUpperCase()) {
    case 'ANONYMOUS':
      return undefined;
    case 'PLAIN':
      if (peer.secure) return readPlain(credentials, peer, providers);
      throw new Refusal(resultCode.authMethodNotSupported, 'SASL PLAIN is offered over TLS only');
    case 'EXTERNAL':
      if (peer.certificate !== undefined) return readExternal(peer.certificate, credentials, { peer, providers });
      throw new Refusal(resultCode.authMethodNotSupported, 'SASL EXTERNAL needs a client certificate');
    default:
      throw new Refusal(resultCode.authMethodNotSupported, `SASL ${mechanism.slice(0, 40)} is not supported`);
  }
}

function readPlain(credentials: Buffer, peer: SaslPeer, providers: readonly Provider[]): SaslIdentity {
  const first = credentials.indexOf(0);
  const second = credentials.indexOf(0, first + 1);
  if (first === -1 || second === -1) throw new Refusal(resultCode.protocolError, 'SASL PLAIN takes three parts');
  const authzId = credentials.toString('utf8', 0, first);
  const authcId = credentials.toString('utf8', first + 1, second);
  const password = credentials.subarray(second + 1);
  if (password.length === 0)
    throw new Refusal(resultCode.unwillingToPerform, 'a name without a password proves nothing');
  const name = nameOf(authcId, peer, providers);
  if (authzId !== '' && !isSame(nameOf(authzId, peer, providers), name))
    throw new Refusal(resultCode.authorizationDenied, 'nobody may act for another identity here');
  return { ...name, password };
}

/** The certificate alone says who it is; a claim may only repeat it. */
function readExternal(
  certificate: ClientCertificate,
  credentials: Buffer,
  { peer, providers }: { readonly peer: SaslPeer; readonly providers: readonly Provider[] },
): SaslIdentity {
  const claim = credentials.toString('utf8');
  const claimed = claim === '' ? undefined : nameOf(claim, peer, providers);
  const names = [...certificate.emails, ...(certificate.commonName ?? '').split('\n')].filter((one) => one !== '');
  const username = claimed === undefined ? names[0] : names.find((one) => fold(one) === fold(claimed.username));
  if (username === undefined)
    throw new Refusal(resultCode.invalidCredentials, '', {
      logged: 'the client certificate names somebody else, or nobody',
      reason: 'invalid_credentials',
    });
  const provider = claimed?.provider ?? soleProvider(peer, providers);
  return { provider, username, password: Buffer.alloc(0), certificatePem: certificate.pem };
}

/** `dn:…`, `u:name`, a DN or a name as it is. */
function nameOf(id: string, peer: SaslPeer, providers: readonly Provider[]): BindName {
  const dn = id.startsWith('dn:') ? id.slice(3) : id;
  const found = id.startsWith('u:') ? undefined : readBindName(dn, providers);
  if (found !== undefined) return found;
  if (id.startsWith('dn:') || id === '')
    throw new Refusal(resultCode.invalidCredentials, '', {
      logged: 'the identity is below no base',
      reason: 'no_provider',
    });
  return { provider: soleProvider(peer, providers), username: id.startsWith('u:') ? id.slice(2) : id };
}

/** A name without a base is of the provider that TLS was asked for, or of the only one there is. */
function soleProvider({ serverName }: SaslPeer, providers: readonly Provider[]): Provider {
  const called = providers.find(
    ({ tlsServerName }) => tlsServerName !== '' && fold(tlsServerName) === fold(serverName ?? ''),
  );
  const [only, ...others] = providers;
  const found = called ?? (others.length === 0 ? only : undefined);
  if (found !== undefined) return found;
  throw new Refusal(resultCode.invalidCredentials, '', {
    logged: 'the name has no base, and there are several providers: use a distinguished name',
    reason: 'no_provider',
  });
}

function isSame(one: BindName, other: BindName): boolean {
  return one.provider.pk === other.provider.pk && fold(one.username) === fold(other.username);
}

const fold = (text: string): string => text.normalize('NFKC').toLowerCase();
