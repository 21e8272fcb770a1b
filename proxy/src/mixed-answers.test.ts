// Bytes of one answer never turn up in another, however long a client or a protocol keeps them waiting on their way out.
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestServer, testServer } from './testing/test-server.ts';

const bodyBytes = 60_000;
let proxy: TestServer;
let cookie: string;
beforeAll(async () => {
  proxy = await testServer();
  ({ cookie } = await proxy.login());
  // The body repeats the first letter of the path; each answer has a connection of its own.
  proxy.upstream.answer = ({ url = '' }, response) => {
    response.writeHead(200, { 'Content-Length': bodyBytes, Connection: 'close' });
    response.end(Buffer.alloc(bodyBytes, url[1]));
  };
});
afterAll(() => proxy[Symbol.asyncDispose]());

test('streams of one HTTP/2 session, all at once', async () => {
  const session = connectHttp2(`https://localhost:${proxy.server.bound.https[0]?.port}`, { rejectUnauthorized: false });
  session.on('error', () => undefined);
  const get = async (letter: string) => {
    const stream = session.request({ ':authority': 'app.company', ':path': `/${letter}`, cookie });
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part);
    return [letter, lettersOf(Buffer.concat(parts).toString('latin1')), Buffer.concat(parts).length];
  };
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const answers = await Promise.all(letters.map(get));
  session.close();
  expect(answers).toEqual(letters.map((letter) => [letter, letter, bodyBytes]));
});

test('answers that wait for a client of HTTP/1.1 that does not read', { timeout: 90_000 }, async () => {
  const request = (letter: string, more = '') =>
    `GET /${letter} HTTP/1.1\r\nHost: app.company\r\nCookie: ${cookie}\r\n${more}\r\n`;
  const count = 700; // more than a kernel keeps for a client: 32 MiB to receive, 4 to send
  const slow = connect(proxy.port, '127.0.0.1').pause();
  slow.on('error', () => undefined);
  await once(slow, 'connect');
  slow.write(request('a').repeat(count) + request('a', 'Connection: close\r\n'));
  await untilNothingMoves();
  for (const letter of 'xyz') expect(lettersOf(await bodyOf(request(letter)))).toBe(letter);
  const parts: Buffer[] = [];
  for await (const part of slow) parts.push(part);
  const heads = /HTTP\/1\.1 200 [\s\S]*?\r\n\r\n/;
  const [, ...bodies] = Buffer.concat(parts).toString('latin1').split(heads);
  expect(bodies.length).toBe(count + 1);
  expect(bodies.filter((body) => body !== 'a'.repeat(bodyBytes)).map(lettersOf)).toEqual([]);

  /** The upstream is asked for no more: all between the two is full. */
  async function untilNothingMoves(): Promise<void> {
    for (let before = -1; before !== proxy.upstream.seen.length; ) {
      before = proxy.upstream.seen.length;
      await new Promise((again) => setTimeout(again, 300));
    }
    expect(proxy.upstream.seen.length).toBeLessThan(count);
  }

  async function bodyOf(text: string): Promise<string> {
    const socket: Socket = connect(proxy.port, '127.0.0.1');
    let all = '';
    socket.on('data', (part) => (all += part.toString('latin1')));
    socket.write(text);
    while (all.length < bodyBytes) await once(socket, 'data');
    socket.destroy();
    return all.slice(all.indexOf('\r\n\r\n') + 4);
  }
});

/** Which letters a body is made of, each once. */
function lettersOf(body: string): string {
  return [...new Set(body)].join('');
}
