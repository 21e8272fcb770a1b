// The session that a client names: flights of real TLS clients, and bytes of no form.
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { offeredSession } from './client-hello.ts';

function firstFlight(version: 'TLSv1.2' | 'TLSv1.3'): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read() {
        // nothing ever comes
      },
      write(chunk: Buffer, _encoding, done) {
        resolve(Buffer.from(chunk));
        done();
      },
    });
    const given = { rejectUnauthorized: false, minVersion: version, maxVersion: version } as const;
    connect({ socket: wire, ...given }).on('error', () => undefined);
  });
}

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

test('RFC 5246 §7.4.1.2, RFC 8446 §4.2.11: the first identity of a pre-shared key, else the session id', () => {
  const [session, one, two] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2), Buffer.alloc(32, 3)];
  expect(offeredSession(hello({}))).toBeUndefined();
  expect(offeredSession(hello({ session }))).toEqual({ id: session, isPreSharedKey: false });
  expect(offeredSession(hello({ session, identities: [one, two] }))).toEqual({ id: one, isPreSharedKey: true });
  expect(offeredSession(hello({ identities: [Buffer.alloc(0)] }))).toBeUndefined();
});

test('flights of a client that has no session: TLS 1.2 names nothing, TLS 1.3 a random id at most', async () => {
  expect(offeredSession(await firstFlight('TLSv1.2'))).toBeUndefined();
  expect(offeredSession(await firstFlight('TLSv1.3'))?.isPreSharedKey ?? false).toBe(false);
});

test('cut anywhere it offers nothing, and whatever the bytes nothing is thrown', () => {
  const whole = hello({ session: Buffer.alloc(32, 1), identities: [Buffer.alloc(32, 2)] });
  for (let end = 0; end < whole.length; end++) expect(offeredSession(whole.subarray(0, end))).toBeUndefined();
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void offeredSession(Buffer.from(bytes))));
  const flip = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(flip, { maxLength: 4 }), (flips) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of flips) bytes[at] = value;
      offeredSession(bytes);
    }),
  );
});
