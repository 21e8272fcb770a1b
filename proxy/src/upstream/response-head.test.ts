import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseResponseHead } from './response-head.ts';

const head = (lines: readonly string[], hasBody = true) => parseResponseHead(`${lines.join('\r\n')}\r\n`, hasBody);

describe('RFC 9112: heads of answers', () => {
  test('what may pass stays as it came; hop-by-hop and what Connection names goes', () => {
    const read = head([
      'HTTP/1.1 418 short and stout',
      'server:up',
      'Connection: keep-alive, X-Hop',
      'Keep-Alive: timeout=5',
      'Set-Cookie: a=1',
      'X-Hop: 1',
      'X-Powered-By: php',
      'SET-COOKIE:  b=2 ',
      'Content-Length: 3',
    ]);
    expect(read).toEqual({
      status: 418,
      reason: 'short and stout',
      lines: 'server:up\r\nSet-Cookie: a=1\r\nSET-COOKIE:  b=2 \r\nContent-Length: 3\r\n',
      framing: { kind: 'length', length: 3 },
      keepsAlive: true,
      hasDate: false,
    });
  });
  for (const [what, lines, framing, keepsAlive] of [
    ['chunked', ['HTTP/1.1 200 OK', 'Transfer-Encoding: Chunked'], { kind: 'chunked' }, true],
    ['neither', ['HTTP/1.1 200 OK'], { kind: 'close' }, true],
    ['closing', ['HTTP/1.1 200 OK', 'Connection: close', 'Content-Length: 0'], { kind: 'length', length: 0 }, false],
    ['HTTP/1.0', ['HTTP/1.0 200 OK', 'Content-Length: 1'], { kind: 'length', length: 1 }, false],
    ['no reason', ['HTTP/1.1 204', 'Date: x'], { kind: 'length', length: 0 }, true],
    [
      '304 with the length of what is not sent',
      ['HTTP/1.1 304 x', 'Content-Length: 9'],
      { kind: 'length', length: 0 },
      true,
    ],
  ] as const) {
    test(`§6.3: ${what}`, () => expect(head(lines)).toMatchObject({ framing, keepsAlive }));
  }
  test('§6.3: an answer to HEAD has no body, whatever it says', () => {
    expect(head(['HTTP/1.1 200 OK', 'Content-Length: 9'], false).framing).toEqual({ kind: 'length', length: 0 });
    expect(head(['HTTP/1.1 200 OK', 'Content-Length: 9'], false).lines).toContain('Content-Length: 9');
  });
  for (const lines of [
    ['HTTP/2 200 OK'],
    ['HTTP/1.1 2000 OK'],
    ['HTTP/1.1 099 OK'],
    ['ICY 200 OK'],
    ['HTTP/1.1 200 OK', 'Content-Length: 1', 'Transfer-Encoding: chunked'],
    ['HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 2'],
    ['HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 1'],
    ['HTTP/1.1 200 OK', 'Content-Length: +1'],
    ['HTTP/1.1 200 OK', 'Content-Length: 1, 1'],
    ['HTTP/1.1 200 OK', 'Transfer-Encoding: gzip, chunked'],
    ['HTTP/1.1 200 OK', 'Transfer-Encoding: identity'],
    ['HTTP/1.1 200 OK', 'X : y'],
    ['HTTP/1.1 200 OK', ' folded'],
    ['HTTP/1.1 200 OK', 'X: a\nY: b'],
    ['HTTP/1.1 200 OK', 'X: a\rY: b'],
    ['HTTP/1.1 200 OK', 'X: a\0'],
    ['HTTP/1.1 200 OK', 'no colon'],
    ['HTTP/1.1 200 OK', ': no name'],
  ]) {
    test(`refused: ${JSON.stringify(lines)}`, () => {
      expect(() => head(lines)).toThrow(expect.objectContaining({ code: 'ERR_PROXY_UPSTREAM' }));
    });
  }
  test('no line break or control survives, whatever comes', () => {
    const piece = fc.constantFrom(
      'HTTP/1.1 200 OK\r\n',
      'X',
      ': ',
      'y',
      '\r\n',
      '\r',
      '\n',
      '\0',
      '\x7f',
      ' ',
      'Connection: x\r\n',
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        try {
          const { lines } = parseResponseHead(`HTTP/1.1 200 OK\r\n${pieces.join('')}\r\n`, true);
          expect(lines).toMatch(/^(?:[!#-'*+\-.^_`|~\dA-Za-z]+:[\t -~\x80-\xff]*\r\n)*$/);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_PROXY_UPSTREAM' });
        }
      }),
    );
  });
});
