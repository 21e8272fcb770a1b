// What a device says to a Disconnect- or CoA-Request: read only where it proves to belong to that very request. Called by devices.ts.
import { checkReply, decodePacket, firstValue, type PacketKey, type ReceivedPacket } from '@gatehouse/wire/radius';

export interface DeviceAnswer {
  readonly result: 'ack' | 'nak' | 'timeout';
  /** RFC 5176 §3.5; `undefined` where the device gives none. */
  readonly errorCause: number | undefined;
}

export const noAnswer: DeviceAnswer = { result: 'timeout', errorCause: undefined };

const errorCauseType = 101;

/** @returns `undefined` for anything but a genuine ACK or NAK to this request */
export function readDeviceAnswer(bytes: Buffer, request: ReceivedPacket, key: PacketKey): DeviceAnswer | undefined {
  const answer = parse(bytes);
  if (answer === undefined || answer.identifier !== request.identifier) return undefined;
  // RFC 5176 §3.1: the codes of the answers follow that of the request.
  const result = answer.code === request.code + 1 ? 'ack' : answer.code === request.code + 2 ? 'nak' : undefined;
  const { authentic, messageAuthenticator } = checkReply(answer, request, key);
  if (result === undefined || !authentic || messageAuthenticator === 'wrong') return undefined;
  const cause = firstValue(answer, errorCauseType);
  return { result, errorCause: cause?.length === 4 ? cause.readUInt32BE(0) : undefined };
}

function parse(bytes: Buffer): ReceivedPacket | undefined {
  try {
    return decodePacket(bytes);
  } catch {
    return undefined; // WireError: the one thing decoding throws
  }
}
