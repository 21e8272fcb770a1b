import { DN as OracleDn } from '@ldapjs/dn';
import oracleFilter from '@ldapjs/filter';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frameSize } from '../ber/index.ts';
import { WireError } from '../errors.ts';
import { vectorSuite } from '../testing/index.ts';
import vectors from '../vectors/ldap.json' with { type: 'json' };
import {
  decodePagedResults,
  decodeRequest,
  decodeResponse,
  dnKey,
  dnKeyOf,
  encodePagedResults,
  encodeRequest,
  encodeResponse,
  escapeValue,
  type Filter,
  formatDn,
  formatFilter,
  isWithin,
  MessageFramer,
  parentKey,
  parseDn,
  parseFilter,
  type ResultCode,
  writeResponse,
} from './index.ts';

/** The long form: `FUZZ_RUNS=1000000 npx vitest run packages/wire/src/ldap ldap/src/directory`. */
const fuzzRuns = Number(process.env['FUZZ_RUNS'] ?? 5_000);
const limits = { maxBytes: 262_144, maxDepth: 64, maxFilterNodes: 4096 };
const frame = (bytes: Buffer) => {
  const size = frameSize(bytes, 0x30, limits.maxBytes);
  return size === undefined || size > bytes.length ? undefined : size;
};
const of = (direction: string) => vectors.filter((one) => one.direction === direction);

vectorSuite(
  'LDAP requests',
  { decode: (bytes) => decodeRequest(bytes, limits), encode: encodeRequest, frame },
  of('request').filter(({ hex }) => !/^30[0-9a-f]{2}02010[0-9a-f](66|68|6c)/.test(hex)),
);
vectorSuite(
  'LDAP responses',
  { decode: (bytes) => decodeResponse(bytes, limits), encode: encodeResponse, frame },
  of('response'),
);

describe('malformed input', () => {
  const bad: readonly [string, string][] = [
    ['Q1', '30020205'],
    ['Q4', '3005040141 4200'.replace(' ', '')],
    ['Q5', '30050201010400'],
    ['Q6', '3000'],
  ];
  for (const [name, hex] of bad) {
    test(`ldap §17 ${name} is refused as malformed`, () => {
      expect(() => decodeRequest(Buffer.from(hex, 'hex'), limits)).toThrow(
        expect.objectContaining({ code: 'ERR_WIRE_MALFORMED' }),
      );
    });
  }
  for (const [name, hex, code] of [
    ['Q2', '30847fffffff', 'ERR_WIRE_TOO_LARGE'],
    ['Q3', '308002010142000000', 'ERR_WIRE_MALFORMED'],
    ['Q8', Buffer.from('GET / HTTP').toString('hex'), 'ERR_WIRE_MALFORMED'],
    ['Q9', '160301', 'ERR_WIRE_MALFORMED'],
    ['five length octets', '30850000000001', 'ERR_WIRE_MALFORMED'],
  ] as const) {
    test(`ldap §17 ${name}: the stream is given up at once, nothing is allocated`, () => {
      expect(() => frame(Buffer.from(hex, 'hex'))).toThrow(expect.objectContaining({ code }));
    });
  }

  for (const depth of [10_000, 1_000_000]) {
    test(`ldap §17 Q10: a filter nested ${depth} times costs no more than its limit`, () => {
      const innermost = Buffer.from('8702636e', 'hex');
      const headers = Array.from({ length: depth }, (_, level) =>
        Buffer.concat([Buffer.from([0xa2, 0x84]), uint32(innermost.length + 6 * (depth - 1 - level))]),
      );
      const filter = Buffer.concat([...headers, innermost]);
      const rest = Buffer.from('04000a01020a0100020100020100010100', 'hex');
      const search = Buffer.concat([rest, filter, Buffer.from('3000', 'hex')]);
      const op = Buffer.concat([Buffer.from([0x63, 0x84]), uint32(search.length), search]);
      const body = Buffer.concat([Buffer.from('020101', 'hex'), op]);
      const message = Buffer.concat([Buffer.from([0x30, 0x84]), uint32(body.length), body]);
      expect(() => decodeRequest(message, { ...limits, maxBytes: 2 ** 31 })).toThrow(
        expect.objectContaining({ code: 'ERR_WIRE_TOO_LARGE' }),
      );
    });
  }

  test('whatever arrives is a message or a typed error', () => {
    const seeds = of('request').map(({ hex }) => Buffer.from(hex, 'hex'));
    const edit = fc.record({ at: fc.nat(), byte: fc.nat(255), kind: fc.constantFrom('set', 'insert', 'remove') });
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 8 }), (seed, edits) => {
        let bytes = [...seed];
        for (const { at, byte, kind } of edits) {
          const place = at % bytes.length;
          bytes =
            kind === 'set'
              ? bytes.with(place, byte)
              : kind === 'insert'
                ? bytes.toSpliced(place, 0, byte)
                : bytes.toSpliced(place, 1);
          if (bytes.length === 0) return;
        }
        try {
          decodeRequest(Buffer.from(bytes), limits);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
      { numRuns: fuzzRuns },
    );
  });
});

test('ldap 39: 100 messages in one segment, and single bytes, come out the same', () => {
  const stream = Buffer.concat(
    Array.from({ length: 100 }, (_, id) =>
      encodeRequest({ messageId: id, op: { op: 'abandonRequest', target: id }, controls: [] }),
    ),
  );
  const read = (chunks: Iterable<Buffer>) => {
    const framer = new MessageFramer();
    const ids: number[] = [];
    for (const chunk of chunks) {
      framer.push(chunk);
      for (let message = framer.next(limits.maxBytes); message !== undefined; message = framer.next(limits.maxBytes))
        ids.push(decodeRequest(message, limits).messageId);
    }
    expect(framer.pending).toBe(0);
    return ids;
  };
  const expected = Array.from({ length: 100 }, (_, id) => id);
  expect(read([stream])).toEqual(expected);
  expect(read([...stream].map((byte) => Buffer.from([byte])))).toEqual(expected);
});

test('a message in many segments is joined once, not once a segment', () => {
  const message = encodeResponse({
    messageId: 1,
    op: { op: 'searchResultDone', resultCode: 0, diagnosticMessage: 'x'.repeat(200_000) },
    controls: [],
  });
  const framer = new MessageFramer();
  for (let at = 0; at < message.length - 1; at += 1) {
    framer.push(message.subarray(at, at + 1));
    if (framer.next(limits.maxBytes) !== undefined) throw new Error('too early');
  }
  framer.push(message.subarray(-1));
  expect(framer.next(limits.maxBytes)?.equals(message)).toBe(true);
});

test('a response that is written where it goes is the encoded one', () => {
  const ops = ['bindResponse', 'searchResultDone', 'compareResponse', 'extendedResponse', 'delResponse'] as const;
  const texts = fc.constantFrom({}, { diagnosticMessage: '!' }, { matchedDN: 'dc=x' });
  const sink = {
    bytes: Buffer.alloc(0),
    room(size: number) {
      this.bytes = Buffer.alloc(size + 3, 0xee);
      return 3;
    },
  };
  fc.assert(
    fc.property(fc.nat(2 ** 31 - 1), fc.constantFrom(...ops), fc.nat(300), texts, (messageId, op, code, more) => {
      const response = { messageId, op: { op, resultCode: code as ResultCode, ...more }, controls: [] };
      writeResponse(response, sink);
      expect(sink.bytes.subarray(3)).toEqual(encodeResponse(response));
    }),
  );
});

test('ldap 41: message ids 0, 127, 128 and 2147483647 survive', () => {
  for (const messageId of [0, 127, 128, 2_147_483_647]) {
    const bytes = encodeResponse({ messageId, op: { op: 'searchResultDone', resultCode: 0 }, controls: [] });
    expect(decodeResponse(bytes, limits).messageId).toBe(messageId);
  }
});

test('RFC 2696: the paged results value comes back', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 31 - 1), fc.uint8Array({ maxLength: 40 }), (size, cookie) => {
      expect(
        decodePagedResults(encodePagedResults({ size, cookie: Buffer.from(cookie) }).value ?? Buffer.alloc(0)),
      ).toEqual({ size, cookie: Buffer.from(cookie) });
    }),
  );
});

describe('distinguished names', () => {
  const same: readonly [string, string][] = [
    ['OU=Users, DC=LDAP, DC=goauthentik, DC=io', 'ou=users,dc=ldap,dc=goauthentik,dc=io'],
    ['cn=a;ou=b', 'cn=a,ou=b'],
    ['cn=  two   spaces  ,o=x', 'cn=two spaces,o=x'],
    ['cn=x+uid=1,o=y', 'uid=1+CN=X,o=y'],
    ["cn=o'neil\\, pat,ou=users", "cn=o'neil\\2C pat,ou=users"],
    ['cn="quoted, name",o=x', 'cn=quoted\\, name,o=x'],
    ['cn=#04024869', 'cn=Hi'],
    ['cn=\\C3\\BC', 'cn=Ü'],
    ['oid.2.5.4.3=x', '2.5.4.3=X'],
    ['', ''],
    ['cn=', 'CN='],
  ];
  for (const [one, other] of same)
    test(`ldap §5.2: "${one}" is "${other}"`, () => expect(dnKey(parseDn(one))).toBe(dnKey(parseDn(other))));
  for (const bad of [
    'cn',
    '=x',
    'cn=x,',
    ',cn=x',
    'cn=x,,o=y',
    'cn=\\',
    'cn=\\zz',
    'cn=a"b',
    'cn="a',
    'cn=#1',
    'cn=#0499',
    'cn=\\ff',
    '1.=x',
  ]) {
    test(`RFC 4514: "${bad}" is no DN`, () => expect(dnKeyOf(bad)).toBeUndefined());
  }

  const type = fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/);
  const value = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.string({ unit: fc.constantFrom(' ', ',', '+', '"', '\\', '<', '>', ';', '#', '=', 'a', '\0'), maxLength: 8 }),
  );
  const dn = fc.array(fc.array(fc.record({ type, value }), { minLength: 1, maxLength: 3 }), { maxLength: 4 });

  test('RFC 4514: format then parse gives the same DN', () => {
    fc.assert(
      fc.property(dn, (rdns) => {
        expect(parseDn(formatDn(rdns))).toEqual(rdns);
      }),
      { seed: 4514 },
    );
  });

  test('the key of the parent is the key of the rest; what is below is within', () => {
    fc.assert(
      fc.property(dn, (rdns) => {
        if (rdns.length === 0) return;
        expect(parentKey(dnKey(rdns))).toBe(dnKey(rdns.slice(1)));
        expect(isWithin(dnKey(rdns), dnKey(rdns.slice(1)))).toBe(true);
      }),
    );
    expect(isWithin(dnKeyOf('cn=a\\,o=x') ?? dnKey([]), dnKeyOf('o=x') ?? dnKey([]))).toBe(false);
    expect(isWithin(dnKeyOf('cn=a,oo=x') ?? dnKey([]), dnKeyOf('o=x') ?? dnKey([]))).toBe(false);
  });

  test('the oracle reads what we write', () => {
    const printable = fc
      .string({
        unit: fc.constantFrom('a', 'B', '1', ' ', ',', '+', '"', '\\', '<', '>', ';', '#', '='),
        minLength: 1,
        maxLength: 8,
      })
      .filter((one) => one.trim() === one);
    fc.assert(
      fc.property(fc.array(fc.record({ type, value: printable }), { minLength: 1, maxLength: 4 }), (pairs) => {
        const text = pairs.map((pair) => `${pair.type}=${escapeValue(pair.value)}`).join(',');
        expect(OracleDn.fromString(text).length).toBe(pairs.length);
      }),
    );
  });
});

describe('filters', () => {
  const attribute = fc.constantFrom('cn', 'mail', 'memberOf', 'ak-active');
  const octets = fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes));
  const some = fc.uint8Array({ minLength: 1, maxLength: 6 }).map((bytes) => Buffer.from(bytes));
  const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
    filter: fc.oneof(
      { depthSize: 'small' },
      fc.record({
        kind: fc.constantFrom(
          'equalityMatch' as const,
          'greaterOrEqual' as const,
          'lessOrEqual' as const,
          'approxMatch' as const,
        ),
        attribute,
        value: octets,
      }),
      fc.record({ kind: fc.constant('present' as const), attribute }),
      fc.record({
        kind: fc.constant('substrings' as const),
        attribute,
        initial: fc.option(some, { nil: undefined }),
        any: fc.array(some, { minLength: 1, maxLength: 2 }),
        final: fc.option(some, { nil: undefined }),
      }),
      fc.record({
        kind: fc.constant('extensibleMatch' as const),
        rule: fc.option(fc.constant('2.5.13.2'), { nil: undefined }),
        attribute: fc.constant('cn'),
        value: octets,
        dnAttributes: fc.boolean(),
      }),
      fc.record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        filters: fc.array(tie('filter'), { maxLength: 3 }),
      }),
      fc.record({ kind: fc.constant('not' as const), filter: tie('filter') }),
    ),
  }));

  test('RFC 4511: encode then decode gives the same tree', () => {
    fc.assert(
      fc.property(filter, (tree) => {
        const op = {
          op: 'searchRequest',
          baseObject: '',
          scope: 'wholeSubtree',
          derefAliases: 0,
          sizeLimit: 0,
          timeLimit: 0,
          typesOnly: false,
          filter: tree,
          attributes: [],
        } as const;
        expect(decodeRequest(encodeRequest({ messageId: 1, op, controls: [] }), limits).op).toEqual(op);
      }),
    );
  });

  test('RFC 4515: format then parse gives the same tree', () => {
    fc.assert(
      fc.property(filter, (tree) => {
        expect(parseFilter(formatFilter(tree))).toEqual(tree);
      }),
    );
  });

  for (const text of [
    '(cn=a\\29b)',
    '(cn=\\2a)',
    '(cn=)',
    '(&)',
    '(|)',
    '(displayName=a*b*c)',
    '(cn:dn:2.5.13.2:=x)',
    '(memberOf:1.2.840.113556.1.4.1941:=cn=a,o=b)',
    '(!(a=b))',
    '(uidNumber>=5)',
  ]) {
    test(`RFC 4515: ${text} reads and writes as itself`, () => expect(formatFilter(parseFilter(text))).toBe(text));
  }
  for (const bad of [
    '',
    '(',
    '(cn=x',
    'cn=x',
    '(=x)',
    '(cn=x))',
    '(:=x)',
    '(cn=\\2)',
    '(!)',
    `${'('.repeat(500)}`,
    '(&(a=b)',
  ]) {
    test(`RFC 4515: "${bad.slice(0, 20)}" is no filter`, () => expect(() => parseFilter(bad)).toThrow(WireError));
  }

  test('the oracle makes the same bytes of an ordinary filter', () => {
    for (const text of [
      '(&(objectClass=user)(|(cn=jd*)(mail=*@example.com)(displayName=a*b*c))(!(ak-active=FALSE))(memberOf=*))',
      '(uidNumber>=2006)',
      '(cn~=x)',
    ]) {
      const theirs: Buffer = oracleFilter.parseString(text).toBer().buffer;
      const op = {
        op: 'searchRequest',
        baseObject: '',
        scope: 'baseObject',
        derefAliases: 0,
        sizeLimit: 0,
        timeLimit: 0,
        typesOnly: false,
        filter: parseFilter(text),
        attributes: [],
      } as const;
      expect(encodeRequest({ messageId: 1, op, controls: [] }).includes(theirs), text).toBe(true);
    }
  });
});

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

test('RFC 4514: the key of a plain name is made without parsing, and is the same', () => {
  const part = fc.stringMatching(/^[ -~]{0,12}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('cn', 'OU', 'dc', 'oid.2.5.4.3', '2.5.4.3'), part)), (pairs) => {
      const text = pairs.map(([type, value]) => `${type}=${value}`).join(',');
      const parsed = attempt(() => dnKey(parseDn(text)));
      expect(dnKeyOf(text)).toBe(parsed);
    }),
    { numRuns: 2_000 },
  );
});

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
