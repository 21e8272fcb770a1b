// Authenticators and Message-Authenticator of every code (radius.md §11.4; RFC 2865 §3, RFC 2866 §3, RFC 3579 §3.2,
// RFC 5176 §2.3). All comparisons take constant time.
import {
  type Attribute,
  encodePacket,
  headerBytes,
  packetCode,
  type RadiusPacket,
  type ReceivedPacket,
} from './packet.ts';
import type { PacketKey } from './packet-key.ts';

const zeros = Buffer.alloc(16);
const messageAuthenticatorType = 80;

/** A Message-Authenticator to be filled in by {@link signReply} or {@link signRequest}; put it first (CVE-2024-3596). */
export const messageAuthenticator: Attribute = { type: messageAuthenticatorType, value: zeros };

/** Whether a request's Message-Authenticator is there and right. */
export function checkMessageAuthenticator(packet: ReceivedPacket, key: PacketKey): 'absent' | 'valid' | 'wrong' {
  return checkOver(packet, key, isDigestCode(packet.code) ? zeros : undefined);
}

/** Whether the Request Authenticator of an Accounting-, Disconnect- or CoA-Request is right; other codes have a random one. */
export function isRequestAuthenticatorValid({ bytes }: ReceivedPacket, key: PacketKey): boolean {
  key.digestBeforeSecretInto(expected, 0, bytes, zeros);
  return isExpected(bytes, authenticatorAt);
}

/** Whether a reply belongs to the request with this authenticator, and what its Message-Authenticator is worth. */
export function checkReply(
  reply: ReceivedPacket,
  request: Pick<RadiusPacket, 'code' | 'authenticator'>,
  key: PacketKey,
): { readonly authentic: boolean; readonly messageAuthenticator: 'absent' | 'valid' | 'wrong' } {
  key.digestBeforeSecretInto(expected, 0, reply.bytes, request.authenticator);
  const authentic = isExpected(reply.bytes, authenticatorAt);
  return { authentic, messageAuthenticator: checkOver(reply, key, replyBase(request)) };
}

/**
 * Encodes a reply: Message-Authenticator first, then the Response Authenticator over the final attributes.
 * A Message-Authenticator is computed where `attributes` holds one, whatever its value.
 * @throws WireError `ERR_WIRE_TOO_LARGE`
 */
export function signReply(
  reply: { readonly code: number; readonly attributes: readonly Attribute[] },
  request: Pick<RadiusPacket, 'code' | 'identifier' | 'authenticator'>,
  key: PacketKey,
): Buffer {
  const { identifier, authenticator } = request;
  const bytes = encodePacket({ code: reply.code, attributes: reply.attributes, identifier, authenticator });
  const at = messageAuthenticatorOffset(reply.attributes);
  // The request's authenticator stands in `bytes` until its own is known.
  const base = request.code === packetCode.accountingRequest ? zeros : undefined;
  if (at !== undefined) key.hmacInto(bytes, at, bytes, base, at);
  key.digestBeforeSecretInto(bytes, authenticatorAt, bytes);
  return bytes;
}

/**
 * Encodes a request. Codes 4, 40 and 43 get a computed authenticator, the others keep the random one that is given.
 * @throws WireError `ERR_WIRE_TOO_LARGE`
 */
export function signRequest(packet: RadiusPacket, key: PacketKey): Buffer {
  const authenticator = isDigestCode(packet.code) ? zeros : packet.authenticator;
  const { code, identifier, attributes } = packet;
  const bytes = encodePacket({ code, identifier, authenticator, attributes });
  const at = messageAuthenticatorOffset(attributes);
  if (at !== undefined) key.hmacInto(bytes, at, bytes, authenticator, at);
  if (isDigestCode(packet.code)) key.digestBeforeSecretInto(bytes, authenticatorAt, bytes, zeros);
  return bytes;
}

const authenticatorAt = 4;
/** What should stand in the packet: the functions here run to their end without a pause. */
const expected = new Uint8Array(16);

/** Whether these 16 bytes are the expected ones; looks at all of them, whichever differ. */
function isExpected(bytes: Buffer, at: number): boolean {
  let difference = 0;
  for (let index = 0; index < 16; index++) difference |= (bytes[at + index] ?? 0) ^ (expected[index] ?? 0);
  return difference === 0;
}

/** @param authenticator as in {@link PacketKey} */
function checkOver(
  packet: ReceivedPacket,
  key: PacketKey,
  authenticator: Buffer | undefined,
): 'absent' | 'valid' | 'wrong' {
  const at = packet.messageAuthenticatorAt;
  if (at === undefined) return 'absent';
  key.hmacInto(expected, 0, packet.bytes, authenticator, at);
  return isExpected(packet.bytes, at) ? 'valid' : 'wrong';
}

/** What stands in the authenticator field while a reply's Message-Authenticator is computed. */
function replyBase(request: Pick<RadiusPacket, 'code' | 'authenticator'>): Buffer {
  // Accounting alone hashes over zeros; clients refuse a value over the Request Authenticator (radius.md §11.4, V29b).
  return request.code === packetCode.accountingRequest ? zeros : request.authenticator;
}

function isDigestCode(code: number): boolean {
  return (
    code === packetCode.accountingRequest || code === packetCode.disconnectRequest || code === packetCode.coaRequest
  );
}

function messageAuthenticatorOffset(attributes: readonly Attribute[]): number | undefined {
  let at = headerBytes;
  for (const { type, value } of attributes) {
    if (type === messageAuthenticatorType) return at + 2;
    at += 2 + value.length;
  }
  return undefined;
}
