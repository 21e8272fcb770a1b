// Which session a TLS client wants to resume, read from the first flight of its handshake (RFC 5246 §7.4.1.2, RFC 8446 §4.1.2,
// §4.2.11): what stands there is a claim that TLS itself proves afterwards. Called before the bytes are given to TLS.

/** How a client names a session of old. */
export interface OfferedSession {
  /** The first identity of `pre_shared_key`, which comes with TLS 1.3, else the session id of TLS 1.2; never empty. */
  readonly id: Buffer;
  readonly isPreSharedKey: boolean;
}

const handshakeRecord = 22;
const clientHello = 1;
const preSharedKey = 41;

/**
 * @param flight one TLS record at least; a hello that is spread over several records offers nothing
 * @returns `undefined` where nothing is offered, and for bytes of any other form: TLS says what is wrong with them
 */
export function offeredSession(flight: Buffer): OfferedSession | undefined {
  try {
    return read(flight);
  } catch (error) {
    if (error instanceof RangeError) return undefined; // a length that points behind the end
    throw error;
  }
}

function read(flight: Buffer): OfferedSession | undefined {
  if (flight.readUInt8(0) !== handshakeRecord) return undefined;
  const record = slice(flight, 5, flight.readUInt16BE(3));
  if (record.readUInt8(0) !== clientHello) return undefined;
  const hello = slice(record, 4, record.readUIntBE(1, 3));
  const session = slice(hello, versionAndRandom + 1, hello.readUInt8(versionAndRandom));
  let at = versionAndRandom + 1 + session.length;
  at += 2 + hello.readUInt16BE(at); // cipher suites
  at += 1 + hello.readUInt8(at); // compression methods
  const key =
    at === hello.length ? undefined : findExtension(slice(hello, at + 2, hello.readUInt16BE(at)), preSharedKey);
  if (key === undefined) return session.length === 0 ? undefined : { id: session, isPreSharedKey: false };
  const id = slice(key, 4, key.readUInt16BE(2)); // behind the length of the list and its own
  return id.length === 0 ? undefined : { id, isPreSharedKey: true };
}

const versionAndRandom = 34;

function findExtension(extensions: Buffer, wanted: number): Buffer | undefined {
  for (let at = 0; at < extensions.length; ) {
    const value = slice(extensions, at + 4, extensions.readUInt16BE(at + 2));
    if (extensions.readUInt16BE(at) === wanted) return value;
    at += 4 + value.length;
  }
  return undefined;
}

/** @throws RangeError unless all of it is there */
function slice(bytes: Buffer, at: number, length: number): Buffer {
  if (at + length > bytes.length) throw new RangeError('behind the end');
  return bytes.subarray(at, at + length);
}
