// EAP packets (RFC 3748 §4) and the data of TLS-based methods (RFC 5216 §3.1, RFC 5281 §9.1). Called by radius/src/eap.
import { malformed } from '../errors.ts';

export const eapCode = { request: 1, response: 2, success: 3, failure: 4 } as const;
export const eapType = { identity: 1, nak: 3, gtc: 6, tls: 13, ttls: 21, peap: 25, mschapv2: 26, tlv: 33 } as const;

export interface EapPacket {
  readonly code: number;
  readonly identifier: number;
  /** `undefined` for Success and Failure. */
  readonly type: number | undefined;
  readonly data: Buffer;
}

const headerBytes = 4;
const empty = Buffer.alloc(0);

/** @throws WireError `ERR_WIRE_MALFORMED` unless its length is exactly that of `bytes` */
export function decodeEap(bytes: Buffer): EapPacket {
  if (bytes.length < headerBytes || bytes.readUInt16BE(2) !== bytes.length)
    throw malformed(`an EAP packet of ${bytes.length} bytes does not have the length it says`);
  const code = bytes.readUInt8(0);
  const identifier = bytes.readUInt8(1);
  if (code === eapCode.success || code === eapCode.failure) return { code, identifier, type: undefined, data: empty };
  if (code !== eapCode.request && code !== eapCode.response) throw malformed(`EAP code ${code}`);
  if (bytes.length === headerBytes) throw malformed('an EAP packet without a type');
  return { code, identifier, type: bytes.readUInt8(4), data: bytes.subarray(5) };
}

export function encodeEap({ code, identifier, type, data }: EapPacket): Buffer {
  const body = type === undefined ? empty : Buffer.concat([Buffer.of(type), data]);
  const head = Buffer.of(code, identifier, 0, 0);
  head.writeUInt16BE(headerBytes + body.length, 2);
  return Buffer.concat([head, body]);
}

/** One fragment of a TLS-based method. */
export interface TlsFragment {
  /** The conversation begins. */
  readonly start: boolean;
  /** More fragments follow. */
  readonly more: boolean;
  /** Length of the whole message, where it is said. */
  readonly totalBytes: number | undefined;
  readonly data: Buffer;
}

const lengthFlag = 0x80;
const moreFlag = 0x40;
const startFlag = 0x20;

/** @throws WireError `ERR_WIRE_MALFORMED` without flags, or with a length that is cut off */
export function decodeTlsFragment(data: Buffer): TlsFragment {
  if (data.length === 0) throw malformed('a TLS-based EAP packet without flags');
  const flags = data.readUInt8(0);
  const hasLength = (flags & lengthFlag) !== 0;
  if (hasLength && data.length < 5) throw malformed('a TLS-based EAP packet without the length it announces');
  return {
    start: (flags & startFlag) !== 0,
    more: (flags & moreFlag) !== 0,
    totalBytes: hasLength ? data.readUInt32BE(1) : undefined,
    data: data.subarray(hasLength ? 5 : 1),
  };
}

export function encodeTlsFragment({ start, more, totalBytes, data }: TlsFragment): Buffer {
  const flags = (start ? startFlag : 0) | (more ? moreFlag : 0) | (totalBytes === undefined ? 0 : lengthFlag);
  const head = Buffer.alloc(totalBytes === undefined ? 1 : 5);
  head.writeUInt8(flags, 0);
  if (totalBytes !== undefined) head.writeUInt32BE(totalBytes, 1);
  return Buffer.concat([head, data]);
}
