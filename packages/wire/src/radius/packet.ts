// One RADIUS packet as bytes (RFC 2865 §3, §5): header and attributes in their order, values raw. What a value means is
// the business of dictionary.ts and values.ts. Called by every daemon room that sees packets.
import { malformed, tooLarge } from '../errors.ts';

/** Packet codes (RFC 2865, 2866, 3576, 5176, 7930). */
export const packetCode = {
  accessRequest: 1,
  accessAccept: 2,
  accessReject: 3,
  accountingRequest: 4,
  accountingResponse: 5,
  accessChallenge: 11,
  statusServer: 12,
  statusClient: 13,
  disconnectRequest: 40,
  disconnectAck: 41,
  disconnectNak: 42,
  coaRequest: 43,
  coaAck: 44,
  coaNak: 45,
  protocolError: 52,
} as const;

/** Name as it stands in the RFCs, for logs and metrics; `Unknown-<n>` for the others. */
export function packetCodeName(code: number): string {
  return codeNames.get(code) ?? `Unknown-${code}`;
}

export interface Attribute {
  readonly type: number;
  readonly value: Buffer;
}

export interface RadiusPacket {
  readonly code: number;
  readonly identifier: number;
  /** 16 bytes: the Request Authenticator of requests, the Response Authenticator of replies. */
  readonly authenticator: Buffer;
  readonly attributes: readonly Attribute[];
}

/** A packet with the bytes that it was read from, which authenticators are computed over. */
export interface ReceivedPacket extends RadiusPacket {
  /** Exactly Length bytes, padding cut off. */
  readonly bytes: Buffer;
  /** Offset of the value of Message-Authenticator in `bytes`; `undefined` when there is none. */
  readonly messageAuthenticatorAt: number | undefined;
}

export const headerBytes = 20;
export const maxPacketBytes = 4096;
export const maxValueBytes = 253;
/** More than any device sends; a packet of empty attributes would otherwise hold 2,038 of them. */
const maxAttributes = 200;
const messageAuthenticatorType = 80;

/** Length of the packet at the front of a stream (RadSec, RFC 6613 §2.6.4), `undefined` while fewer bytes are there.
 * @throws WireError `ERR_WIRE_MALFORMED`, `ERR_WIRE_TOO_LARGE` */
export function framePacket(bytes: Buffer): number | undefined {
  if (bytes.length < 4) return undefined;
  const length = bytes.readUInt16BE(2);
  if (length < headerBytes) throw malformed(`RADIUS Length is ${length}, less than a header`);
  if (length > maxPacketBytes) throw tooLarge(`RADIUS Length is ${length}, more than ${maxPacketBytes}`);
  return bytes.length < length ? undefined : length;
}

/**
 * Decodes one datagram. Bytes after Length are padding (RFC 2865 §3); values are views into `bytes`.
 * @throws WireError `ERR_WIRE_MALFORMED`, `ERR_WIRE_TOO_LARGE`
 */
export function decodePacket(bytes: Buffer): ReceivedPacket {
  if (bytes.length < headerBytes)
    throw malformed(`a datagram of ${bytes.length} bytes is shorter than a RADIUS header`);
  const length = framePacket(bytes);
  if (length === undefined) throw malformed('the datagram is shorter than its RADIUS Length');
  const packet = bytes.subarray(0, length);
  const attributes: Attribute[] = [];
  let messageAuthenticatorAt: number | undefined;
  for (let at = headerBytes; at < length; ) {
    const size = length - at < 2 ? 0 : packet.readUInt8(at + 1);
    if (size < 2 || at + size > length) throw malformed(`attribute at byte ${at} does not fit into the packet`);
    if (attributes.length === maxAttributes) throw tooLarge(`more than ${maxAttributes} attributes`);
    const type = packet.readUInt8(at);
    if (type === messageAuthenticatorType) {
      // RFC 3579 §3.2: exactly one, of 16 bytes.
      if (size !== 18 || messageAuthenticatorAt !== undefined)
        throw malformed('Message-Authenticator is not one of 16 bytes');
      messageAuthenticatorAt = at + 2;
    }
    attributes.push({ type, value: packet.subarray(at + 2, at + size) });
    at += size;
  }
  return {
    code: packet.readUInt8(0),
    identifier: packet.readUInt8(1),
    authenticator: packet.subarray(4, headerBytes),
    attributes,
    bytes: packet,
    messageAuthenticatorAt,
  };
}

/** @throws WireError `ERR_WIRE_TOO_LARGE` for a value over 253 bytes or a packet over 4096 */
export function encodePacket(packet: RadiusPacket): Buffer {
  const length = packet.attributes.reduce((sum, { value }) => sum + 2 + value.length, headerBytes);
  if (length > maxPacketBytes) throw tooLarge(`a RADIUS packet of ${length} bytes cannot be sent`);
  const bytes = Buffer.allocUnsafe(length);
  bytes.writeUInt8(packet.code, 0);
  bytes.writeUInt8(packet.identifier, 1);
  bytes.writeUInt16BE(length, 2);
  bytes.set(packet.authenticator, 4);
  let at = headerBytes;
  for (const { type, value } of packet.attributes) {
    if (value.length > maxValueBytes)
      throw tooLarge(`attribute ${type} has ${value.length} bytes, more than ${maxValueBytes}`);
    bytes.writeUInt8(type, at);
    bytes.writeUInt8(value.length + 2, at + 1);
    bytes.set(value, at + 2);
    at += 2 + value.length;
  }
  return bytes;
}

/** First value of a type. */
export function firstValue(packet: Pick<RadiusPacket, 'attributes'>, type: number): Buffer | undefined {
  return packet.attributes.find((attribute) => attribute.type === type)?.value;
}

/** All values of a type joined, for attributes that are split at 253 bytes (EAP-Message, RFC 3579 §3.1). */
export function joinedValue(packet: Pick<RadiusPacket, 'attributes'>, type: number): Buffer | undefined {
  const pieces = packet.attributes.filter((attribute) => attribute.type === type).map(({ value }) => value);
  return pieces.length === 0 ? undefined : Buffer.concat(pieces);
}

/** The reverse of {@link joinedValue}: adjacent attributes of at most 253 bytes each. */
export function splitValue(type: number, value: Buffer): Attribute[] {
  const pieces: Attribute[] = [];
  for (let at = 0; at < value.length; at += maxValueBytes)
    pieces.push({ type, value: value.subarray(at, at + maxValueBytes) });
  return pieces;
}

const codeNames = new Map<number, string>([
  [1, 'Access-Request'],
  [2, 'Access-Accept'],
  [3, 'Access-Reject'],
  [4, 'Accounting-Request'],
  [5, 'Accounting-Response'],
  [11, 'Access-Challenge'],
  [12, 'Status-Server'],
  [13, 'Status-Client'],
  [40, 'Disconnect-Request'],
  [41, 'Disconnect-ACK'],
  [42, 'Disconnect-NAK'],
  [43, 'CoA-Request'],
  [44, 'CoA-ACK'],
  [45, 'CoA-NAK'],
  [52, 'Protocol-Error'],
]);
