// The PROXY protocol codec against vectors, cut and flipped bytes, and its own inverse.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeProxyHeader, encodeProxyHeader } from './codec.ts';
import type { ProxyHeader } from './header.ts';
import { formatIpAddress, parseIpAddress } from './ip-address.ts';

interface Vector {
  readonly name: string;
  readonly version: 1 | 2;
  readonly bytes: Uint8Array;
  readonly header: ProxyHeader;
}

const signature = '0d0a0d0a000d0a515549540a';
const vectors = readVectors();

describe('core-contract 45: PROXY protocol vectors', () => {
  for (const vector of vectors) {
    test(`${vector.name}: decodes, whatever follows`, () => {
      const followed = Uint8Array.of(...vector.bytes, 0x30, 0x0c);
      const expected = { kind: 'header', version: vector.version, header: vector.header, length: vector.bytes.length };
      expect(decodeProxyHeader(vector.bytes)).toEqual(expected);
      expect(decodeProxyHeader(followed)).toEqual(expected);
    });

    test(`${vector.name}: encodes`, () => {
      expect(hex(encodeProxyHeader(vector.header, vector.version))).toBe(hex(vector.bytes));
    });

    test(`${vector.name}: is incomplete at every cut`, () => {
      for (let end = 0; end < vector.bytes.length; end++) {
        expect(decodeProxyHeader(vector.bytes.subarray(0, end)), `cut at ${end}`).toEqual({ kind: 'incomplete' });
      }
    });

    test(`${vector.name}: any flipped byte still gives a value`, () => {
      for (let index = 0; index < vector.bytes.length; index++) {
        const flipped = Uint8Array.from(vector.bytes, (byte, at) => (at === index ? byte ^ 0xff : byte));
        expect(['incomplete', 'absent', 'malformed', 'header']).toContain(decodeProxyHeader(flipped).kind);
      }
    });
  }
});

describe('PROXY protocol, refusals', () => {
  const malformedLines = [
    ['PROXY TCP4 1.2.3.4 1.2.3.5 1 2\n', 'line ends without CR'],
    ['PROXY TCP4 1.2.3.4 1.2.3.5 1\r\n', 'wrong number of fields'],
    ['PROXY TCP4 1.2.3.4 1.2.3.5 1 2 3\r\n', 'wrong number of fields'],
    ['PROXY TCP4 1.2.3.4 1.2.3.5 1 65536\r\n', 'address or port does not fit the family'],
    ['PROXY TCP4 1.2.3.04 1.2.3.5 1 2\r\n', 'address or port does not fit the family'],
    ['PROXY TCP6 1.2.3.4 1.2.3.5 1 2\r\n', 'address or port does not fit the family'],
    ['PROXY UDP4 1.2.3.4 1.2.3.5 1 2\r\n', 'unknown protocol family'],
    [`PROXY UNKNOWN ${'x'.repeat(100)}\r\n`, 'no line end in 107 bytes'],
  ] as const;
  for (const [line, reason] of malformedLines) {
    test(`§2.1: ${JSON.stringify(line.slice(0, 50))}: ${reason}`, () => {
      expect(decodeProxyHeader(Buffer.from(line))).toEqual({ kind: 'malformed', reason });
    });
  }

  const malformedHeaders = [
    [`${signature}11 11 000c`, 'version is not 2'],
    [`${signature}22 11 0000`, 'unknown command'],
    [`${signature}21 13 0000`, 'unknown address family'],
    [`${signature}21 11 000b ${'00'.repeat(11)}`, 'payload is shorter than its addresses'],
    [`${signature}21 11 000f ${'00'.repeat(12)} 020001`, 'a TLV runs over the end of the header'],
    [`${signature}21 11 1001`, 'payload is longer than 4096 bytes'],
  ] as const;
  for (const [text, reason] of malformedHeaders) {
    test(`§2.2: ${reason}`, () => {
      expect(decodeProxyHeader(bytesOf(text))).toEqual({ kind: 'malformed', reason });
    });
  }

  test('ldap §2.2: an LDAP message and a TLS ClientHello are not headers', () => {
    expect(decodeProxyHeader(bytesOf('300c020101600702010304008000'))).toEqual({ kind: 'absent' });
    expect(decodeProxyHeader(bytesOf('1603010200'))).toEqual({ kind: 'absent' });
  });

  test('§2.2: LOCAL keeps the socket address whatever family and addresses it carries', () => {
    const decoded = decodeProxyHeader(bytesOf(`${signature}20 99 0003 010203`));
    expect(decoded).toEqual({ kind: 'header', version: 2, header: { command: 'local' }, length: 19 });
  });

  test('§2.2: a UNIX socket address keeps the socket address', () => {
    const decoded = decodeProxyHeader(bytesOf(`${signature}21 31 00d8 ${'00'.repeat(216)}`));
    expect(decoded).toEqual({ kind: 'header', version: 2, header: { command: 'local' }, length: 232 });
  });
});

describe('PROXY protocol, properties', () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  const endpoints = fc.oneof(ipText(4), ipText(16)).chain((address) => {
    const other = ipText(address.includes(':') ? 16 : 4);
    return fc.record({ address: fc.constant(address), other, port, otherPort: port });
  });
  const tlvs = fc.array(fc.record({ type: fc.nat(255), value: fc.uint8Array({ maxLength: 40 }) }), { maxLength: 4 });

  test('§2.2: encode then decode gives the same header', () => {
    const arbitrary = fc.record({ ends: endpoints, tlvs });
    fc.assert(
      fc.property(arbitrary, ({ ends, tlvs: list }) => {
        for (const version of [1, 2] as const) {
          const header: ProxyHeader = {
            command: 'proxy',
            source: { address: ends.address, port: ends.port },
            destination: { address: ends.other, port: ends.otherPort },
            tlvs: version === 1 ? [] : list,
          };
          const bytes = encodeProxyHeader(header, version);
          expect(decodeProxyHeader(bytes)).toEqual({ kind: 'header', version, header, length: bytes.length });
        }
      }),
      { seed: 22 },
    );
  });

  test('RFC 5952 §4: format then parse gives the same bytes, and the text is stable', () => {
    fc.assert(
      fc.property(fc.oneof(ipBytes(4), ipBytes(16)), (bytes) => {
        const text = formatIpAddress(bytes) ?? '';
        expect(parseIpAddress(text)).toEqual(bytes);
      }),
      { seed: 5952 },
    );
  });

  test('any bytes give a value', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (tail, binary) => {
        const front = binary ? bytesOf(signature) : Buffer.from('PROXY ');
        const decoded = decodeProxyHeader(Uint8Array.of(...front, ...tail));
        expect(decoded.kind).not.toBe('absent');
      }),
      { seed: 2020 },
    );
  });
});

describe('RFC 5952 §4, RFC 4291 §2.2: address text', () => {
  const cases = [
    ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:DB8::', '2001:db8::'],
    ['::', '::'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ] as const;
  for (const [text, canonical] of cases) {
    test(`${text} is ${canonical}`, () => {
      expect(formatIpAddress(parseIpAddress(text) ?? new Uint8Array())).toBe(canonical);
    });
  }

  for (const text of [
    '',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1:2',
    ':::',
    '1::2::3',
    'fe80::1%eth0',
    '1:2:3:4:5:6:7:8:9',
  ]) {
    test(`${JSON.stringify(text)} is no address`, () => {
      expect(parseIpAddress(text)).toBeUndefined();
    });
  }
});

function readVectors(): Vector[] {
  const file = new URL('../vectors/proxy-protocol.json', import.meta.url);
  const revive = (key: string, value: unknown) =>
    key === 'value' && typeof value === 'string' ? bytesOf(value) : value;
  const rows: { name: string; version: 1 | 2; hex: string; value: ProxyHeader }[] = JSON.parse(
    readFileSync(file, 'utf8'),
    revive,
  );
  return rows.map((row) => ({ name: row.name, version: row.version, bytes: bytesOf(row.hex), header: row.value }));
}

function ipBytes(length: 4 | 16): fc.Arbitrary<Uint8Array> {
  const byte = fc.oneof(fc.constant(0), fc.nat(255));
  return fc.array(byte, { minLength: length, maxLength: length }).map((bytes) => Uint8Array.from(bytes));
}

function ipText(length: 4 | 16): fc.Arbitrary<string> {
  return ipBytes(length).map((bytes) => formatIpAddress(bytes) ?? '');
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
