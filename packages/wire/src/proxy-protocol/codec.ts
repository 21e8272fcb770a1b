// PROXY protocol, both versions, at the front of a byte stream (ldap.md §2.2, core-contract case 45). Pure: who may send
// a header, and how long to wait for one, is the listener's business (`@gatehouse/daemon/net`).
import type { ProxyDecoded, ProxyHeader } from './header.ts';
import { decodeVersion1, encodeVersion1, version1Prefix } from './version-1.ts';
import { decodeVersion2, encodeVersion2, version2Signature } from './version-2.ts';

/**
 * Looks for a header at the front of `bytes`.
 * @param bytes may end anywhere; never modified, TLV values are copied out
 * @returns see {@link ProxyDecoded}; `incomplete` for at most 107 bytes (v1) or 4112 bytes (v2)
 */
export function decodeProxyHeader(bytes: Uint8Array): ProxyDecoded {
  const first = matchPrefix(bytes, version1Prefix);
  const second = matchPrefix(bytes, version2Signature);
  if (first === 'whole') return decodeVersion1(bytes);
  if (second === 'whole') return decodeVersion2(bytes);
  return first === 'part' || second === 'part' ? { kind: 'incomplete' } : { kind: 'absent' };
}

/**
 * Encodes a header. Version 1 drops TLVs.
 * @param header both addresses of one family, in a form that `decodeProxyHeader` gives
 */
export function encodeProxyHeader(header: ProxyHeader, version: 1 | 2): Uint8Array {
  return version === 1 ? encodeVersion1(header) : encodeVersion2(header);
}

function matchPrefix(bytes: Uint8Array, prefix: Uint8Array): 'whole' | 'part' | 'none' {
  const compared = Math.min(bytes.length, prefix.length);
  for (let index = 0; index < compared; index++) if (bytes[index] !== prefix[index]) return 'none';
  return compared === prefix.length ? 'whole' : 'part';
}
