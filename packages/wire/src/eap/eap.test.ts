// EAP packets, TLS fragments and AVPs: the bytes of radius.md §11.7 and §11.8, and their own inverse.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WireError } from '../errors.ts';
import { decodeAvps, encodeAvps } from './avp.ts';
import { decodeEap, decodeTlsFragment, encodeEap, encodeTlsFragment } from './packet.ts';

const hexOf = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test.each([
  ['0201000a01616c696365', 2, 1, 1],
  ['010200060d20', 1, 2, 13],
  ['020200060319', 2, 2, 3],
  ['03090004', 3, 9, undefined],
])('radius §11.7: %s', (hex, code, identifier, type) => {
  const packet = decodeEap(hexOf(hex));
  expect(packet).toMatchObject({ code, identifier, type });
  expect(encodeEap(packet).toString('hex')).toBe(hex);
});

test.each(['', '02', '020100', '02010004', '0201000a0161', '05010005ff', '0201000601'])(
  'radius M13: "%s" is refused',
  (hex) => {
    expect(() => decodeEap(hexOf(hex))).toThrow(WireError);
  },
);

test('radius M13: TLS data without flags or with half a length is refused', () => {
  for (const hex of ['', '80', '80000001']) expect(() => decodeTlsFragment(hexOf(hex))).toThrow(WireError);
});

test('radius §11.8: inner PAP as EAP-TTLS sends it', () => {
  const bytes = hexOf('000000014000000d616c696365000000 000000024000001873336372337400000000000000000000');
  expect(decodeAvps(bytes).map(({ code, data }) => [code, data.toString().replace(/\0+$/, '')])).toEqual([
    [1, 'alice'],
    [2, 's3cr3t'],
  ]);
  expect(encodeAvps(decodeAvps(bytes))).toEqual(bytes);
});

test('RFC 3748, 5216, 5281: encode then decode, and any bytes give a value or a WireError', () => {
  const bytes = fc.uint8Array({ maxLength: 60 }).map((one) => Buffer.from(one));
  const avps = fc.array(fc.record({ code: fc.nat(), vendor: fc.nat(), data: bytes }), { maxLength: 5 });
  const fragment = fc.record({
    start: fc.boolean(),
    more: fc.boolean(),
    totalBytes: fc.option(fc.nat(), { nil: undefined }),
    data: bytes,
  });
  fc.assert(
    fc.property(fc.nat(255), fc.nat(255), bytes, avps, fragment, (identifier, type, data, list, one) => {
      const packet = { code: 2, identifier, type, data };
      expect(decodeEap(encodeEap(packet))).toEqual(packet);
      expect(decodeAvps(encodeAvps(list))).toEqual(list);
      expect(decodeTlsFragment(encodeTlsFragment(one))).toEqual(one);
      for (const decode of [decodeEap, decodeAvps, decodeTlsFragment]) {
        try {
          decode(data);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }
    }),
    { seed: 3748, numRuns: 500 },
  );
});
