// Properties of the control and extended value codecs: what is encoded decodes to itself, and whatever else arrives is a value
// or a typed error.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WireError } from '../errors.ts';
import {
  decodeAssertion,
  decodeCancel,
  decodeListViewRequest,
  decodeListViewResult,
  decodeMatchedValues,
  decodePagedResults,
  decodePasswordModify,
  decodeSortRequest,
  decodeSortResult,
  encodeAssertion,
  encodeCancel,
  encodeListViewRequest,
  encodeListViewResult,
  encodeMatchedValues,
  encodePagedResults,
  encodePasswordModify,
  encodeSortRequest,
  encodeSortResult,
  type Filter,
  parseFilter,
  resultCode,
  type SimpleFilter,
} from './index.ts';

const limits = { maxBytes: 65_536, maxDepth: 8, maxFilterNodes: 64 };
const octets = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes));
const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9;-]{0,8}$/);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const count = fc.nat(2 ** 31 - 1);
const code = fc.constantFrom(...Object.values(resultCode));
const octetsOf = ({ value }: { readonly value: Buffer | undefined }): Buffer => value ?? Buffer.alloc(0);

const assertionValue = fc.record({
  kind: fc.constantFrom('equalityMatch' as const, 'greaterOrEqual' as const, 'lessOrEqual' as const),
  attribute: name,
  value: octets,
});
const simpleFilter: fc.Arbitrary<SimpleFilter> = fc.oneof(
  assertionValue,
  fc.record({ kind: fc.constant('present' as const), attribute: name }),
  fc.record({
    kind: fc.constant('extensibleMatch' as const),
    rule: maybe(name),
    attribute: maybe(name),
    value: octets,
    dnAttributes: fc.constant(false),
  }),
);
const filter: fc.Arbitrary<Filter> = fc.oneof(
  simpleFilter,
  fc.record({
    kind: fc.constantFrom('and' as const, 'or' as const),
    filters: fc.array(simpleFilter, { maxLength: 4 }),
  }),
);

test('RFC 2891: sort keys and results survive the wire', () => {
  const keys = fc.array(fc.record({ attribute: name, rule: maybe(name), reverse: fc.boolean() }), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(keys, (given) => {
      expect(decodeSortRequest(octetsOf(encodeSortRequest(given)))).toEqual(given);
    }),
  );
  const result = fc.record({ code, attribute: maybe(name) });
  fc.assert(
    fc.property(result, (given) => {
      expect(decodeSortResult(octetsOf(encodeSortResult(given)))).toEqual(given);
    }),
  );
});

test('VLV: requests and results survive the wire', () => {
  const target = fc.oneof(
    fc.record({ kind: fc.constant('offset' as const), offset: count, contentCount: count }),
    fc.record({ kind: fc.constant('value' as const), value: octets }),
  );
  const request = fc.record({ before: count, after: count, target, contextId: maybe(octets) });
  fc.assert(
    fc.property(request, (given) => {
      expect(decodeListViewRequest(octetsOf(encodeListViewRequest(given)))).toEqual(given);
    }),
  );
  const result = fc.record({ position: count, contentCount: count, code, contextId: maybe(octets) });
  fc.assert(
    fc.property(result, (given) => {
      expect(decodeListViewResult(octetsOf(encodeListViewResult(given)))).toEqual(given);
    }),
  );
});

test('RFC 4528, RFC 3876: filters in controls survive the wire', () => {
  fc.assert(
    fc.property(filter, (given) => {
      expect(decodeAssertion(octetsOf(encodeAssertion(given)), limits)).toEqual(given);
    }),
  );
  fc.assert(
    fc.property(fc.array(simpleFilter, { minLength: 1, maxLength: 4 }), (given) => {
      expect(decodeMatchedValues(octetsOf(encodeMatchedValues(given)), limits)).toEqual(given);
    }),
  );
});

test('RFC 3876: and, or, not and dnAttributes are no filters of values', () => {
  for (const text of ['(&(cn=a)(cn=b))', '(!(cn=a))', '(ou:dn:=x)']) {
    const sequence = Buffer.concat([Buffer.from([0x30, 0]), octetsOf(encodeAssertion(parseFilter(text)))]);
    sequence[1] = sequence.length - 2;
    expect(() => decodeMatchedValues(sequence, limits)).toThrow(WireError);
  }
});

test('RFC 3062, RFC 3909: values of extended operations survive the wire', () => {
  const change = fc.record({ userIdentity: maybe(name), oldPassword: maybe(octets), newPassword: maybe(octets) });
  fc.assert(
    fc.property(change, (given) => {
      expect(decodePasswordModify(encodePasswordModify(given))).toEqual(given);
    }),
  );
  fc.assert(
    fc.property(count, (given) => {
      expect(decodeCancel(encodeCancel(given))).toBe(given);
    }),
  );
});

describe('whatever arrives is a value or a typed error', () => {
  const decoders: readonly (readonly [string, (value: Buffer) => unknown])[] = [
    ['paged results', decodePagedResults],
    ['sort request', decodeSortRequest],
    ['sort result', decodeSortResult],
    ['list view request', decodeListViewRequest],
    ['list view result', decodeListViewResult],
    ['assertion', (value) => decodeAssertion(value, limits)],
    ['matched values', (value) => decodeMatchedValues(value, limits)],
    ['password modify', decodePasswordModify],
    ['cancel', decodeCancel],
  ];
  const seeds = [
    encodePagedResults({ size: 100, cookie: Buffer.from('cookie') }),
    encodeSortRequest([{ attribute: 'cn', rule: '2.5.13.3', reverse: true }]),
    encodeListViewRequest({
      before: 1,
      after: 2,
      target: { kind: 'offset', offset: 3, contentCount: 4 },
      contextId: Buffer.from('x'),
    }),
    encodeAssertion(parseFilter('(&(cn=a*b)(mail:caseExactMatch:=x))')),
  ].map(octetsOf);
  const arrived = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(fc.constantFrom(...seeds), fc.nat(), fc.nat(255))
      .map(([seed, at, byte]) => Buffer.from(seed.map((own, place) => (place === at % seed.length ? byte : own)))),
  );
  test.each(decoders)('%s', (_name, decode) => {
    fc.assert(
      fc.property(arrived, (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
