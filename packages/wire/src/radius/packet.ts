// One RADIUS packet as bytes (RFC 2865 §3, §5): header and attributes in their order, values raw. What a value means is
// the business of dictionary.ts and values.ts. Called by every daemon room that sees packets.
import { Buffer } from 'node:buffer'; // the global of this name is an accessor, asked again at each use
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
 * Decodes one datagram. Bytes after Length are padding (RFC 2865 §3); values are views into `bytes`, made when they are asked
 * for: walking a packet allocates nothing.
 * @throws WireError `ERR_WIRE_MALFORMED`, `ERR_WIRE_TOO_LARGE`
 */
export function decodePacket(bytes: Buffer): ReceivedPacket {
  if (bytes.length < headerBytes)
    throw malformed(`a datagram of ${bytes.length} bytes is shorter than a RADIUS header`);
  const length = framePacket(bytes);
  if (length === undefined) throw malformed('the datagram is shorter than its RADIUS Length');
  const packet = length === bytes.length ? bytes : bytes.subarray(0, length);
  return new Decoded(packet, checkAttributes(packet));
}

/** @returns where the value of Message-Authenticator stands */
function checkAttributes(packet: Buffer): number | undefined {
  const { length } = packet;
  let found: number | undefined;
  let count = 0;
  for (let at = headerBytes; at < length; count++) {
    const size = length - at < 2 ? 0 : (packet[at + 1] ?? 0);
    if (size < 2 || at + size > length) throw malformed(`attribute at byte ${at} does not fit into the packet`);
    if (count === maxAttributes) throw tooLarge(`more than ${maxAttributes} attributes`);
    if (packet[at] === messageAuthenticatorType) {
      // RFC 3579 §3.2: exactly one, of 16 bytes.
      if (size !== 18 || found !== undefined) throw malformed('Message-Authenticator is not one of 16 bytes');
      found = at + 2;
    }
    at += size;
  }
  return found;
}

class Decoded implements ReceivedPacket {
  readonly bytes: Buffer;
  readonly messageAuthenticatorAt: number | undefined;
  readonly code: number;
  readonly identifier: number;
  readonly authenticator: Buffer;
  #attributes: readonly Attribute[] | undefined;

  constructor(bytes: Buffer, messageAuthenticatorAt: number | undefined) {
    this.bytes = bytes;
    this.messageAuthenticatorAt = messageAuthenticatorAt;
    this.code = bytes[0] ?? 0;
    this.identifier = bytes[1] ?? 0;
    this.authenticator = bytes.subarray(4, headerBytes);
  }

  get attributes(): readonly Attribute[] {
    this.#attributes ??= readAttributes(this.bytes);
    return this.#attributes;
  }
}

function readAttributes(packet: Buffer): Attribute[] {
  const attributes: Attribute[] = [];
  for (let at = headerBytes; at < packet.length; at += packet[at + 1] ?? 0)
    attributes.push({ type: packet[at] ?? 0, value: packet.subarray(at + 2, at + (packet[at + 1] ?? 0)) });
  return attributes;
}

/** @throws WireError `ERR_WIRE_TOO_LARGE` for a value over 253 bytes or a packet over 4096 */
export function encodePacket(packet: RadiusPacket): Buffer {
  let length = headerBytes;
  for (const { value } of packet.attributes) length += 2 + value.length;
  if (length > maxPacketBytes) throw tooLarge(`a RADIUS packet of ${length} bytes cannot be sent`);
  const bytes = Buffer.allocUnsafe(length);
  bytes[0] = packet.code;
  bytes[1] = packet.identifier;
  bytes[2] = length >> 8;
  bytes[3] = length;
  write(bytes, packet.authenticator, 4);
  let at = headerBytes;
  for (const { type, value } of packet.attributes) {
    if (value.length > maxValueBytes)
      throw tooLarge(`attribute ${type} has ${value.length} bytes, more than ${maxValueBytes}`);
    bytes[at] = type;
    bytes[at + 1] = value.length + 2;
    write(bytes, value, at + 2);
    at += 2 + value.length;
  }
  return bytes;
}

/** Most values are so short that set() would take longer to begin than a loop takes to end. */
function write(bytes: Buffer, value: Buffer, at: number): void {
  if (value.length > 32) bytes.set(value, at);
  else for (let byte = 0; byte < value.length; byte++) bytes[at + byte] = value[byte] ?? 0;
}

/** Whether there is an attribute of this type. */
export function hasAttribute({ bytes }: Pick<ReceivedPacket, 'bytes'>, type: number): boolean {
  return valueAt(bytes, type, headerBytes) !== undefined;
}

/** First value of a type. */
export function firstValue({ bytes }: Pick<ReceivedPacket, 'bytes'>, type: number): Buffer | undefined {
  const at = valueAt(bytes, type, headerBytes);
  return at === undefined ? undefined : bytes.subarray(at, endOf(bytes, at));
}

/** All values of a type joined, for attributes that are split at 253 bytes (EAP-Message, RFC 3579 §3.1). */
export function joinedValue({ bytes }: Pick<ReceivedPacket, 'bytes'>, type: number): Buffer | undefined {
  const first = valueAt(bytes, type, headerBytes);
  if (first === undefined) return undefined;
  const pieces: Buffer[] = [];
  for (let at: number | undefined = first; at !== undefined; at = valueAt(bytes, type, endOf(bytes, at)))
    pieces.push(bytes.subarray(at, endOf(bytes, at)));
  return Buffer.concat(pieces);
}

/** Where the value of the next attribute of this type stands, from an attribute's first byte on. */
function valueAt(bytes: Buffer, type: number, from: number): number | undefined {
  for (let at = from; at < bytes.length; at += bytes[at + 1] ?? maxPacketBytes) if (bytes[at] === type) return at + 2;
  return undefined;
}

function endOf(bytes: Buffer, at: number): number {
  return at - 2 + (bytes[at - 1] ?? 2);
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
