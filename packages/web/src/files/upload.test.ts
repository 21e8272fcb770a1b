import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fileName } from './upload.ts';

test.each([
  ['wiki logo.svg', 'wiki-logo.svg'],
  ['Größe (2).png', 'Gro-e-2.png'],
  ['.hidden', 'hidden'],
  ['../../etc/passwd', 'etc-passwd'],
  ['日本.jpg', 'jpg'],
  ['', 'file'],
])('files §6.1: %j is stored as %j', (given, stored) => {
  expect(fileName(given)).toBe(stored);
});

test('files §6.1: whatever a file is called, its name breaks no rule', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (given) => {
      const name = fileName(given);
      expect(name).toMatch(/^[a-zA-Z0-9_][a-zA-Z0-9._-]*$/);
      expect(name.split('/')).not.toContain('..');
    }),
    { seed: 61 },
  );
});
