// Clients that ask before they send a body (RFC 9110 §10.1.1).
import { expect, test } from 'vitest';
import { raw } from './testing/raw-exchange.ts';
import { testServer } from './testing/test-server.ts';

const post = 'POST / HTTP/1.1\r\nHost: app.company\r\nContent-Length: 5\r\nExpect: 100-continue\r\n';
const next = 'GET /next HTTP/1.1\r\nHost: app.company\r\nConnection: close\r\n\r\n';

test('RFC 9110 §10.1.1: who is refused is not asked for the body, and the connection ends', async () => {
  await using proxy = await testServer();
  const answer = await raw(proxy.port, `${post}\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 401 [\s\S]*\r\nConnection: close\r\n/);
  expect(proxy.upstream.seen).toEqual([]);
});
test('RFC 9110 §10.1.1: who is let in is asked, once, and the connection goes on', async () => {
  await using proxy = await testServer();
  const { cookie } = await proxy.login();
  proxy.upstream.answer = (request, response) => void request.resume().once('end', () => response.end('hello'));
  const answer = await raw(proxy.port, `${post}Cookie: ${cookie}\r\n\r\nhello${next}`);
  expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 200', 'HTTP/1.1 302']);
});
test('RFC 9110 §10.1.1: an endpoint that reads a form asks for it', async () => {
  await using proxy = await testServer();
  const form = 'logout_token=x';
  const head = `POST /outpost.goauthentik.io/backchannel_logout HTTP/1.1\r\nHost: app.company\r\nContent-Length: ${form.length}\r\nExpect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n`;
  const answer = await raw(proxy.port, `${head}${form}${next}`);
  expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 400 /);
});
test('an expectation that nobody knows is refused', async () => {
  await using proxy = await testServer();
  const text = `GET / HTTP/1.1\r\nHost: app.company\r\nExpect: magic\r\nConnection: close\r\n\r\n`;
  expect(await raw(proxy.port, text)).toMatch(/^HTTP\/1\.1 417 /);
});
