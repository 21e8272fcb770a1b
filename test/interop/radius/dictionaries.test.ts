// Our dictionaries beside those of FreeRADIUS: each attribute that both know has the same number, and a type of the same octets.
import { existsSync, readFileSync } from 'node:fs';
import { createDictionary, type ValueType } from '@gatehouse/wire/radius';
import { describe, expect, test } from 'vitest';

const folder = '/usr/share/freeradius';
const isMissing = !existsSync(`${folder}/dictionary`);
if (isMissing && process.env['CI'] !== undefined) throw new Error('the dictionaries of FreeRADIUS are missing');
const dictionary = createDictionary();

interface Theirs {
  readonly name: string;
  readonly number: number;
  readonly type: string;
  readonly flags: string;
}

/** Plain `ATTRIBUTE name number type flags` lines; sub-attributes of other formats are left out. */
function read(file: string): Theirs[] {
  const text = readFileSync(`${folder}/dictionary.${file}`, 'latin1');
  return [...text.matchAll(/^ATTRIBUTE\s+(\S+)\s+(\d+)\s+(\S+)[ \t]*(\S*)/gm)].map(
    ([, name = '', number, type = '', flags = '']) => ({ name, number: Number(number), type, flags }),
  );
}

/** What we may call a value of theirs. */
const fits: Readonly<Record<string, readonly ValueType[]>> = {
  string: ['text', 'tagged-text', 'hidden', 'salted', 'tagged-salted'],
  integer: ['integer', 'tagged-integer'],
  octets: ['octets', 'hidden', 'salted', 'tagged-salted'],
  ipaddr: ['ipaddr'],
  ipv6addr: ['ipv6addr'],
  ipv6prefix: ['ipv6prefix'],
  ipv4prefix: ['ipv4prefix'],
  ifid: ['ifid'],
  date: ['date'],
  ether: ['octets'],
  integer64: ['integer64'],
  vsa: ['octets'],
};

/** `octets[14]` are octets. */
const plain = (type: string) => type.replace(/\[.*/, '');

describe.skipIf(isMissing)('dictionaries', () => {
  test.each([
    ['cisco', 9, 60],
    ['microsoft', 311, 40],
    ['apc', 318, 3],
    ['cisco.asa', 3076, 100],
    ['fortinet', 12356, 15],
    ['wispr', 14122, 8],
    ['aruba', 14823, 40],
    ['mikrotik', 14988, 20],
    ['ruckus', 25053, 20],
    ['paloalto', 25461, 5],
  ])('dictionary.%s: the attributes of vendor %i', (file, vendor, least) => {
    const theirs = read(file);
    const both = theirs.flatMap((one) => {
      const ours = dictionary.byNumber(vendor, one.number);
      return ours === undefined ? [] : [{ ...one, ours }];
    });
    expect(both.length, theirs.map(({ name }) => name).join(' ')).toBeGreaterThanOrEqual(least);
    // Theirs has two attributes under one number now and then.
    const isLike = ({ number }: Theirs, valueType: ValueType) =>
      theirs.some((one) => one.number === number && (fits[plain(one.type)] ?? [valueType]).includes(valueType));
    const wrong = both.filter((one) => !isLike(one, one.ours.valueType));
    expect(wrong.map(({ name, type, ours }) => `${name} ${type}: ${ours.name} ${ours.valueType}`)).toEqual([]);
  });

  test.each(['6930', '7499', '7930', '8045', '8559'])(
    'dictionary.rfc%s: what stands in other attributes (RFC 6929), under its name',
    (rfc) => {
      const text = readFileSync(`${folder}/dictionary.rfc${rfc}`, 'latin1');
      const theirs = [...text.matchAll(/^ATTRIBUTE\s+(\S+)\s+(\d+(?:\.\d+)+)\s+(\S+)/gm)];
      expect(theirs.length).toBeGreaterThan(0);
      for (const [, name, path = '', type = ''] of theirs) {
        const ours = dictionary.byNumber(0, path);
        expect(ours?.name, path).toBe(name);
        expect(type === 'tlv' ? ['tlv'] : (fits[plain(type)] ?? []), `${name} ${type}`).toContain(ours?.valueType);
      }
      for (const [, name = '', value = '', number] of text.matchAll(/^VALUE\s+(\S+)\s+(\S+)\s+(\d+)/gm))
        expect(dictionary.byName(name)?.values.get(value.toLowerCase()), `${name} ${value}`).toBe(Number(number));
    },
  );

  test.each([
    '2865',
    '2866',
    '2867',
    '2868',
    '2869',
    '3162',
    '3576',
    '3580',
    '4072',
    '4372',
    '4675',
    '4818',
    '5176',
    '6911',
  ])('dictionary.rfc%s: each attribute of the standard space, under its name', (rfc) => {
    for (const { name, number, type, flags } of read(`rfc${rfc}`)) {
      const ours = dictionary.byNumber(0, number);
      if (name === 'Framed-IPX-Network') continue; // RFC 2865 §5.23: a number, which theirs shows as an address
      expect(ours?.name, `${number}`).toBe(name);
      expect(fits[plain(type)] ?? [], `${name} ${type}`).toContain(ours?.valueType);
      expect(ours?.valueType.startsWith('tagged'), name).toBe(flags.includes('has_tag'));
    }
  });
});
