// What an Access-Request offers to prove who somebody is (radius.md §5.1). Decides without the core what can be refused
// without it.
import {
  decodeVendor,
  firstValue,
  joinedValue,
  revealPassword,
  vendorId,
  vendorSpecific,
} from '@gatehouse/wire/radius';
import type { AdmittedRequest } from '../datagram/request.ts';

export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'eap'; readonly message: Buffer }
  | { readonly kind: 'none'; readonly username: string }
  /** Needs the clear password or its NT hash on the server; the core keeps neither (B15). */
  | { readonly kind: 'unsupported'; readonly username: string; readonly method: string }
  /** Not UTF-8, or with zero bytes inside: most likely another shared secret. */
  | { readonly kind: 'undecodable' };

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws WireError `ERR_WIRE_MALFORMED` for a User-Password of impossible length (M12) */
export function readCredentials({ packet, key }: AdmittedRequest): Credentials {
  const message = joinedValue(packet, 79);
  if (message !== undefined) return { kind: 'eap', message };
  const name = firstValue(packet, 1);
  const username = name === undefined ? '' : text(name);
  const hidden = firstValue(packet, 2);
  const password = hidden === undefined ? undefined : revealPassword(hidden, packet.authenticator, key);
  if (username === undefined) return { kind: 'undecodable' };
  if (password === undefined) {
    const method = challengeMethod(packet.attributes);
    return method === undefined ? { kind: 'none', username } : { kind: 'unsupported', username, method };
  }
  if (username === '') return { kind: 'none', username };
  const typed = password.includes(0) ? undefined : text(password);
  return typed === undefined ? { kind: 'undecodable' } : { kind: 'password', username, password: typed };
}

function challengeMethod(attributes: AdmittedRequest['packet']['attributes']): string | undefined {
  if (attributes.some(({ type }) => type === 3)) return 'CHAP';
  const microsoft = attributes
    .filter(({ type }) => type === vendorSpecific)
    .flatMap(({ value }) => decodeVendor(value) ?? [])
    .filter(({ vendor }) => vendor === vendorId.microsoft);
  if (microsoft.some(({ type }) => type === 25)) return 'MS-CHAPv2';
  return microsoft.some(({ type }) => type === 1) ? 'MS-CHAP' : undefined;
}

function text(bytes: Buffer): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined; // not UTF-8
  }
}
