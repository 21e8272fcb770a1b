// What an Access-Request offers to prove who somebody is (radius.md §5.1). Decides without the core what can be refused
// without it.

import type { MsChapResponse } from '@gatehouse/wire/mschap';
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
  /** Proved against a Wi-Fi secret; `identifier` goes back with the answer. */
  | { readonly kind: 'mschapv2'; readonly identifier: number; readonly response: MsChapResponse }
  /** Needs the clear password on the server; the core keeps none (B15). */
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
    const microsoft = microsoftValues(packet.attributes);
    const proof = readMsChap2(username, microsoft);
    if (proof !== undefined) return proof;
    const method = challengeMethod(packet.attributes, microsoft);
    return method === undefined ? { kind: 'none', username } : { kind: 'unsupported', username, method };
  }
  if (username === '') return { kind: 'none', username };
  const typed = password.includes(0) ? undefined : text(password);
  return typed === undefined ? { kind: 'undecodable' } : { kind: 'password', username, password: typed };
}

type Attributes = AdmittedRequest['packet']['attributes'];

const chapPassword = 3;
const msChap = { response: 1, challenge: 11, response2: 25 } as const;

/** First value of each of Microsoft's types. */
function microsoftValues(attributes: Attributes): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (const { type, value } of attributes) {
    if (type !== vendorSpecific) continue;
    for (const one of decodeVendor(value) ?? [])
      if (one.vendor === vendorId.microsoft && !found.has(one.type)) found.set(one.type, one.value);
  }
  return found;
}

/** RFC 2548 §2.3.2: identifier, flags, peer challenge, eight reserved bytes, response. */
function readMsChap2(username: string, microsoft: ReadonlyMap<number, Buffer>): Credentials | undefined {
  const challenge = microsoft.get(msChap.challenge);
  const given = microsoft.get(msChap.response2);
  if (username === '' || challenge?.length !== 16 || given?.length !== 50) return undefined;
  const response = { username, challenge, peerChallenge: given.subarray(2, 18), ntResponse: given.subarray(26) };
  return { kind: 'mschapv2', identifier: given.readUInt8(0), response };
}

function challengeMethod(attributes: Attributes, microsoft: ReadonlyMap<number, Buffer>): string | undefined {
  if (attributes.some(({ type }) => type === chapPassword)) return 'CHAP';
  if (microsoft.has(msChap.response2)) return 'MS-CHAPv2';
  return microsoft.has(msChap.response) ? 'MS-CHAP' : undefined;
}

function text(bytes: Buffer): string | undefined {
  if (isAscii(bytes)) return bytes.toString('latin1'); // nearly all are, and the decoder takes three times as long
  try {
    return strict.decode(bytes);
  } catch {
    return undefined; // not UTF-8
  }
}

function isAscii(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at++) if ((bytes[at] ?? 0) > 0x7f) return false;
  return true;
}
