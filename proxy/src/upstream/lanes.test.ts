// All lanes through the same cases: what the others do on the wire is what the general one does.
import { once } from 'node:events';
import { createServer as createHttpServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { headerBlock } from '../identity/header-block.ts';
import { ReadyResponse } from '../request/ready-response.ts';
import { createChunkedLane } from './chunked-lane.ts';
import type { Exchange, ExchangeFailure, Lane } from './exchange.ts';
import { createFastLane } from './fast-lane.ts';
import { createGeneralLane } from './general-lane.ts';
import { createPools } from './pools.ts';

interface Bench extends AsyncDisposable {
  /** Answers of the upstream, one per request. */
  answer: (socket: Socket, request: string) => void;
  readonly requests: string[];
  readonly connections: () => number;
  readonly failures: ExchangeFailure[];
  /** What ends each exchange because its client left. */
  readonly aborts: (() => void)[];
  get(path?: string, method?: string): Promise<Got>;
  readonly port: number;
}

interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly trailers: IncomingMessage['trailers'];
  /** Interim answers: status and links. */
  readonly hints: string[];
  readonly body: string;
  readonly isWhole: boolean;
}

const lanes = {
  fast: () => createFastLane(),
  general: () => createGeneralLane(createPools()),
  chunked: () => createChunkedLane(),
} as const satisfies Record<string, () => Lane>;

for (const [name, make] of Object.entries(lanes)) {
  describe(`the ${name} lane`, () => {
    const reply = (text: string, parts = 1) => replying(text, parts);
    const cases: readonly (readonly [string, string, Partial<Got>])[] = [
      ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', { status: 200, body: 'hello', isWhole: true }],
      ['no body', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, body: '', isWhole: true }],
      ['not modified', 'HTTP/1.1 304 x\r\nContent-Length: 9\r\nETag: "a"\r\n\r\n', { status: 304, body: '' }],
      [
        'chunks and trailers',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 42\r\n\r\n',
        { body: 'hello', trailers: { 'x-sum': '42' }, isWhole: true },
      ],
      [
        'a body up to the end of the connection',
        'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello',
        { body: 'hello', isWhole: true },
      ],
      [
        'interim answers first',
        'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload, <b>\r\nConnection: x\r\n\r\nHTTP/1.1 104 x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
        { body: 'ok', hints: ['102 ', '103 </a>; rel=preload, <b>', '104 '], isWhole: true },
      ],
    ];
    for (const [what, text, wanted] of cases) {
      for (const parts of [1, text.length]) {
        test(`${what}, in ${parts} ${parts === 1 ? 'part' : 'parts'}`, async () => {
          await using bench = await open(make());
          bench.answer = reply(text, parts);
          expect(await bench.get()).toMatchObject(wanted);
          expect(bench.failures).toEqual([]);
        });
      }
    }
    test('an answer to HEAD ends with its head', async () => {
      await using bench = await open(make());
      bench.answer = reply('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
      expect(await bench.get('/', 'HEAD')).toMatchObject({ status: 200, body: '', headers: { 'content-length': '5' } });
    });
    test('the request carries what it was given, and the connection is used again', async () => {
      await using bench = await open(make());
      bench.answer = reply('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      for (const path of ['/a//b?x=%2F', '/second']) await bench.get(path);
      expect(bench.requests[0]).toMatch(/^GET \/a\/\/b\?x=%2F HTTP\/1\.1\r\nHost: app\.company\r\n/i);
      expect(bench.requests[0]).toContain('X-Authentik-Username: alice\r\n');
      expect(bench.requests[1]).toMatch(/^GET \/second /);
      expect(bench.connections()).toBe(1);
    });
    test('a large body passes whole', async () => {
      await using bench = await open(make());
      const body = 'x'.repeat(3_000_000);
      bench.answer = reply(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      expect((await bench.get()).body.length).toBe(body.length);
    });
    for (const [what, text] of [
      ['not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
      [
        'two ways to say the length',
        'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ],
      ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello'],
      ['a line break in a field', 'HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n'],
      ['a protocol nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
      ['an end before the head', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ] as const) {
      test(`garbage is told, not passed: ${what}`, async () => {
        await using bench = await open(make());
        bench.answer = (socket) => socket.end(text, 'latin1');
        expect(await bench.get()).toMatchObject({ status: 502, body: 'ERR_PROXY_UPSTREAM' });
      });
    }
    for (const [what, text] of [
      ['of its length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart'],
      ['of a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\npart'],
      ['of the chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'],
    ] as const) {
      test(`proxy 79: an end in the middle ${what} is no whole answer`, async () => {
        await using bench = await open(make());
        bench.answer = (socket) => socket.end(text, 'latin1');
        expect(await bench.get()).toMatchObject({ status: 200, isWhole: false });
      });
    }
    test('bytes behind the answer are not the next answer', async () => {
      await using bench = await open(make());
      bench.answer = reply(
        'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
      );
      const first = await bench.get();
      bench.answer = reply('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood');
      expect([first.body, (await bench.get()).body]).toEqual(['ok', 'good']);
    });
    test('a kept connection that ended is told as stale, before anything was answered', async () => {
      await using bench = await open(make());
      bench.answer = reply('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      await bench.get();
      bench.answer = (socket) => socket.destroy();
      await bench.get();
      expect(bench.failures.map(({ phase }) => phase)).toEqual(['stale']);
    });
    test('an upstream that is not there is told as that', async () => {
      await using bench = await open(make(), 1);
      expect((await bench.get()).status).toBe(502);
      expect(bench.failures.map(({ phase }) => phase)).toEqual(['connect']);
    });
    test('a client that leaves at the very end takes nobody else with it', async () => {
      await using bench = await open(make());
      bench.answer = reply('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      await bench.get();
      bench.answer = (socket) => {
        bench.aborts[0]?.();
        setImmediate(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
      };
      expect(await bench.get()).toMatchObject({ status: 200, body: 'ok' });
    });
    test('a client that leaves ends the exchange with the upstream', async () => {
      await using bench = await open(make());
      const ended = new Promise<void>((resolve) => {
        bench.answer = (socket) => {
          socket.once('close', () => resolve());
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
        };
      });
      const call = httpRequest({ port: bench.port, host: '127.0.0.1' }).end();
      const [answer] = (await once(call, 'response')) as [IncomingMessage]; // the event's one argument
      answer.on('error', () => undefined);
      call.destroy();
      await ended;
    });
  });
}

function replying(text: string, parts: number) {
  return async (socket: Socket) => {
    const size = Math.ceil(text.length / parts);
    for (let at = 0; at < text.length; at += size) {
      socket.write(text.slice(at, at + size), 'latin1');
      if (parts > 1) await turn();
    }
    if (/^connection: close/im.test(text)) socket.end();
  };
}

async function open(lane: Lane, upstreamPort?: number): Promise<Bench> {
  const requests: string[] = [];
  const failures: ExchangeFailure[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const upstream = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.setNoDelay(true).on('error', () => undefined);
    let text = '';
    socket.on('data', (part) => {
      text += part.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      requests.push(text);
      bench.answer(socket, text);
      text = '';
    });
  });
  await listening(upstream);
  const target = { origin: `http://127.0.0.1:${upstreamPort ?? portOf(upstream)}`, verifyTls: true };
  const server = createHttpServer({ ServerResponse: ReadyResponse }, (request, response) => {
    const exchange: Exchange = {
      target,
      method: request.method ?? '',
      path: request.url ?? '',
      headers: { own: ['Host', 'app.company'], identity: headerBlock(['X-Authentik-Username', 'alice']) },
      request,
      response,
      addedHeaders: [],
      dateLine: () => 'Date: x\r\n',
      onHead: () => undefined,
      onBody: () => undefined,
      onFailed: (failure) => {
        failures.push(failure);
        if (response.headersSent) response.destroy();
        else response.writeHead(502).end(failure.error.code);
      },
    };
    const abort = lane.run(exchange);
    bench.aborts.push(abort);
    response.once('close', () => {
      if (!response.writableFinished) abort();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  const bench: Bench = {
    answer: () => undefined,
    requests,
    failures,
    aborts: [],
    port,
    connections: () => connections,
    get: (path = '/', method = 'GET') => get(port, path, method),
    async [Symbol.asyncDispose]() {
      await lane[Symbol.asyncDispose]();
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close();
      upstream.close();
    },
  };
  return bench;
}

async function get(port: number, path: string, method: string): Promise<Got> {
  const call = httpRequest({ port, host: '127.0.0.1', path, method, agent: false });
  const hints: string[] = [];
  call.on('information', ({ statusCode, headers }) => hints.push(`${statusCode} ${headers['link'] ?? ''}`));
  call.end();
  const [answer] = (await once(call, 'response')) as [IncomingMessage]; // the event's one argument
  let body = '';
  let isWhole = true;
  try {
    for await (const part of answer) body += String(part);
  } catch {
    isWhole = false; // cut in the middle
  }
  const { statusCode: status = 0, headers, trailers } = answer;
  return { status, headers, trailers, hints, body, isWhole: isWhole && answer.complete };
}

async function listening(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

function portOf(server: { address(): AddressInfo | string | null }): number {
  const at = server.address();
  return typeof at === 'object' && at !== null ? at.port : 0;
}
