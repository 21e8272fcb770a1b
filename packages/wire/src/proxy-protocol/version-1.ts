// PROXY protocol version 1, the text line (§2.1): `PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n`. Called by codec.ts.
import type { ProxyDecoded, ProxyEndpoint, ProxyHeader } from './header.ts';
import { formatIpAddress, parseIpAddress } from './ip-address.ts';

/** First bytes of a version 1 header. */
export const version1Prefix: Uint8Array = Uint8Array.from('PROXY ', (character) => character.charCodeAt(0));

// §2.1: the longest line, with UNKNOWN and two full IPv6 addresses, has 107 bytes including CRLF.
const longestLine = 107;

/** Decodes a line whose prefix has been seen. */
export function decodeVersion1(bytes: Uint8Array): ProxyDecoded {
  const window = bytes.subarray(0, longestLine);
  const end = window.indexOf(0x0a);
  if (end === -1) return bytes.length < longestLine ? { kind: 'incomplete' } : malformed('no line end in 107 bytes');
  if (window[end - 1] !== 0x0d) return malformed('line ends without CR');
  const fields = String.fromCharCode(...window.subarray(version1Prefix.length, end - 1)).split(' ');
  const header = headerOf(fields);
  return typeof header === 'string' ? malformed(header) : { kind: 'header', version: 1, header, length: end + 1 };
}

/** Encodes a header as a version 1 line; TLVs have no place there and are left out. */
export function encodeVersion1(header: ProxyHeader): Uint8Array {
  if (header.command === 'local') return ascii('PROXY UNKNOWN\r\n');
  const { source, destination } = header;
  const family = source.address.includes(':') ? 'TCP6' : 'TCP4';
  return ascii(`PROXY ${family} ${source.address} ${destination.address} ${source.port} ${destination.port}\r\n`);
}

function headerOf(fields: readonly string[]): ProxyHeader | string {
  const [family = '', source = '', destination = '', sourcePort = '', destinationPort = ''] = fields;
  // §2.1: after UNKNOWN the receiver must ignore anything up to the line end.
  if (family === 'UNKNOWN') return { command: 'local' };
  if (family !== 'TCP4' && family !== 'TCP6') return 'unknown protocol family';
  if (fields.length !== 5) return 'wrong number of fields';
  const from = endpoint(family, source, sourcePort);
  const to = endpoint(family, destination, destinationPort);
  if (from === undefined || to === undefined) return 'address or port does not fit the family';
  return { command: 'proxy', source: from, destination: to, tlvs: [] };
}

function endpoint(family: 'TCP4' | 'TCP6', text: string, portText: string): ProxyEndpoint | undefined {
  const bytes = parseIpAddress(text);
  if (bytes?.length !== (family === 'TCP4' ? 4 : 16)) return undefined;
  const address = formatIpAddress(bytes);
  const port = Number(portText);
  if (address === undefined || !/^(0|[1-9]\d{0,4})$/.test(portText) || port > 65_535) return undefined;
  return { address, port };
}

function malformed(reason: string): ProxyDecoded {
  return { kind: 'malformed', reason };
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
