import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { flatOf } from '../identity/header-block.ts';
import { Frame } from './frame.ts';
import { ReadyResponse } from './ready-response.ts';

type Answer = (request: IncomingMessage, response: ReadyResponse) => void;

async function serving(answer: Answer): Promise<AsyncDisposable & { readonly port: number; readonly server: Server }> {
  const server = createServer({ ServerResponse: ReadyResponse, keepAliveTimeout: 7_000 }, answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // listens on TCP
  return {
    port,
    server: server as unknown as Server, // only its `close` is used
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Everything that comes back for bytes that end with a request to close. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  let answer = '';
  for await (const part of socket) answer += part.toString('latin1');
  return answer;
}

const last = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const lines = 'X-One: 1\r\nSet-Cookie: a=b\r\nX-Name: Zo\xc3\xab\r\n';
const date = 'Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n';
const plain = (status: number, body: string | Buffer): Answer => {
  return (_, response) => {
    response.writeHead(status, 'Fine', [...flatOf(lines), 'Content-Length', String(body.length), ...flatOf(date)]);
    response.end(body, 'latin1');
  };
};
const ready = (status: number, body: string): Answer => {
  return (request, response) => {
    const head = { status, reason: 'Fine', lines: `${lines}Content-Length: ${body.length}\r\n${date}` };
    if (!response.sendWhole(head, body)) plain(status, body)(request, response);
  };
};

describe('ready text and writeHead are the same on the wire', () => {
  for (const [what, method, status, body] of [
    ['a body', 'GET', 200, 'hello'],
    ['bytes beyond ASCII', 'GET', 200, '\x00\x80\xff\r\n'],
    ['no body', 'GET', 401, ''],
    ['HEAD', 'HEAD', 200, 'hello'],
  ] as const) {
    test(what, async () => {
      await using one = await serving(ready(status, body));
      await using other = await serving(plain(status, body));
      const request = `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`;
      // Two on one connection, then the last, which closes and so is not ready text.
      const text = request + request + last;
      expect(await exchange(one.port, text)).toBe(await exchange(other.port, text));
    });
  }
  test('a head whose body follows in parts', async () => {
    const parts = [Buffer.from('first '), Buffer.from('second')];
    const answer =
      (isReady: boolean): Answer =>
      (_, response) => {
        const head = { status: 200, reason: 'OK', lines: `${lines}Content-Length: 12\r\n${date}` };
        if (!isReady || !response.sendHead(head)) response.writeHead(200, 'OK', flatOf(head.lines));
        for (const part of parts) response.write(part);
        response.end();
      };
    await using one = await serving(answer(true));
    await using other = await serving(answer(false));
    const text = `GET / HTTP/1.1\r\nHost: a\r\n\r\n${last}`;
    expect(await exchange(one.port, text)).toBe(await exchange(other.port, text));
  });
  for (const framing of ['Content-Length: 19200000\r\n', 'Transfer-Encoding: chunked\r\n']) {
    test(`parts out of memory that is used again as soon as it is given back, ${framing.trim()}`, async () => {
      const results = new Set<string>();
      const parts = Array.from({ length: 300 }, (_, at) => Buffer.alloc(64_000, String.fromCharCode(97 + (at % 26))));
      const isReady = framing.startsWith('Content');
      await using one = await serving(async (_, response) => {
        const head = { status: 200, reason: 'OK', lines: `${framing}${date}` };
        if (!isReady || !response.sendHead(head)) response.writeHead(200, 'OK', flatOf(head.lines));
        let memory = Buffer.allocUnsafeSlow(64_000);
        for (const part of parts) {
          part.copy(memory);
          const sent = await new Promise<string>((resolve) => {
            const at = response.sendPart(memory, () => resolve('full'));
            if (at !== 'full') resolve(at);
          });
          results.add(sent);
          if (sent !== 'taken') memory = Buffer.allocUnsafeSlow(64_000);
        }
        response.end();
      });
      await using other = await serving((_, response) => {
        response.writeHead(200, 'OK', flatOf(`${framing}${date}`));
        for (const part of parts) response.write(part);
        response.end();
      });
      const text = `GET / HTTP/1.1\r\nHost: a\r\n\r\n${last}`;
      const [sent, written] = await Promise.all([exchange(one.port, text), exchange(other.port, text)]);
      expect(sent === written).toBe(true); // megabytes are no message
      expect(results).toContain('full');
      expect(results.has('taken')).toBe(isReady);
    });
  }
  test('a framed body, several in flight on one connection, and to a client that does not read', async () => {
    const body = Buffer.alloc(48 * 1024, 'frame');
    const frame = new Frame(body);
    const sent: boolean[] = [];
    const answer =
      (isFramed: boolean): Answer =>
      ({ url }, response) => {
        const head = { status: 200, reason: 'OK', lines: `X-Url: ${url}\r\nContent-Length: ${body.length}\r\n${date}` };
        const wasSent = isFramed && response.sendFramed(head, frame);
        sent.push(wasSent);
        if (wasSent) return;
        response.writeHead(200, 'OK', flatOf(head.lines));
        response.end(body);
      };
    await using one = await serving(answer(true));
    await using other = await serving(answer(false));
    let text = '';
    for (let at = 0; at < 200; at++) text += `GET /${at} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const [framed, plainly] = await Promise.all([exchange(one.port, text + last), exchange(other.port, text + last)]);
    expect(framed === plainly).toBe(true); // ten megabytes are no message
    expect(sent).toContain(true);
  });
  test('a head that is too long for the frame goes the usual way', async () => {
    const frame = new Frame(Buffer.from('hello'));
    await using one = await serving((_, response) => {
      const lines = `X-Long: ${'x'.repeat(3_000)}\r\nContent-Length: 5\r\n`;
      if (response.sendFramed({ status: 200, reason: 'OK', lines }, frame)) throw new Error('it was sent');
      response.writeHead(200, flatOf(lines)).end('hello');
    });
    expect(await exchange(one.port, `GET / HTTP/1.1\r\nHost: a\r\n\r\n${last}`)).toMatch(/hello[\s\S]*hello$/);
  });
  test('an HTTP/1.0 client and a closing one get what node:http makes', async () => {
    await using one = await serving(ready(200, 'hello'));
    expect(await exchange(one.port, 'GET / HTTP/1.0\r\n\r\n')).toMatch(/Connection: close\r\n[\s\S]*hello$/);
    expect(await exchange(one.port, last)).toMatch(/Connection: close\r\n[\s\S]*hello$/);
  });
});
