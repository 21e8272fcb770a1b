// Attributes inside attributes (RFC 6929 §2.3, RFC 8045): bytes, names, and what people write.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WireError } from '../errors.ts';
import { createDictionary, formatTlvs, parseAttribute } from './dictionary.ts';
import { decodeTlvs, encodeTlvs } from './tlv.ts';
import { decodeExtended } from './vendor.ts';

const dictionary = createDictionary();
const hexOf = (name: string, text: string) => {
  const { type, value } = parseAttribute(dictionary, name, text);
  return `${type} ${value.toString('hex')}`;
};

describe('written by name', () => {
  test.each([
    ['IP-Port-Limit-Info', '{ IP-Port-Type = 1, IP-Port-Limit = 1000 }', '241 050106000000010206000003e8'],
    ['IP-Port-Limit', '1000', '241 050206000003e8'],
    ['IP-Port-Alloc', 'Deallocation', '241 05080600000002'],
    [
      'IP-Port-Range',
      '{IP-Port-Range-Ext-IPv4-Addr=192.0.2.1,IP-Port-Range-Local-Id="a, \\"b\\""}',
      '241 060306c00002010b08612c20226222',
    ],
    ['Frag-Status', 'More-Data-Pending', '241 0100000002'],
    ['IPv6-6rd-BR-IPv4-Address', '192.0.2.9', '173 0306c0000209'],
    ['Attribute-241.99', '0x01', '241 6301'],
    ['Attribute-241.5.200', '0x0102', '241 05c8040102'],
    ['Attribute-241', '0x0101', '241 0101'],
    ['IP-Port-Limit-Info', '0x0206000003e8', '241 050206000003e8'],
  ])('RFC 6929 §2.3: %s = %s', (name, text, hex) => expect(hexOf(name, text)).toBe(hex));

  test.each([
    ['IP-Port-Limit-Info', 'IP-Port-Limit = 1000'],
    ['IP-Port-Limit-Info', '{ }'],
    ['IP-Port-Limit-Info', '{ IP-Port-Limit 1000 }'],
    ['IP-Port-Limit-Info', '{ IP-Port-Limit = lots }'],
    ['IP-Port-Limit-Info', '{ IP-Port-Range-Limit = 1 }'],
    ['IP-Port-Limit-Info', '{ Class = x }'],
    ['IP-Port-Limit-Info', '{ No-Such-Thing = x }'],
    ['IP-Port-Local-Id', 'x'.repeat(251)],
    ['Attribute-241.256', '0x01'],
  ])('%s = %s is refused', (name, text) => expect(() => hexOf(name, text)).toThrow(WireError));
});

test('shown as it is written: names, unknown ones by their numbers, and what is no list as bytes', () => {
  const show = (hex: string) => formatTlvs(dictionary, '241.5', Buffer.from(hex, 'hex'));
  expect(show('0206000003e8080600000001')).toBe('{ IP-Port-Limit = 1000, IP-Port-Alloc = Allocation }');
  expect(show('0b06612c2262')).toBe('{ IP-Port-Local-Id = "a,\\"b" }');
  expect(show('c8040102')).toBe('{ Attribute-241.5.200 = 0x0102 }');
  for (const hex of ['', '02', '0201', '020700000001']) expect(show(hex)).toBe(`0x${hex}`);
});

test('RFC 6929 §2.3: whatever the bytes, what is shown can be written and gives them again', () => {
  const tlv = fc.record({ type: fc.integer({ min: 1, max: 14 }), value: fc.uint8Array({ maxLength: 12 }) });
  fc.assert(
    fc.property(fc.array(tlv, { minLength: 1, maxLength: 8 }), (list) => {
      const tlvs = list.map(({ type, value }) => ({ type, value: Buffer.from(value) }));
      const bytes = encodeTlvs(tlvs);
      expect(decodeTlvs(bytes)).toEqual(tlvs);
      const written = parseAttribute(dictionary, 'IP-Port-Limit-Info', formatTlvs(dictionary, '241.5', bytes));
      expect(decodeExtended([written])).toEqual([{ type: 241, extendedType: 5, value: bytes }]);
    }),
    { seed: 6929 },
  );
});

test('any bytes are a list or none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
      const tlvs = decodeTlvs(Buffer.from(noise));
      if (tlvs !== undefined) expect(encodeTlvs(tlvs)).toEqual(Buffer.from(noise));
    }),
  );
});
