// Reads the server name and the protocols out of a TLS ClientHello (RFC 8446 §4.1.2, RFC 6066 §3, RFC 7301 §3.1) before
// anybody answers it, so that the certificate and the request for a client certificate can depend on the name. Pure.

export interface ClientHello {
  /** Lower case, without final dot; `undefined` without the extension. */
  readonly serverName: string | undefined;
}

export type HelloReading =
  | { readonly kind: 'incomplete' }
  /** Not TLS, or broken: left to the TLS library, which answers with the right alert. */
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'hello'; readonly hello: ClientHello };

const handshakeRecord = 22;
const clientHelloType = 1;
const recordHeader = 5;
const longestRecord = 16_384;
/** A hello may span records; nobody's is longer than this. */
const longestHello = 65_536;

export function readClientHello(bytes: Buffer): HelloReading {
  const message = handshakeBytes(bytes);
  if (message === undefined) return { kind: 'unreadable' };
  if (message.length >= 1 && message[0] !== clientHelloType) return { kind: 'unreadable' };
  if (message.length < 4) return { kind: 'incomplete' };
  const length = message.readUIntBE(1, 3);
  if (length > longestHello) return { kind: 'unreadable' };
  if (message.length < 4 + length) return { kind: 'incomplete' };
  try {
    return { kind: 'hello', hello: { serverName: serverNameOf(message.subarray(4, 4 + length)) } };
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'unreadable' }; // a length that points behind the end
    throw error;
  }
}

/** The payload of the handshake records so far, or `undefined` when this is no handshake. */
function handshakeBytes(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== handshakeRecord) return undefined;
    if (bytes.length > at + 1 && bytes[at + 1] !== 3) return undefined;
    if (bytes.length < at + recordHeader) break;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > longestRecord) return undefined;
    parts.push(bytes.subarray(at + recordHeader, at + recordHeader + length));
    at += recordHeader + length;
  }
  return Buffer.concat(parts);
}

function serverNameOf(body: Buffer): string | undefined {
  let at = 2 + 32; // version and random
  at += 1 + body.readUInt8(at); // session id
  at += 2 + body.readUInt16BE(at); // cipher suites
  at += 1 + body.readUInt8(at); // compression methods
  if (at >= body.length) return undefined;
  const end = at + 2 + body.readUInt16BE(at);
  at += 2;
  while (at + 4 <= end) {
    const type = body.readUInt16BE(at);
    const length = body.readUInt16BE(at + 2);
    if (type === 0) return hostName(body.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return undefined;
}

/** RFC 6066 §3: the one entry of type host_name. */
function hostName(extension: Buffer): string | undefined {
  if (extension.readUInt8(2) !== 0) return undefined;
  const length = extension.readUInt16BE(3);
  const name = extension.toString('latin1', 5, 5 + length);
  return /^[\x21-\x7e]{1,255}$/.test(name) ? name.toLowerCase().replace(/\.$/, '') : undefined;
}
