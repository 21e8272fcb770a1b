import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TextSignatures } from './text-signatures.ts';

const text = fc.string({ unit: fc.constantFrom(...'abcdé 7@.'), maxLength: 12 });

test('every row that holds the texts is found, after any changes', () => {
  const change = fc.tuple(fc.nat({ max: 20 }), fc.array(text, { maxLength: 3 }));
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 40 }),
      fc.array(text, { minLength: 1, maxLength: 3 }),
      (changes, texts) => {
        const signatures = new TextSignatures();
        const plain = new Map<number, readonly string[]>();
        for (const [row, values] of changes) {
          signatures.put(row, values);
          plain.set(row, values);
        }
        const found = signatures.rowsWith(texts);
        if (texts.every(({ length }) => length < 3)) expect(found).toBeUndefined();
        else
          for (const [row, values] of plain)
            if (values.some((value) => texts.every((part) => value.includes(part)))) expect(found).toContain(row);
      },
    ),
    { seed: 4511 },
  );
});

test('few other rows are found among many', () => {
  const signatures = new TextSignatures();
  for (let row = 0; row < 20_000; row += 1) signatures.put(row, [`person${row * 7919}@example.org`]);
  const found = signatures.rowsWith(['7919000@example']);
  expect(found).toContain(1_000);
  expect(found?.length).toBeLessThan(200);
});

test('a row that is gone has no signature', () => {
  const signatures = new TextSignatures();
  signatures.put(3, ['abcdef']);
  signatures.put(3, []);
  expect(signatures.rowsWith(['cde'])).toEqual(new Uint32Array(0));
});
