// HTTP/2 on our own TLS listener: real clients, requests that two readers could read differently, floods.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { rawValue } from './identity/strip.ts';
import { forwarded, traefik } from './testing/fixture.ts';
import { lastSeen } from './testing/raw-exchange.ts';
import { block, type Frame, flag, frame, frameType, type RawHttp2, rawHttp2 } from './testing/raw-http2.ts';
import { type TestServer, testServer } from './testing/test-server.ts';

const run = promisify(execFile);
const rows = [
  { skip_path_regex: '^/public' },
  { mode: 'forward_single', external_host: 'https://behind.company', name: 'behind', client_id: 'behind' },
] as const;

let proxy: TestServer;
let port: number;
let cookie: string;
beforeAll(async () => {
  proxy = await testServer(rows);
  port = proxy.server.bound.https[0]?.port ?? 0;
  ({ cookie } = await proxy.login());
});
afterEach(() => {
  proxy.upstream.seen.splice(0);
  proxy.upstream.answer = (_, response) => response.end('hello');
});
afterAll(() => proxy[Symbol.asyncDispose]());

/** One request of Node's own client, on a connection of its own. */
async function ask(headers: OutgoingHttpHeaders, body?: Buffer) {
  const session = connect(`https://localhost:${port}`, { rejectUnauthorized: false });
  session.on('error', () => undefined);
  const stream = session.request({ ':authority': 'app.company', ...headers }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const [answer]: [IncomingHttpHeaders] = (await once(stream, 'response')) as [IncomingHttpHeaders]; // the event's one argument
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  session.close();
  return { status: answer[':status'] as unknown, headers: answer, body: Buffer.concat(parts) };
}

describe('what is asked over HTTP/2 is answered as over HTTP/1.1', () => {
  test('proxy mode: login for strangers, the application for who is known, with identity and one Host', async () => {
    const stranger = await ask({ ':path': '/x?y=1', 'sec-fetch-mode': 'navigate', accept: 'text/html' });
    expect(stranger.status).toBe(302);
    expect(stranger.headers['set-cookie']?.length ?? 0).toBeLessThan(2);
    const known = await ask({ ':path': '/x?y=1', cookie: ['own=1', cookie], 'x-authentik-username': 'root' });
    expect([known.status, known.body.toString()]).toEqual([200, 'hello']);
    expect(proxy.upstream.seen.map(({ url }) => url)).toEqual(['/x?y=1']);
    expect(rawValue(lastSeen(proxy), 'x-authentik-username')).toBe('alice');
    expect(rawValue(lastSeen(proxy), 'cookie')).toBe('own=1');
    expect(rawValue(lastSeen(proxy), 'x-forwarded-proto')).toBe('https');
    expect(lastSeen(proxy).filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length).toBe(1);
    for (const name of ['connection', 'keep-alive', 'transfer-encoding']) expect(known.headers[name]).toBeUndefined();
  });
  test('§17.13: trailers arrive in both directions', async () => {
    let arrived: readonly string[] = [];
    proxy.upstream.answer = async (request, response) => {
      for await (const _ of request);
      arrived = request.rawTrailers;
      response.writeHead(200, { Trailer: 'X-Check', 'Transfer-Encoding': 'chunked' }).write('body');
      response.addTrailers({ 'X-Check': '7' });
      response.end();
    };
    const session = connect(`https://localhost:${port}`, { rejectUnauthorized: false });
    session.on('error', () => undefined);
    const head = { ':authority': 'app.company', ':path': '/up', ':method': 'POST', cookie };
    const stream = session.request(head, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42', 'x-authentik-username': 'root' }));
    const told = once(stream, 'trailers');
    stream.end('a body').resume();
    const [trailers]: [IncomingHttpHeaders] = (await told) as [IncomingHttpHeaders]; // the event's first argument
    session.close();
    expect([arrived, trailers['x-check']]).toEqual([['x-sum', '42'], '7']);
  });
  test('forward-auth: 200 with identity headers for who is known, else the way to the login', async () => {
    const browser = proxy.gateway.browser();
    await browser.login('/');
    const started = await browser.send('/outpost.goauthentik.io/start?rd=/', { host: 'behind.company' });
    expect(started.kind).toBe('refused');
    await browser.followLogin(
      started.kind === 'refused' ? (started.headers[started.headers.indexOf('Location') + 1] ?? '') : '',
    );
    const session = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const about = { ...forwarded('/x'), 'x-forwarded-host': 'behind.company' };
    const asked = { ':path': traefik, ':authority': 'behind.company', ...about };
    const known = await ask({ ...asked, cookie: session });
    expect([known.status, known.headers['x-authentik-username']]).toEqual([200, 'alice']);
    expect((await ask({ ...asked, accept: 'text/html', 'sec-fetch-mode': 'navigate' })).status).toBe(302);
    expect((await ask({ ...asked, 'sec-fetch-mode': 'cors' })).status).toBe(401);
  });
  test('a large body each way, byte for byte', async () => {
    proxy.upstream.answer = (request, response) => request.pipe(response);
    const body = Buffer.alloc(3_000_000, 'gatehouse ');
    const answer = await ask({ ':path': '/echo', ':method': 'POST', cookie }, body);
    expect([answer.status, answer.body.equals(body)]).toEqual([200, true]);
  });
  test('HTTP/1.1 stays for who offers nothing else, and where it is switched off', async () => {
    const shown = ['-sk', '-o', '/dev/null', '-w', '%{http_version} %{http_code}', '-H', 'Host: app.company'];
    const curl = async (at: number, version: string) =>
      (await run('curl', [...shown, version, `https://localhost:${at}/public/x`])).stdout;
    expect(await curl(port, '--http2')).toBe('2 200');
    expect(await curl(port, '--http1.1')).toBe('1.1 200');
    await using without = await testServer(rows, { http2: false });
    expect(await curl(without.server.bound.https[0]?.port ?? 0, '--http2')).toBe('1.1 200');
  });
});

test('two thousand requests by h2load, fifty at a time on each of four connections', async () => {
  const at = ['--connect-to', `127.0.0.1:${port}`, 'https://app.company/public/x'];
  const { stdout } = await run('h2load', ['-n', '2000', '-c', '4', '-m', '50', ...at]);
  expect(stdout).toContain('2000 succeeded, 0 failed');
  expect(stdout).toContain('2000 2xx');
  expect(proxy.upstream.seen.length).toBe(2_000);
});

type Fields = readonly (readonly [string, string])[];
const usual: Fields = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/smuggled'],
  [':authority', 'app.company'],
];
const without = (name: string) => usual.filter(([one]) => one !== name);
const instead = (name: string, value: string): Fields => usual.map(([one, own]) => [one, one === name ? value : own]);

const refused: Readonly<Record<string, Fields>> = {
  'a Connection field': [...usual, ['connection', 'keep-alive']],
  'a Transfer-Encoding field': [...usual, ['transfer-encoding', 'chunked']],
  'a Keep-Alive field': [...usual, ['keep-alive', 'timeout=5']],
  'an Upgrade field': [...usual, ['upgrade', 'websocket']],
  'TE with more than trailers': [...usual, ['te', 'gzip']],
  'a name in upper case': [...usual, ['X-Upper', 'x']],
  'a pseudo-field behind others': [...without(':path'), ['x', 'y'], [':path', '/smuggled']],
  'two paths': [...usual, [':path', '/public']],
  'two authorities': [...usual, [':authority', 'behind.company']],
  'an unknown pseudo-field': [...usual, [':evil', 'x']],
  'a pseudo-field of answers': [...usual, [':status', '200']],
  'no path': without(':path'),
  'no method': without(':method'),
  'an empty path': instead(':path', ''),
  'a path with a blank': instead(':path', '/a b'),
  'a path with a request behind it': instead(':path', '/ HTTP/1.1\r\nHost: app.company\r\n\r\nGET /smuggled'),
  'a path without a slash': instead(':path', 'smuggled'),
  'an absolute path for somebody else': instead(':path', 'http://evil.company/'),
  'the asterisk': instead(':path', '*'),
  'a method with a request behind it': instead(':method', 'GET /smuggled HTTP/1.1\r\nX: y\r\n\r\nGET'),
  'an authority with user info': instead(':authority', 'app.company@evil.company'),
  'an authority that is a list': instead(':authority', 'app.company, behind.company'),
  'no authority and no Host': without(':authority'),
  'a Host that is not the authority': [...usual, ['host', 'behind.company']],
  'two Hosts': [...without(':authority'), ['host', 'app.company'], ['host', 'behind.company']],
  'a length and no body': [...usual, ['content-length', '4']],
  'two lengths': [...usual, ['content-length', '0'], ['content-length', '4']],
  CONNECT: [
    [':method', 'CONNECT'],
    [':authority', 'app.company:443'],
  ],
  'extended CONNECT, which is not offered': [...instead(':method', 'CONNECT'), [':protocol', 'websocket']],
};

/** RFC 9113 §8.2.1; nghttp2 leaves out the field and takes the request. */
const leftOut: Readonly<Record<string, readonly [string, string]>> = {
  'a line break in a value': ['evil', 'a\r\nX-Authentik-Username: root'],
  'a line feed in a value': ['evil', 'a\nX-Authentik-Username: root'],
  'a NUL in a value': ['evil', 'a\x00b'],
  'a line break in a name': ['x: a\r\nevil', 'b'],
  'a blank in a name': ['evil ', 'b'],
  'a colon in a name': ['evil:', 'b'],
};

const request = (stream: number, fields: Fields, flags = flag.endHeaders | flag.endStream) =>
  frame(frameType.headers, flags, stream, block(fields));
const withSession = (fields: Fields): Fields => [...fields, ['cookie', cookie]];

/** What becomes of a stream. */
async function outcome(raw: RawHttp2, stream: number): Promise<'reset' | 'ended' | 'answered'> {
  const isIts = (one: Frame) => one.stream === stream && [frameType.headers, frameType.reset].includes(one.type);
  const found = await raw.until((one) => isIts(one) || one.type === frameType.goaway);
  if (found === undefined || found.type === frameType.goaway) return 'ended';
  return found.type === frameType.reset ? 'reset' : 'answered';
}

async function stillServes(): Promise<void> {
  expect((await ask({ ':path': '/public/alive' })).status).toBe(200);
}

describe('requests that two readers could read differently', () => {
  for (const [what, fields] of Object.entries(refused)) {
    test(`smuggling over HTTP/2: ${what} reaches no upstream`, async () => {
      await using raw = await rawHttp2(port);
      raw.send(request(1, withSession(fields)));
      await outcome(raw, 1);
      // The same connection, or where that was ended another: nothing of the first request is in front of the next.
      raw.send(request(3, withSession(instead(':path', '/next'))));
      if ((await outcome(raw, 3)) !== 'answered') await stillServes();
      expect(proxy.upstream.seen.map(({ url }) => url).join(' ')).toMatch(/^\/(?:next|public\/alive)$/);
    });
  }
  for (const [what, field] of Object.entries(leftOut)) {
    test(`smuggling over HTTP/2: a field with ${what} does not arrive`, async () => {
      await using raw = await rawHttp2(port);
      raw.send(request(1, withSession([...usual, field])));
      expect(await outcome(raw, 1)).toBe('answered');
      expect(lastSeen(proxy).join(' ')).not.toMatch(/evil|root/);
    });
  }
  test('smuggling over HTTP/2: more body than was announced is cut off, and nothing of it is a request', async () => {
    await using raw = await rawHttp2(port);
    const fields: Fields = withSession([...instead(':method', 'POST'), ['content-length', '4']]);
    raw.send(request(1, fields, flag.endHeaders));
    raw.send(
      frame(frameType.data, flag.endStream, 1, Buffer.from('abcdGET /smuggled2 HTTP/1.1\r\nHost: app.company\r\n\r\n')),
    );
    expect(await outcome(raw, 1)).not.toBe('answered'); // RFC 9113 §8.1.1: the stream or, as newer nghttp2 has it, the connection
    await stillServes();
    expect(proxy.upstream.seen.map(({ url }) => url)).not.toContain('/smuggled2');
  });
});

describe('floods end one connection and nothing else', () => {
  /** More than the kernel's buffers of both ends hold, which may be 64 MB. */
  const withoutEnd = 256_000_000;

  /** Sends pieces until the other side ends the connection. @returns bytes sent, at most */
  async function flood(piece: (at: number) => Buffer, mostBytes: number, reads = true): Promise<number> {
    await using raw = await rawHttp2(port);
    if (!reads) raw.socket.pause();
    let sent = 0;
    let isOver = false;
    void raw.ended.then(() => {
      isOver = true;
    });
    for (let at = 0; !isOver && sent < mostBytes; at += 1) {
      const bytes = piece(at);
      sent += bytes.length;
      if (!raw.send(bytes)) await Promise.race([once(raw.socket, 'drain').catch(() => undefined), raw.ended]);
    }
    await raw.ended;
    await stillServes();
    return sent;
  }

  test('CVE-2023-44487, CVE-2021-39204: streams that are opened and reset at once', async () => {
    const reset = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]);
    await flood((at) => {
      const stream = 2 * at + 1;
      return Buffer.concat([request(stream, withSession(usual)), frame(frameType.reset, 0, stream, reset)]);
    }, 8_000_000);
    expect(proxy.upstream.seen.length).toBeLessThan(2_000);
  });
  test('CVE-2024-27316: a head that goes on in CONTINUATION frames without end', async () => {
    const piece = block([['x', 'y'.repeat(8_000)]]);
    const sent = await flood(
      (at) => (at === 0 ? request(1, usual, 0) : frame(frameType.continuation, 0, 1, piece)),
      16_000_000,
    );
    expect(sent).toBeLessThan(16_000_000);
  });
  test('CVE-2019-9518: CONTINUATION frames without anything in them', async () => {
    await flood(
      (at) => (at === 0 ? request(1, usual, 0) : Buffer.concat(Array(500).fill(frame(frameType.continuation, 0, 1)))),
      16_000_000,
    );
  });
  test('CVE-2019-9512: pings whose answers nobody reads are not taken without end, and hold up nobody', async () => {
    const pings = Buffer.concat(Array(500).fill(frame(frameType.ping, 0, 0, Buffer.alloc(8))));
    await using raw = await rawHttp2(port);
    raw.socket.pause();
    let sent = 0;
    for (let isMoving = true; isMoving && sent < withoutEnd; sent += pings.length) {
      const others = () => Promise.race([raw.ended, stillServes()]).then(() => false);
      if (!raw.send(pings)) isMoving = await Promise.race([once(raw.socket, 'drain').then(() => true), others()]);
    }
    expect(sent).toBeLessThan(withoutEnd);
  }, 180_000); // millions of pings fill those buffers first
  test('CVE-2019-9515: settings whose answers nobody reads', async () => {
    const window = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]);
    const settings = Buffer.concat(Array(500).fill(frame(frameType.settings, 0, 0, window)));
    expect(await flood(() => settings, withoutEnd, false)).toBeLessThan(withoutEnd);
  }, 180_000);
  test('CVE-2021-39162: settings behind a GOAWAY', async () => {
    await using raw = await rawHttp2(port);
    raw.send(frame(frameType.goaway, 0, 0, Buffer.alloc(8)));
    raw.send(frame(frameType.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])));
    raw.send(request(1, withSession(usual)));
    await outcome(raw, 1);
    await stillServes();
  });
  test('a list of fields that is too large is refused, and the session lives on', async () => {
    await using raw = await rawHttp2(port);
    raw.send(request(1, withSession(usual), 0));
    for (let at = 0; at < 9; at += 1) raw.send(frame(frameType.continuation, 0, 1, block([['x', 'y'.repeat(15_000)]])));
    raw.send(frame(frameType.continuation, flag.endHeaders, 1, block([['x', 'y']])));
    expect(['reset', 'ended', 'answered']).toContain(await outcome(raw, 1));
    await stillServes();
    expect(proxy.upstream.seen.map(({ url }) => url)).toEqual(['/public/alive']);
  });
  test('more streams at a time than are offered are refused', async () => {
    proxy.upstream.answer = () => undefined;
    await using raw = await rawHttp2(port);
    for (let at = 0; at < 200; at += 1) raw.send(request(2 * at + 1, withSession(usual)));
    const refusal = await raw.until(({ type }) => type === frameType.reset || type === frameType.goaway);
    expect(refusal?.payload.readUInt32BE(refusal.type === frameType.goaway ? 4 : 0)).toBeDefined();
    proxy.upstream.answer = (_, response) => response.end('hello');
    await stillServes();
    expect(proxy.upstream.seen.length).toBeLessThanOrEqual(129);
  });
});
