import { describe, expect, test } from 'vitest';
import { raw } from './testing/raw-exchange.ts';
import { testServer } from './testing/test-server.ts';

describe('bad requests', () => {
  for (const [what, text] of [
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: app.company\r\nHost: b.company\r\n\r\n'],
    ['an absolute target for somebody else', 'GET http://evil.company/ HTTP/1.1\r\nHost: app.company\r\n\r\n'],
    ['the asterisk', 'OPTIONS * HTTP/1.1\r\nHost: app.company\r\n\r\n'],
    ['a fragment', 'GET /a#b HTTP/1.1\r\nHost: app.company\r\nConnection: close\r\n\r\n'],
    [
      'both lengths',
      'POST / HTTP/1.1\r\nHost: app.company\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: app.company\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd'],
    ['a bare line feed in a header', 'GET / HTTP/1.1\r\nHost: app.company\r\nX: a\nY: b\r\n\r\n'],
    ['an obsolete fold', 'GET / HTTP/1.1\r\nHost: app.company\r\nX: a\r\n b\r\nConnection: close\r\n\r\n'],
    ['a blank in a header name', 'GET / HTTP/1.1\r\nHost : app.company\r\n\r\n'],
    ['a wrong chunk length', 'POST / HTTP/1.1\r\nHost: app.company\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n'],
    [
      'an unknown coding',
      'POST / HTTP/1.1\r\nHost: app.company\r\nTransfer-Encoding: xchunked\r\nConnection: close\r\n\r\n',
    ],
    ['CONNECT', 'CONNECT app.company:443 HTTP/1.1\r\nHost: app.company\r\n\r\n'],
  ] as const) {
    test(`issue 6, smuggling: ${what} reaches no upstream`, async () => {
      await using proxy = await testServer();
      const { cookie } = await proxy.login();
      const answer = await raw(proxy.port, text.replace('\r\n', `\r\nCookie: ${cookie}\r\n`));
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
      expect(proxy.upstream.seen).toEqual([]);
    });
  }
});
