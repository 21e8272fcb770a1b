// Writing BER with minimal lengths (ldap.md §3.2). Elements are built inside out: contents first, so that each length is
// known when it is written.

/** One element: tag, minimal length, contents. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of contents) length += part.length;
  const header = headerSize(length);
  const bytes = Buffer.allocUnsafe(header + length);
  writeHeader(bytes, 0, tag, length);
  let at = header;
  for (const part of contents) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function octetString(value: string | Uint8Array, tag = 0x04): Buffer {
  if (typeof value !== 'string') return element(tag, value);
  const length = Buffer.byteLength(value, 'utf8');
  const header = headerSize(length);
  const bytes = Buffer.allocUnsafe(header + length);
  writeHeader(bytes, 0, tag, length);
  bytes.write(value, header, 'utf8');
  return bytes;
}

/** INTEGER or ENUMERATED within 32 bits, in as few octets as the sign allows. */
export function integer(value: number, tag = 0x02): Buffer {
  let octets = 1;
  while (octets < 4 && (value < -(2 ** (8 * octets - 1)) || value >= 2 ** (8 * octets - 1))) octets += 1;
  const bytes = Buffer.allocUnsafe(2 + octets);
  bytes[0] = tag;
  bytes[1] = octets;
  bytes.writeIntBE(value, 2, octets);
  return bytes;
}

export function boolean(value: boolean, tag = 0x01): Buffer {
  return Buffer.from([tag, 1, value ? 0xff : 0]);
}

/** Octets of tag and minimal length in front of so many octets. */
export function headerSize(length: number): number {
  if (length < 0x80) return 2;
  if (length < 0x100) return 3;
  if (length < 0x10000) return 4;
  return length < 0x1000000 ? 5 : 6;
}

/** @returns where the contents begin */
export function writeHeader(bytes: Buffer, at: number, tag: number, length: number): number {
  bytes[at] = tag;
  if (length < 0x80) {
    bytes[at + 1] = length;
    return at + 2;
  }
  const octets = headerSize(length) - 2;
  bytes[at + 1] = 0x80 | octets;
  for (let place = octets - 1, left = length; place >= 0; place -= 1, left = Math.floor(left / 256))
    bytes[at + 2 + place] = left & 0xff;
  return at + 2 + octets;
}
