// HTTP/2 at the front door, by Node's own client and by curl (router.md §20.1, R40).
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { healthyRouter, trusting } from '../testing/healthy-router.ts';
import { until } from '../testing/running-router.ts';

const run = promisify(execFile);

function client(port: number): ClientHttp2Session & AsyncDisposable {
  const session = connect(`https://localhost:${port}`, { rejectUnauthorized: false, maxSessionMemory: 200 });
  session.on('error', () => undefined);
  return Object.assign(session, {
    async [Symbol.asyncDispose]() {
      if (session.destroyed) return;
      session.destroy();
      await once(session, 'close');
    },
  });
}

async function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: Buffer | string) {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return read(stream);
}

async function read(stream: ClientHttp2Stream) {
  let trailers: Record<string, unknown> | undefined;
  stream.on('trailers', (given) => {
    trailers = { ...given };
  });
  const [headers] = await once(stream, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return { status: headers[':status'], headers, body: Buffer.concat(chunks), trailers };
}

function promised<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve: (value: T) => resolve(value) };
}

test('router R40: ALPN selects h2 when offered, else HTTP/1.1; switched off it is not offered', async () => {
  await using site = await healthyRouter();
  const chosen = async (port: number, ALPNProtocols: string[]) => {
    const socket: TLSSocket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols });
    await once(socket, 'secureConnect');
    socket.destroy();
    return socket.alpnProtocol;
  };
  expect(await chosen(site.tlsPort, ['h2', 'http/1.1'])).toBe('h2');
  expect(await chosen(site.tlsPort, ['http/1.1'])).toBe('http/1.1');
  await using without = await healthyRouter({ AUTHENTIK_WEB__HTTP2: 'false' });
  expect(await chosen(without.tlsPort, ['h2', 'http/1.1'])).toBe('http/1.1');
});

test('router R40: assets and the core are the same over HTTP/2, for curl too', async () => {
  await using site = await healthyRouter(trusting);
  const url = `https://localhost:${site.tlsPort}`;
  const curl = async (...args: string[]) =>
    (await run('curl', ['-sk', '--http2', '-w', '%{http_version} %{http_code}', ...args])).stdout;
  expect(await curl(`${url}/static/dist/flow/FlowInterface-1.2.3.js`)).toBe('export {};\n2 200');
  expect(await curl('-X', 'POST', '-d', 'a=1', `${url}/api/v3/x/?q=1`)).toBe('{"from":"core"}\n2 200');
  expect(await curl('-I', '-o', '/dev/null', `${url}/static/dist/assets/icons/icon.png`)).toBe('2 200');
  const seen = site.core.seen.find(({ method }) => method === 'POST');
  expect(seen).toMatchObject({ url: '/api/v3/x/?q=1', body: 'a=1' });
  expect(seen?.headers).toMatchObject({ 'x-forwarded-proto': 'https', host: `localhost:${site.tlsPort}` });
  await until(() => site.log.lines.some((line) => line['http_version'] === '2.0' && line['path'] === '/api/v3/x/?q=1'));
});

test('RFC 9113 §8.2.3: cookies arrive as one field, several Set-Cookie leave as several', async () => {
  await using site = await healthyRouter();
  await using session = client(site.tlsPort);
  const answer = await ask(session, { ':path': '/if/user/', cookie: ['a=1', 'b=2'] });
  expect(answer.status).toBe(200);
  expect(site.core.seen[0]?.headers.cookie).toBe('a=1; b=2');
  expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
  for (const name of ['connection', 'keep-alive', 'transfer-encoding']) expect(answer.headers[name]).toBeUndefined();
});

test('conditions, HEAD and ranges are what they are over HTTP/1.1', async () => {
  await using site = await healthyRouter();
  await using session = client(site.tlsPort);
  const target = { ':path': '/static/dist/flow/FlowInterface-1.2.3.js' };
  const whole = await ask(session, target);
  const unchanged = await ask(session, { ...target, 'if-none-match': whole.headers['etag'] });
  expect([unchanged.status, unchanged.body.length, unchanged.headers['etag']]).toEqual([304, 0, whole.headers['etag']]);
  const head = await ask(session, { ...target, ':method': 'HEAD' });
  expect([head.status, head.body.length, head.headers['content-length']]).toEqual([200, 0, '11']);
  const part = await ask(session, { ...target, range: 'bytes=0-5' });
  expect([part.status, part.body.toString()]).toEqual([206, 'export']);
});

test('a large body each way, many at once, byte for byte', async () => {
  await using site = await healthyRouter();
  const content = randomBytes(3_000_000);
  site.core.answer = (request, response) => request.pipe(response); // an echo, chunked
  await using session = client(site.tlsPort);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, at) => ask(session, { ':path': `/api/${at}`, ':method': 'PUT' }, content)),
  );
  for (const { status, body } of answers) expect([status, body.equals(content)]).toEqual([200, true]);
});

test('a body without length to a method that seldom has one, and none for one that usually has', async () => {
  await using site = await healthyRouter();
  await using session = client(site.tlsPort);
  await ask(session, { ':path': '/api/a', ':method': 'DELETE' }, 'why');
  await ask(session, { ':path': '/api/b', ':method': 'POST' });
  expect(site.core.seen.map(({ method, body }) => [method, body])).toEqual([
    ['DELETE', 'why'],
    ['POST', ''],
  ]);
});

test('trailers and early hints reach the client', async () => {
  await using site = await healthyRouter();
  site.core.answer = (_, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' }, () => {
      response.writeHead(200, { Trailer: 'X-Sum' });
      response.write('body');
      response.addTrailers({ 'X-Sum': '42' });
      response.end();
    });
  };
  await using session = client(site.tlsPort);
  const stream = session.request({ ':path': '/api/' });
  const hints: unknown[] = [];
  stream.on('headers', (given) => hints.push(given['link']));
  expect(await read(stream)).toMatchObject({ status: 200, trailers: { 'x-sum': '42' } });
  expect(hints).toEqual(['</a.css>; rel=preload']);
});

test('router R43: what is too large is 413, and the session lives on', async () => {
  await using site = await healthyRouter({ AUTHENTIK_WEB__MAX_BODY_BYTES: '1000' });
  await using session = client(site.tlsPort);
  const answer = await ask(
    session,
    { ':path': '/api/', ':method': 'POST', 'content-length': 2000 },
    Buffer.alloc(2000),
  );
  expect(answer.status).toBe(413);
  expect((await ask(session, { ':path': '/api/' })).status).toBe(200);
});

test('a stream that is reset ends the request at the core, and no other', async () => {
  await using site = await healthyRouter();
  const closed = promised<void>();
  site.core.answer = (request, response) => {
    if (request.url !== '/api/slow') return void response.end('ok');
    response.write('begun');
    response.once('close', () => closed.resolve());
  };
  await using session = client(site.tlsPort);
  const stream = session.request({ ':path': '/api/slow' });
  await once(stream, 'data');
  stream.close(constants.NGHTTP2_CANCEL);
  await closed.promise;
  expect((await ask(session, { ':path': '/api/other' })).body.toString()).toBe('ok');
});

test('an answer that breaks off is never a whole one', async () => {
  await using site = await healthyRouter();
  site.core.answer = (_, response) => {
    response.write('half of it');
    setImmediate(() => response.destroy());
  };
  await using session = client(site.tlsPort);
  await expect(ask(session, { ':path': '/api/' })).rejects.toThrow();
});

test('RFC 9113 §8.3.1: a Host that is not the authority is refused', async () => {
  await using site = await healthyRouter();
  await using session = client(site.tlsPort);
  const answer = await ask(session, { ':path': '/if/user/', ':authority': 'one.example', host: 'other.example' });
  expect(answer.status).toBe(400);
  expect(site.core.seen).toEqual([]);
});

test('router R51: at the end a session is told to go, and what runs completes', async () => {
  const site = await healthyRouter();
  const waiting = promised<() => void>();
  site.core.answer = (_, response) => waiting.resolve(() => response.end('late'));
  await using session = client(site.tlsPort);
  const answer = ask(session, { ':path': '/api/slow' });
  const finish = await waiting.promise;
  const told = once(session, 'goaway');
  const ended = site[Symbol.asyncDispose]();
  await told;
  finish();
  expect((await answer).body.toString()).toBe('late');
  await ended;
});
