// Clients on the wrong port: TLS where LDAP is spoken, LDAP where TLS is. Their own message says little ("first record does not
// look like a TLS handshake"), so ours says which setting is meant.

/** First octet of a TLS record with a ClientHello; no LDAP message begins with it. */
const handshakeRecord = 0x16;

/** Why the first octets of a client without TLS are no LDAP; `undefined` where they may be. */
export function tlsWithoutTls(first: Buffer): string | undefined {
  if (first[0] !== handshakeRecord) return undefined;
  return 'a TLS handshake where StartTLS comes first: LDAPS has a port of its own (AUTHENTIK_LISTEN__LDAPS)';
}

/** Why a handshake failed, for operators; `undefined` for a client that just left. */
export function handshakeTrouble(error: Error): string | undefined {
  if ('code' in error && error.code === 'ECONNRESET') return undefined;
  if (!/wrong version number|http request/i.test(error.message)) return error.message;
  return 'no TLS on the port of LDAPS: StartTLS and plain LDAP have their own (AUTHENTIK_LISTEN__LDAP)';
}
