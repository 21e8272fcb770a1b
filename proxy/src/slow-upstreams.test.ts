// Upstreams and clients that take their time: the client sees what is there as it comes, and nothing that is not there.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type TestServer, testServer } from './testing/test-server.ts';

const framings = {
  'a length': (response: ServerResponse) => response.writeHead(200, { 'Content-Length': 3 }),
  chunks: (response: ServerResponse) => response.writeHead(200),
  'the end of the connection': (response: ServerResponse) => {
    response.shouldKeepAlive = false;
    response.useChunkedEncodingByDefault = false;
    return response.writeHead(200);
  },
};

/** The two lanes to the upstream. */
const methods = { GET: undefined, POST: 'x' } as const;

function asking(proxy: TestServer, cookie: string, method: keyof typeof methods) {
  const headers = { Host: 'app.company', Cookie: cookie };
  const call = httpRequest({ host: '127.0.0.1', port: proxy.port, path: '/', method, agent: false, headers });
  call.end(methods[method]);
  return call;
}

for (const method of ['GET', 'POST'] as const) {
  describe(`a slow upstream, ${method}`, () => {
    for (const [framing, begin] of Object.entries(framings)) {
      test(`head and each byte are told when they come, with ${framing}`, async () => {
        await using proxy = await testServer();
        const { cookie } = await proxy.login();
        const started = new Promise<ServerResponse>((resolve) => {
          proxy.upstream.answer = (_, response) => resolve(response);
        });
        const call = asking(proxy, cookie, method);
        const upstream = await started;
        const told = once(call, 'response');
        begin(upstream).flushHeaders();
        const [answer] = (await told) as [IncomingMessage]; // the event's one argument
        const ended = once(answer, 'end');
        for (const letter of 'abc') {
          const heard = once(answer, 'data');
          upstream.write(letter);
          expect(String((await heard)[0])).toBe(letter);
        }
        upstream.end();
        await ended;
        expect(answer.complete).toBe(true);
      });
    }

    test('no answer at all is no answer: the client waits, and its leaving ends the wait upstream', async () => {
      await using proxy = await testServer();
      const { cookie } = await proxy.login();
      const left = new Promise<void>((resolve) => {
        proxy.upstream.answer = (request) => request.socket.once('close', () => resolve());
      });
      const call = asking(proxy, cookie, method);
      call.on('error', () => undefined);
      await new Promise<void>((resolve) => {
        const answer = proxy.upstream.answer;
        proxy.upstream.answer = (...given) => {
          answer(...given);
          resolve();
        };
      });
      call.destroy();
      await left;
      expect(proxy.accessLines.every(({ status }) => status !== 502)).toBe(true);
    });

    test('a client that does not read holds the upstream back', async () => {
      await using proxy = await testServer();
      const { cookie } = await proxy.login();
      const most = 64 * 1024 * 1024;
      let written = 0;
      const stuck = new Promise<void>((resolve) => {
        proxy.upstream.answer = (request, response) => {
          request.resume();
          response.writeHead(200, { 'Content-Length': most });
          const piece = Buffer.alloc(64 * 1024);
          const go = () => {
            let timer: NodeJS.Timeout | undefined;
            while (written < most) {
              written += piece.length;
              if (!response.write(piece)) break;
            }
            response.once('drain', () => {
              clearTimeout(timer);
              go();
            });
            // Nothing moves any more: everything between the two is full.
            timer = setTimeout(resolve, 300);
          };
          go();
        };
      });
      const socket = connect(proxy.port, '127.0.0.1').pause();
      const length = methods[method] === undefined ? '' : 'Content-Length: 1\r\n';
      const head = `${method} / HTTP/1.1\r\nHost: app.company\r\nCookie: ${cookie}\r\n${length}\r\n${methods[method] ?? ''}`;
      socket.write(head);
      await stuck;
      expect(written).toBeLessThan(most / 2);
      socket.destroy();
    });
  });
}

describe('a large upload', () => {
  const most = 64 * 1024 * 1024;
  const begin = async (proxy: TestServer) => {
    const { cookie } = await proxy.login();
    const socket = connect(proxy.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`POST / HTTP/1.1\r\nHost: app.company\r\nCookie: ${cookie}\r\nContent-Length: ${most}\r\n\r\n`);
    return socket;
  };

  test('an upstream that does not read holds the client back', async () => {
    await using proxy = await testServer();
    proxy.upstream.answer = (request) => request.pause();
    const socket = await begin(proxy);
    const piece = Buffer.alloc(64 * 1024);
    let written = 0;
    let isMoving = true;
    while (isMoving && written < most) {
      written += piece.length;
      if (socket.write(piece)) continue;
      const drained = once(socket, 'drain').then(() => true);
      // Nothing moves any more: everything between the two is full.
      isMoving = await Promise.race([drained, new Promise<false>((full) => setTimeout(full, 300, false))]);
    }
    expect(written).toBeLessThan(most / 2);
    socket.destroy();
  });

  test('a client that leaves in the middle ends the upload at the upstream', async () => {
    await using proxy = await testServer();
    const left = new Promise<boolean>((resolve) => {
      proxy.upstream.answer = (request) => {
        request.on('error', () => undefined).once('close', () => resolve(request.complete));
        request.once('data', () => socket.destroy());
      };
    });
    const socket = await begin(proxy);
    socket.write('begun');
    expect(await left).toBe(false);
  });
});
