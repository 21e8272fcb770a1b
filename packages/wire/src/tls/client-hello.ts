// What a TLS client says first (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2): read before anybody answers it, so that the certificate can
// depend on the name and the session on what is offered. All of it are claims, which TLS itself proves or not.

export interface ClientHello {
  /** Lower case, without final dot (RFC 6066 §3); `undefined` without the extension. */
  readonly serverName: string | undefined;
  /** Which session of TLS 1.2 is to go on; random in TLS 1.3, empty for none. */
  readonly sessionId: Buffer;
  /** The first identity of `pre_shared_key`, by which TLS 1.3 resumes (RFC 8446 §4.2.11); `undefined` without the extension. */
  readonly preSharedKey: Buffer | undefined;
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
    return { kind: 'hello', hello: readBody(message.subarray(4, 4 + length)) };
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'unreadable' }; // a length that points behind the end
    throw error;
  }
}

/** By which name a client asks for a session of old: that of TLS 1.3 wins. `undefined` where none is offered. */
export function offeredSession({ preSharedKey, sessionId }: ClientHello): Buffer | undefined {
  const id = preSharedKey ?? sessionId;
  return id.length === 0 ? undefined : id;
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

const versionAndRandom = 34;

function readBody(body: Buffer): ClientHello {
  const sessionId = slice(body, versionAndRandom + 1, body.readUInt8(versionAndRandom));
  let at = versionAndRandom + 1 + sessionId.length;
  at += 2 + body.readUInt16BE(at); // cipher suites
  at += 1 + body.readUInt8(at); // compression methods
  const extensions = at >= body.length ? new Map<number, Buffer>() : readExtensions(body, at);
  const [name, key] = [extensions.get(0), extensions.get(41)];
  return {
    serverName: name && hostName(name),
    sessionId,
    preSharedKey: key && slice(key, 4, key.readUInt16BE(2)), // behind the length of the list and its own
  };
}

/** Values by type; of repeated ones, which no client sends, the first. */
function readExtensions(body: Buffer, at: number): ReadonlyMap<number, Buffer> {
  const list = slice(body, at + 2, body.readUInt16BE(at));
  const found = new Map<number, Buffer>();
  for (let next = 0; next < list.length; ) {
    const value = slice(list, next + 4, list.readUInt16BE(next + 2));
    const type = list.readUInt16BE(next);
    if (!found.has(type)) found.set(type, value);
    next += 4 + value.length;
  }
  return found;
}

/** RFC 6066 §3: the one entry of type host_name. */
function hostName(extension: Buffer): string | undefined {
  if (extension.readUInt8(2) !== 0) return undefined;
  const name = slice(extension, 5, extension.readUInt16BE(3)).toString('latin1');
  return /^[\x21-\x7e]{1,255}$/.test(name) ? name.toLowerCase().replace(/\.$/, '') : undefined;
}

/** @throws RangeError unless all of it is there */
function slice(bytes: Buffer, at: number, length: number): Buffer {
  if (at + length > bytes.length) throw new RangeError('behind the end');
  return bytes.subarray(at, at + length);
}
