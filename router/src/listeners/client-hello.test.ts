// The reader of ClientHellos against the very bytes of Node's own TLS client, and against everything else.
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readClientHello } from './client-hello.ts';

/** What a TLS client says first. */
function helloFor(options: {
  servername?: string;
  maxVersion?: 'TLSv1.2' | 'TLSv1.3';
  ALPNProtocols?: string[];
}): Promise<Buffer> {
  return new Promise((resolve) => {
    const line = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        resolve(chunk);
        done();
      },
    });
    connect({ ...options, socket: line }).on('error', () => undefined);
  });
}

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`RFC 6066 §3: the name in a ${maxVersion} hello, lower case`, async () => {
    const hello = await helloFor({ servername: 'Auth.Example.COM', maxVersion, ALPNProtocols: ['h2', 'http/1.1'] });
    expect(readClientHello(hello)).toEqual({ kind: 'hello', hello: { serverName: 'auth.example.com' } });
  });
}

test('RFC 6066 §3: no name is no name', async () => {
  expect(readClientHello(await helloFor({}))).toEqual({ kind: 'hello', hello: { serverName: undefined } });
});

test('cut anywhere a hello is incomplete, never something else', async () => {
  const hello = await helloFor({ servername: 'a.example' });
  for (let length = 0; length < hello.length; length++) {
    expect(readClientHello(hello.subarray(0, length)).kind, String(length)).toBe('incomplete');
  }
});

test('RFC 8446 §5.1: a hello in several records is one hello', async () => {
  const hello = await helloFor({ servername: 'a.example' });
  const body = hello.subarray(5);
  const records = [body.subarray(0, 40), body.subarray(40, 41), body.subarray(41)].flatMap((part) => [
    Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]),
    part,
  ]);
  expect(readClientHello(Buffer.concat(records))).toEqual({ kind: 'hello', hello: { serverName: 'a.example' } });
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
  const hello = await helloFor({ servername: 'a.example' });
  const kinds = ['incomplete', 'unreadable', 'hello'];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => kinds.includes(readClientHello(Buffer.from(bytes)).kind)),
  );
  fc.assert(
    fc.property(fc.nat(hello.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      const damaged = Buffer.from(hello);
      damaged[at] = byte;
      expect(kinds).toContain(readClientHello(damaged).kind);
    }),
  );
});
