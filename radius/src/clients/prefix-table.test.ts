// The table against the plain search of the daemon, on networks that nest, repeat and touch.
import { isIPv6 } from 'node:net';
import { createCidrSet, parseCidr } from '@gatehouse/daemon/net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPrefixTable } from './prefix-table.ts';

const octet = fc.constantFrom(0, 1, 127, 128, 254, 255);
const network4 = fc.record({ bytes: fc.array(octet, { minLength: 4, maxLength: 4 }), prefix: fc.nat(32) });
const network6 = fc.record({ bytes: fc.array(octet, { minLength: 16, maxLength: 16 }), prefix: fc.nat(128) });
const text = (bytes: readonly number[]) =>
  bytes.length === 4
    ? bytes.join('.')
    : Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] ?? 0) * 256 + (bytes[2 * at + 1] ?? 0)).toString(16)).join(
        ':',
      );

for (const [name, network, width] of [
  ['IPv4', network4, 4],
  ['IPv6', network6, 16],
] as const)
  test(`radius §4.2: ${name}: the same answer as the plain search`, () => {
    const address = fc.array(octet, { minLength: width, maxLength: width });
    fc.assert(
      fc.property(
        fc.array(network, { maxLength: 30 }),
        fc.array(address, { minLength: 1, maxLength: 20 }),
        (given, asked) => {
          const cidrs = given.map(({ bytes, prefix }) => `${text(bytes)}/${prefix}`);
          const plain = createCidrSet(cidrs);
          const table = createPrefixTable(
            given.map(({ bytes, prefix }, at) => ({ bytes: Uint8Array.from(bytes), prefix, value: cidrs[at] })),
          );
          for (const bytes of [...asked, ...given.map((one) => one.bytes)])
            expect(table.find(text(bytes)), text(bytes)).toBe(plain.longest(text(bytes)));
        },
      ),
      { seed: 42, numRuns: 500 },
    );
  });

test('radius §4.2: what is no address has no network', () => {
  const table = createPrefixTable([
    { bytes: new Uint8Array(4), prefix: 0, value: 'four' },
    { bytes: new Uint8Array(16), prefix: 0, value: 'six' },
  ]);
  for (const nothing of ['', '1.2.3', '1.2.3.256', '1.2.3.4.5', 'host', ':::', '1.2..3'])
    expect(table.find(nothing), nothing).toBeUndefined();
  expect([table.find('0.0.0.0'), table.find('255.255.255.255'), table.find('::'), table.find('ffff::1')]).toEqual([
    'four',
    'four',
    'six',
    'six',
  ]);
});

test('radius §4.2: IPv6 text is read as node:net reads it', () => {
  const table = createPrefixTable([{ bytes: new Uint8Array(16), prefix: 0, value: 'six' }]);
  const piece = fc.constantFrom(':', '::', '0', '1', 'ab', 'ffff', 'FE80', '12345', 'g', '');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 18 }), (pieces) => {
      const text = pieces.join('');
      expect(table.find(text) === 'six', text).toBe(isIPv6(text));
    }),
    { seed: 4291, numRuns: 20_000 },
  );
  const address = fc.ipV6().filter((one) => !one.includes('.'));
  fc.assert(
    fc.property(address, (text) => {
      const bytes = canonicalBytes(text);
      const own = createPrefixTable([{ bytes, prefix: 128, value: 'own' }]);
      expect(own.find(text)).toBe('own');
    }),
    { seed: 4291 },
  );
});

/** By the plain parser of the daemon. */
function canonicalBytes(text: string): Buffer {
  return Buffer.from(parseCidr(text).bits.toString(16).padStart(32, '0'), 'hex');
}
