// Packed numbers against the plain collections that they stand for.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowSet } from './columns.ts';
import { HashIndex } from './hash-index.ts';

const row = fc.nat(300);

test('a set of rows holds what a Set holds', () =>
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), row), { maxLength: 400 }), (steps) => {
      const [rows, plain] = [new RowSet(), new Set<number>()];
      for (const [adds, at] of steps) {
        if (adds) rows.add(at);
        else rows.delete(at);
        if (adds) plain.add(at);
        else plain.delete(at);
        expect([rows.has(at), rows.size]).toEqual([plain.has(at), plain.size]);
      }
      for (let at = 0; at <= 330; at += 1) expect(rows.has(at)).toBe(plain.has(at));
    }),
  ));

test('rows that are in one set and not in another come in their order', () =>
  fc.assert(
    fc.property(fc.array(row), fc.array(row), (here, there) => {
      const [one, other] = [new RowSet(), new RowSet()];
      for (const at of here) one.add(at);
      for (const at of there) other.add(at);
      const expected = [...new Set(here)].filter((at) => !there.includes(at)).sort((a, b) => a - b);
      expect([...one.besides(other)]).toEqual(expected);
    }),
  ));

const hash = fc.oneof(fc.nat(20), fc.nat(2 ** 32 - 1), fc.constantFrom(2 ** 32 - 1, 2 ** 31, 64, 128));

test('a hash index finds what was put under a hash, each time that it has grown', () =>
  fc.assert(
    fc.property(fc.array(fc.tuple(hash, row), { maxLength: 2_000 }), (entries) => {
      const index = new HashIndex();
      const plain = new Map<number, number[]>();
      for (const [key, at] of entries) {
        index.add(key, at);
        plain.set(key, [...(plain.get(key) ?? []), at]);
        expect(index.find(key, (one) => one === at)).toBe(at);
      }
      expect(index.size).toBe(entries.length);
      for (const [key, rows] of plain) {
        expect(index.rows(key).sort()).toEqual(rows.sort());
        expect(index.find(key, () => false)).toBeUndefined();
      }
    }),
  ));
