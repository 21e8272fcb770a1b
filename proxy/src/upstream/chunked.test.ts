import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChunkedDecoder } from './chunked.ts';

interface Decoded {
  readonly data: string;
  readonly trailers: readonly string[] | undefined;
  readonly used: number;
}

/** Feeds the text in pieces that end at `cuts`. */
function decode(text: string, cuts: readonly number[] = []): Decoded {
  let data = '';
  let trailers: readonly string[] | undefined;
  const decoder = new ChunkedDecoder({
    onData: (piece) => {
      data += piece.toString('latin1');
    },
    onEnd: (given) => {
      trailers = [...given];
    },
  });
  const bytes = Buffer.from(text, 'latin1');
  const edges = [...new Set(cuts.map((cut) => Math.min(cut, bytes.length)))].sort((one, other) => one - other);
  let used = 0;
  let from = 0;
  for (const to of [...edges, bytes.length]) {
    used += decoder.push(bytes.subarray(from, to));
    from = to;
  }
  return { data, trailers, used };
}

const encode = (chunks: readonly string[], tail = '') =>
  `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n${tail}\r\n`;
const latin1 = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 50 }).map((bytes) => {
  return Buffer.from(bytes).toString('latin1');
});

describe('RFC 9112 §7.1: the chunked coding', () => {
  test('whatever was encoded comes out, wherever it is cut, and what follows is not touched', () => {
    fc.assert(
      fc.property(fc.array(latin1), fc.array(fc.nat(400)), latin1, (chunks, cuts, next) => {
        const text = encode(chunks, 'X-Sum: 4 2\r\nX-Empty:\r\n');
        expect(decode(text + next, cuts)).toEqual({
          data: chunks.join(''),
          trailers: ['X-Sum', '4 2', 'X-Empty', ''],
          used: text.length,
        });
      }),
    );
  });
  test('extensions are passed over', () => {
    expect(decode('5 ;a="b"\r\nhello\r\n0;x\r\n\r\n').data).toBe('hello');
  });
  test('a body that does not end is not over', () => {
    const text = encode(['hello']);
    for (let end = 0; end < text.length; end++) expect(decode(text.slice(0, end)).trailers).toBeUndefined();
  });
  for (const text of [
    'x\r\n',
    '\r\n',
    '-1\r\n',
    '0x5\r\nhello\r\n',
    '5\nhello\r\n0\r\n\r\n',
    '5\r\nhello!\r\n',
    '5\r\nhelloX\n',
    'fffffffffffff\r\n',
    ' 5\r\nhello\r\n',
    '0\r\nno trailer\r\n\r\n',
    '0\r\nX: a\rb\r\n\r\n',
    '0\r\nX : a\r\n\r\n',
    `5;${'x'.repeat(20_000)}`,
    `0\r\n${'X: y\r\n'.repeat(10_000)}`,
  ]) {
    test(`refused: ${JSON.stringify(text.slice(0, 30))}`, () => {
      expect(() => decode(text)).toThrow(expect.objectContaining({ code: 'ERR_PROXY_UPSTREAM' }));
    });
  }
  test('any bytes are a body or refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('0', '5', 'a', '\r', '\n', ';', ':', 'X', '\0') }), (text) => {
        try {
          expect(decode(text).used).toBeLessThanOrEqual(text.length);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_PROXY_UPSTREAM' });
        }
      }),
    );
  });
});
