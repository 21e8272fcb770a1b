import { expect, test } from 'vitest';
import { chooseBrand } from './choose.ts';

const brand = (domain: string, webCertificate: string | undefined, isDefault = false) => ({
  domain,
  webCertificate,
  isDefault,
});
const brands = [
  brand('auth.example.com', 'B'),
  brand('example.com', 'A'),
  brand('zzz', 'C', true),
  brand('deep.auth.example.com', undefined),
];

for (const [name, expected] of [
  ['auth.example.com', 'B'],
  ['x.example.com', 'A'],
  ['evil-example.com', 'C'],
  [undefined, 'C'],
  ['AUTH.Example.COM.', 'B'],
  ['deep.auth.example.com', 'B'],
  ['com', 'C'],
] as const) {
  test(`router R38: ${name ?? 'no server name'} gets certificate ${expected}`, () => {
    expect(chooseBrand(brands, name)?.webCertificate).toBe(expected);
    expect(chooseBrand(brands.toReversed(), name)?.webCertificate).toBe(expected);
  });
}

test('router §5.2: without any certificate there is no choice', () => {
  expect(chooseBrand([brand('example.com', undefined, true)], 'example.com')).toBeUndefined();
});
