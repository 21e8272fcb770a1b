// The reader of ClientHellos against the very bytes of Node's own TLS client, and against everything else.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstFlight } from '../testing/first-flight.ts';
import { offeredSession, readClientHello } from './client-hello.ts';

const nameIn = (flight: Buffer) => {
  const reading = readClientHello(flight);
  return reading.kind === 'hello' ? { name: reading.hello.serverName } : reading.kind;
};
const sessionIn = (flight: Buffer) => {
  const reading = readClientHello(flight);
  return reading.kind === 'hello' ? { id: offeredSession(reading.hello) } : reading.kind;
};

const vector = (length: 1 | 2, bytes: Buffer) => {
  const head = Buffer.alloc(length);
  head.writeUIntBE(bytes.length, 0, length);
  return Buffer.concat([head, bytes]);
};

/** A hello as RFC 8446 §4.1.2 writes it. */
function hello({
  session = Buffer.alloc(0),
  identities,
}: {
  session?: Buffer;
  identities?: readonly Buffer[];
}): Buffer {
  const extensions = [Buffer.concat([Buffer.of(0, 43), vector(2, Buffer.of(2, 3, 4))])];
  if (identities !== undefined) {
    const list = identities.map((id) => Buffer.concat([vector(2, id), Buffer.alloc(4)]));
    const binders = vector(2, vector(1, Buffer.alloc(32)));
    extensions.push(
      Buffer.concat([Buffer.of(0, 41), vector(2, Buffer.concat([vector(2, Buffer.concat(list)), binders]))]),
    );
  }
  const body = Buffer.concat([
    Buffer.of(3, 3),
    Buffer.alloc(32, 7),
    vector(1, session),
    vector(2, Buffer.of(0x13, 1)),
    vector(1, Buffer.of(0)),
    vector(2, Buffer.concat(extensions)),
  ]);
  const message = Buffer.concat([Buffer.of(1, 0), vector(2, body)]);
  return Buffer.concat([Buffer.of(22, 3, 1), vector(2, message)]);
}

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`RFC 6066 §3: the name in a ${maxVersion} hello, lower case`, async () => {
    const hello = await firstFlight({ servername: 'Auth.Example.COM', maxVersion, ALPNProtocols: ['h2', 'http/1.1'] });
    expect(nameIn(hello)).toEqual({ name: 'auth.example.com' });
  });
}

test('RFC 6066 §3: no name is no name', async () => {
  expect(nameIn(await firstFlight())).toEqual({ name: undefined });
});

test('RFC 5246 §7.4.1.2, RFC 8446 §4.2.11: the first identity of a pre-shared key, else the session id', () => {
  const [session, one, two] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(32, 3)];
  expect(sessionIn(hello({}))).toEqual({ id: undefined });
  expect(sessionIn(hello({ session }))).toEqual({ id: session });
  expect(sessionIn(hello({ session, identities: [one, two] }))).toEqual({ id: one });
  expect(sessionIn(hello({ identities: [Buffer.alloc(0)] }))).toEqual({ id: undefined });
});

test('a client that has no session: TLS 1.2 names nothing, TLS 1.3 a random id at most', async () => {
  const flight = async (version: 'TLSv1.2' | 'TLSv1.3') =>
    readClientHello(await firstFlight({ minVersion: version, maxVersion: version }));
  expect(await flight('TLSv1.2')).toMatchObject({ hello: { sessionId: Buffer.alloc(0), preSharedKey: undefined } });
  expect(await flight('TLSv1.3')).toMatchObject({ hello: { preSharedKey: undefined } });
});

test('cut anywhere a hello is incomplete, never something else', async () => {
  const hello = await firstFlight({ servername: 'a.example' });
  for (let length = 0; length < hello.length; length++) {
    expect(readClientHello(hello.subarray(0, length)).kind, String(length)).toBe('incomplete');
  }
});

test('RFC 8446 §5.1: a hello in several records is one hello', async () => {
  const hello = await firstFlight({ servername: 'a.example' });
  const body = hello.subarray(5);
  const records = [body.subarray(0, 40), body.subarray(40, 41), body.subarray(41)].flatMap((part) => [
    Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]),
    part,
  ]);
  expect(nameIn(Buffer.concat(records))).toEqual({ name: 'a.example' });
});

for (const [name, text] of [
  ['HTTP', 'GET / HTTP/1.1\r\n'],
  ['SSH', 'SSH-2.0-x\r\n'],
  ['an alert', '\x15\x03\x01\x00\x02\x02\x28'],
  ['an empty record', '\x16\x03\x01\x00\x00'],
  ['a record too long', '\x16\x03\x01\xff\xff'],
] as const) {
  test(`${name} is unreadable`, () => expect(readClientHello(Buffer.from(text, 'latin1')).kind).toBe('unreadable'));
}

test('any bytes give a reading, and any damage to a hello as well', async () => {
  const wholes = [
    await firstFlight({ servername: 'a.example' }),
    hello({ session: Buffer.alloc(32, 1), identities: [Buffer.alloc(32, 2)] }),
  ];
  const kinds = ['incomplete', 'unreadable', 'hello'];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => kinds.includes(readClientHello(Buffer.from(bytes)).kind)),
  );
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...wholes), flips, (whole, changed) => {
      const damaged = Buffer.from(whole);
      for (const [at, byte] of changed) damaged[at % damaged.length] = byte;
      expect(kinds).toContain(readClientHello(damaged).kind);
    }),
  );
});
