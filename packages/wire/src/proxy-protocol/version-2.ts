// PROXY protocol version 2, the binary header (§2.2): signature, version and command, family, length, addresses, TLVs.
// Called by codec.ts.
import type { ProxyDecoded, ProxyEndpoint, ProxyHeader, ProxyTlv } from './header.ts';
import { formatIpAddress, parseIpAddress } from './ip-address.ts';

/** First bytes of a version 2 header. */
export const version2Signature: Uint8Array = Uint8Array.of(
  0x0d,
  0x0a,
  0x0d,
  0x0a,
  0x00,
  0x0d,
  0x0a,
  0x51,
  0x55,
  0x49,
  0x54,
  0x0a,
);

const fixedPart = 16;
// Longer headers are legal up to 65535 bytes; nothing that a gateway is sent needs more, and each unfinished one is kept
// in memory (§2.2 lets a receiver reject what it does not support).
const longestPayload = 4_096;

/** Decodes a header whose signature has been seen. */
export function decodeVersion2(bytes: Uint8Array): ProxyDecoded {
  if (bytes.length < fixedPart) return { kind: 'incomplete' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const versionAndCommand = view.getUint8(12);
  const payloadLength = view.getUint16(14);
  if (versionAndCommand >> 4 !== 2) return malformed('version is not 2');
  if (payloadLength > longestPayload) return malformed(`payload is longer than ${longestPayload} bytes`);
  if (bytes.length < fixedPart + payloadLength) return { kind: 'incomplete' };
  const payload = bytes.subarray(fixedPart, fixedPart + payloadLength);
  const header = headerOf(versionAndCommand & 0x0f, view.getUint8(13), payload);
  if (typeof header === 'string') return malformed(header);
  return { kind: 'header', version: 2, header, length: fixedPart + payloadLength };
}

/** Encodes a header in version 2, family TCP over IPv4 or IPv6 by the source address. */
export function encodeVersion2(header: ProxyHeader): Uint8Array {
  if (header.command === 'local') return Uint8Array.of(...version2Signature, 0x20, 0x00, 0, 0);
  const family = header.source.address.includes(':') ? 0x21 : 0x11;
  const payload = [
    ...(parseIpAddress(header.source.address) ?? []),
    ...(parseIpAddress(header.destination.address) ?? []),
    ...uint16(header.source.port),
    ...uint16(header.destination.port),
    ...header.tlvs.flatMap((tlv) => [tlv.type, ...uint16(tlv.value.length), ...tlv.value]),
  ];
  return Uint8Array.of(...version2Signature, 0x21, family, ...uint16(payload.length), ...payload);
}

function headerOf(command: number, family: number, payload: Uint8Array): ProxyHeader | string {
  if (command !== 0 && command !== 1) return 'unknown command';
  // §2.2: LOCAL must be accepted whatever the family says; UNSPEC and UNIX carry no address that a gateway could use.
  if (command === 0) return { command: 'local' };
  const addressLength = addressLengths.get(family);
  if (addressLength === undefined) return 'unknown address family';
  if (addressLength === 0) return { command: 'local' };
  if (payload.length < addressLength * 2 + 4) return 'payload is shorter than its addresses';
  const tlvs = readTlvs(payload.subarray(addressLength * 2 + 4));
  if (tlvs === undefined) return 'a TLV runs over the end of the header';
  return { command: 'proxy', ...readEndpoints(payload, addressLength), tlvs };
}

const addressLengths: ReadonlyMap<number, number> = new Map([
  [0x00, 0],
  [0x11, 4],
  [0x12, 4],
  [0x21, 16],
  [0x22, 16],
  [0x31, 0],
  [0x32, 0],
]);

function readEndpoints(payload: Uint8Array, length: number): { source: ProxyEndpoint; destination: ProxyEndpoint } {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const address = (index: number) => formatIpAddress(payload.subarray(index * length, (index + 1) * length)) ?? '';
  return {
    source: { address: address(0), port: view.getUint16(length * 2) },
    destination: { address: address(1), port: view.getUint16(length * 2 + 2) },
  };
}

function readTlvs(bytes: Uint8Array): ProxyTlv[] | undefined {
  const tlvs: ProxyTlv[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [type, high, low] = bytes.subarray(at, at + 3);
    if (type === undefined || high === undefined || low === undefined) return undefined;
    const end = at + 3 + ((high << 8) | low);
    if (end > bytes.length) return undefined;
    tlvs.push({ type, value: bytes.slice(at + 3, end) });
    at = end;
  }
  return tlvs;
}

function uint16(value: number): [number, number] {
  return [value >> 8, value & 0xff];
}

function malformed(reason: string): ProxyDecoded {
  return { kind: 'malformed', reason };
}
