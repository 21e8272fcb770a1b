// Authenticators and Message-Authenticator of every code (radius.md §11.4; RFC 2865 §3, RFC 2866 §3, RFC 3579 §3.2,
// RFC 5176 §2.3). All comparisons take constant time.
import { timingSafeEqual } from 'node:crypto';
import {
  type Attribute,
  encodePacket,
  headerBytes,
  maxPacketBytes,
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
  const over = isDigestCode(packet.code) ? zeros : packet.authenticator;
  return checkOver(packet, key, over);
}

/** Whether the Request Authenticator of an Accounting-, Disconnect- or CoA-Request is right; other codes have a random one. */
export function isRequestAuthenticatorValid(packet: ReceivedPacket, key: PacketKey): boolean {
  const copy = copyOf(packet);
  copy.fill(0, 4, headerBytes);
  return timingSafeEqual(key.digestBeforeSecret(copy), packet.authenticator);
}

/** Whether a reply belongs to the request with this authenticator, and what its Message-Authenticator is worth. */
export function checkReply(
  reply: ReceivedPacket,
  request: Pick<RadiusPacket, 'code' | 'authenticator'>,
  key: PacketKey,
): { readonly authentic: boolean; readonly messageAuthenticator: 'absent' | 'valid' | 'wrong' } {
  const copy = copyOf(reply);
  copy.set(request.authenticator, 4);
  return {
    authentic: timingSafeEqual(key.digestBeforeSecret(copy), reply.authenticator),
    messageAuthenticator: checkOver(reply, key, replyBase(request)),
  };
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
  const bytes = encodePacket({ ...reply, identifier: request.identifier, authenticator: request.authenticator });
  const at = messageAuthenticatorOffset(reply.attributes);
  if (at !== undefined) {
    bytes.fill(0, at, at + 16);
    bytes.set(replyBase(request), 4);
    key.hmacInto(bytes, at, bytes);
    bytes.set(request.authenticator, 4);
  }
  key.digestBeforeSecretInto(bytes, 4, bytes);
  return bytes;
}

/**
 * Encodes a request. Codes 4, 40 and 43 get a computed authenticator, the others keep the random one that is given.
 * @throws WireError `ERR_WIRE_TOO_LARGE`
 */
export function signRequest(packet: RadiusPacket, key: PacketKey): Buffer {
  const isDigest = isDigestCode(packet.code);
  const bytes = encodePacket({ ...packet, authenticator: isDigest ? zeros : packet.authenticator });
  const at = messageAuthenticatorOffset(packet.attributes);
  if (at !== undefined) {
    bytes.fill(0, at, at + 16);
    key.hmacInto(bytes, at, bytes);
  }
  if (isDigest) key.digestBeforeSecretInto(bytes, 4, bytes);
  return bytes;
}

// Scratch for what is hashed with some bytes changed: the functions here run to their end without a pause.
const scratch = Buffer.alloc(maxPacketBytes);
const expected = new Uint8Array(16);

function copyOf({ bytes }: ReceivedPacket): Buffer {
  scratch.set(bytes);
  return scratch.subarray(0, bytes.length);
}

/** Whether these 16 bytes are the expected ones; looks at all of them, whichever differ. */
function isSame(bytes: Buffer, at: number): boolean {
  let difference = 0;
  for (let index = 0; index < 16; index++) difference |= (bytes[at + index] ?? 0) ^ (expected[index] ?? 0);
  return difference === 0;
}

function checkOver(packet: ReceivedPacket, key: PacketKey, authenticator: Buffer): 'absent' | 'valid' | 'wrong' {
  const at = packet.messageAuthenticatorAt;
  if (at === undefined) return 'absent';
  const copy = copyOf(packet);
  copy.set(authenticator, 4);
  copy.fill(0, at, at + 16);
  key.hmacInto(expected, 0, copy);
  return isSame(packet.bytes, at) ? 'valid' : 'wrong';
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
