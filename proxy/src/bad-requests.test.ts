// What makes two parsers of one connection disagree (RFC 9112 §11.2): each ends here, before anybody behind us sees a byte.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { raw } from './testing/raw-exchange.ts';
import { type TestServer, testServer } from './testing/test-server.ts';

const host = 'Host: app.company';
const chunked = `POST / HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n`;
const post = (fields: string, body: string) => `POST / HTTP/1.1\r\n${host}\r\n${fields}\r\n\r\n${body}`;
const smuggled = `GET /smuggled HTTP/1.1\r\n${host}\r\n\r\n`;

const refused: Readonly<Record<string, string>> = {
  'two Hosts': `GET / HTTP/1.1\r\n${host}\r\nHost: b.company\r\n\r\n`,
  'the same Host twice': `GET / HTTP/1.1\r\n${host}\r\n${host}\r\n\r\n`,
  'two Hosts in different case': `GET / HTTP/1.1\r\n${host}\r\nhOST: b.company\r\n\r\n`,
  'no Host': 'GET / HTTP/1.1\r\nX: y\r\n\r\n',
  'a Host that is a list': 'GET / HTTP/1.1\r\nHost: b.company, app.company\r\nConnection: close\r\n\r\n',
  'a Host with user info': 'GET / HTTP/1.1\r\nHost: app.company@evil.company\r\nConnection: close\r\n\r\n',
  'an absolute target for somebody else': `GET http://evil.company/ HTTP/1.1\r\n${host}\r\n\r\n`,
  'an absolute target on another port': `GET http://app.company:81/ HTTP/1.1\r\n${host}\r\n\r\n`,
  'an absolute target with user info': `GET http://app.company@evil/ HTTP/1.1\r\n${host}\r\n\r\n`,
  'a target of another scheme': `GET ftp://app.company/ HTTP/1.1\r\n${host}\r\n\r\n`,
  'the asterisk': `OPTIONS * HTTP/1.1\r\n${host}\r\n\r\n`,
  'the asterisk with another method': `GET * HTTP/1.1\r\n${host}\r\n\r\n`,
  'a target without a slash': `GET admin HTTP/1.1\r\n${host}\r\n\r\n`,
  'a fragment': `GET /a#b HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`,
  CONNECT: `CONNECT app.company:443 HTTP/1.1\r\n${host}\r\n\r\n`,
  'both lengths': post('Content-Length: 4\r\nTransfer-Encoding: chunked', `0\r\n\r\n${smuggled}`),
  'both lengths, the other first': post('Transfer-Encoding: chunked\r\nContent-Length: 4', `0\r\n\r\n${smuggled}`),
  'two lengths': post('Content-Length: 4\r\nContent-Length: 5', 'abcd'),
  'two equal lengths': post('Content-Length: 4\r\nContent-Length: 4', 'abcd'),
  'a list of lengths': post('Content-Length: 4, 4', 'abcd'),
  'a signed length': post('Content-Length: +4', 'abcd'),
  'a hexadecimal length': post('Content-Length: 0x4', 'abcd'),
  'an empty length': post('Content-Length:', 'abcd'),
  'a length beyond all numbers': post('Content-Length: 99999999999999999999', 'abcd'),
  'an unknown coding': post('Transfer-Encoding: xchunked\r\nConnection: close', ''),
  'a coding behind chunked': post('Transfer-Encoding: chunked, identity', `0\r\n\r\n${smuggled}`),
  'chunked twice in one field': post(
    'Transfer-Encoding: chunked, chunked\r\nConnection: close',
    `0\r\n\r\n${smuggled}`,
  ),
  'two fields of codings': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', `0\r\n\r\n${smuggled}`),
  'a coding behind a vertical tab': post('Transfer-Encoding: \x0bchunked\r\nConnection: close', ''),
  'CVE-2021-22959, a blank before the colon of a coding': post('Transfer-Encoding : chunked', `0\r\n\r\n${smuggled}`),
  'CVE-2022-32213, CVE-2022-32215, a coding on a folded line': post(
    'Transfer-Encoding:\r\n chunked\r\nConnection: close',
    '',
  ),
  'CVE-2022-32215, a list of codings on a folded line': post(
    'Transfer-Encoding: chunked\r\n , identity',
    `0\r\n\r\n${smuggled}`,
  ),
  'a wrong chunk length': `${chunked}zz\r\n\r\n`,
  'a chunk length with a sign': `${chunked}+1\r\na\r\n0\r\n\r\n`,
  'a chunk length with a prefix': `${chunked}0x1\r\na\r\n0\r\n\r\n`,
  'a chunk length beyond all numbers': `${chunked}fffffffffffffffff\r\na\r\n0\r\n\r\n`,
  'a line feed alone behind a chunk length': `${chunked}1\na\r\n0\r\n\r\n`,
  'CVE-2021-22960, a line feed alone inside a chunk extension': `${chunked}1;a\nb\r\na\r\n0\r\n\r\n`,
  'CVE-2022-32214, a line feed alone in a header': `GET / HTTP/1.1\r\n${host}\r\nX: a\nY: b\r\n\r\n`,
  'CVE-2023-30589, a carriage return alone in a header': `GET / HTTP/1.1\r\n${host}\r\nX: a\rY: b\r\n\r\n`,
  'CVE-2022-35256, a carriage return alone at the end of the head': `GET / HTTP/1.1\r\n${host}\r\nX: a\r\n\r${smuggled}`,
  'a NUL in a header': `GET / HTTP/1.1\r\n${host}\r\nX: a\x00b\r\n\r\n`,
  'an obsolete fold': `GET / HTTP/1.1\r\n${host}\r\nX: a\r\n b\r\nConnection: close\r\n\r\n`,
  'a fold before the first field': `GET / HTTP/1.1\r\n ${host}\r\n\r\n`,
  'a blank in a header name': 'GET / HTTP/1.1\r\nHost : app.company\r\n\r\n',
  'an empty header name': `GET / HTTP/1.1\r\n${host}\r\n: x\r\n\r\n`,
  'CVE-2021-39204, CVE-2021-39162, HTTP/2 without being asked': `PRI * HTTP/2.0\r\n${host}\r\n\r\nSM\r\n\r\n`,
  'a version there is not': `GET / HTTP/1.9\r\n${host}\r\n\r\n`,
  'an old protocol': 'GET /\r\n\r\n',
  'a method with control characters': `G\x01T / HTTP/1.1\r\n${host}\r\n\r\n`,
  'more fields than are looked at': `GET / HTTP/1.1\r\n${host}\r\n${'X: y\r\n'.repeat(1_005)}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
  'a head that is too large': `GET / HTTP/1.1\r\n${host}\r\nX: ${'y'.repeat(1_100_000)}\r\n\r\n`,
};

/** Found out when part of the body is on its way: what the upstream has begun to read never ends. */
const cutOff: Readonly<Record<string, string>> = {
  'a chunk longer than it says': `${chunked}1\r\nab\r\n0\r\n\r\n`,
  'a line feed alone behind chunk data': `${chunked}1\r\na\n0\r\n\r\n`,
};

const taken: Readonly<Record<string, readonly [text: string, body: string]>> = {
  'a body with a length': [post('Content-Length: 5', 'hello'), 'hello'],
  'a chunked body with extensions and trailers': [`${chunked}5;a=b;c="d"\r\nhello\r\n0;x\r\nT: v\r\n\r\n`, 'hello'],
  'a request in a body': [post(`Content-Length: ${smuggled.length}`, smuggled), smuggled],
  'a GET with a request in its body': [
    `GET / HTTP/1.1\r\n${host}\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    smuggled,
  ],
  'an absolute target for its own Host': [`GET http://app.company HTTP/1.1\r\n${host}\r\n\r\n`, ''],
};

describe('bad requests', () => {
  let proxy: TestServer;
  let cookie: string;
  /** With a session, so that nothing but its form can refuse the request. */
  const loggedIn = (text: string) => text.replace('\r\n', `\r\nCookie: ${cookie}\r\n`);
  beforeAll(async () => {
    proxy = await testServer();
    ({ cookie } = await proxy.login());
  });
  afterEach(() => proxy.upstream.seen.splice(0));
  afterAll(() => proxy[Symbol.asyncDispose]());

  for (const [what, text] of Object.entries(refused)) {
    test(`smuggling: ${what} reaches no upstream`, async () => {
      const answer = await raw(proxy.port, loggedIn(text));
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
      expect(answer.match(/HTTP\/1\.1 \d/g)?.length).toBe(1);
      expect(proxy.upstream.seen).toEqual([]);
    });
  }
  for (const [what, text] of Object.entries(cutOff)) {
    test(`smuggling: ${what} is cut off`, async () => {
      const ended = vi.fn();
      proxy.upstream.answer = (request) => request.resume().once('end', ended);
      const answer = await raw(proxy.port, loggedIn(text) + loggedIn(smuggled));
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      await proxy.get('/probe');
      expect(ended).not.toHaveBeenCalled();
      expect(proxy.upstream.seen.map(({ url }) => url)).not.toContain('/smuggled');
    });
  }
  for (const [what, [text, body]] of Object.entries(taken)) {
    test(`smuggling: ${what} is one request, and the next one is the next one`, async () => {
      const bodies: string[] = [];
      proxy.upstream.answer = (request, response) => {
        let read = '';
        request.on('data', (part) => (read += part));
        request.on('end', () => {
          bodies.push(read);
          response.end();
        });
      };
      const next = `GET /next HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`;
      const answer = await raw(proxy.port, loggedIn(text) + loggedIn(next));
      expect(answer.match(/HTTP\/1\.1 \d/g)?.length).toBe(2);
      expect(proxy.upstream.seen.map(({ url }) => url)).toEqual(['/', '/next']);
      expect(bodies).toEqual([body, '']);
    });
  }
});
