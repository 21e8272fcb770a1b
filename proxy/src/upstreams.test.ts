// Upstreams that the rule file names (proxy.md §17.15, §17.21): several of them, authorities of one's own, client certificates.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { describe, expect, test } from 'vitest';
import { installed } from './testing/installed.ts';
import { testServer, testUpstream } from './testing/test-server.ts';

const rulesFor = (upstreams: readonly string[], more = '') =>
  `app.company: { upstreams: [${upstreams.join(', ')}]${more} }`;

describe('§9.7: the time to answer that the rule file sets', () => {
  const rules = 'app.company: { answer_timeout: 30s }';
  const sent = {
    'without a body': ['GET', ''],
    'with a body': ['POST', 'Content-Length: 1\r\n\r\nx'],
    'of unknown length': ['POST', 'Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n'],
  } as const;
  for (const [what, [method, rest]] of Object.entries(sent)) {
    test(`an upstream that does not begin is 504, a request ${what}`, async () => {
      await using proxy = await testServer([{}], { rules });
      const { cookie } = await proxy.login();
      const asked = new Promise<void>((resolve) => {
        proxy.upstream.answer = (request) => request.resume().once('end', resolve);
      });
      const socket = connect(proxy.port, '127.0.0.1');
      socket.write(
        `${method} / HTTP/1.1\r\nHost: app.company\r\nConnection: close\r\nCookie: ${cookie}\r\n${rest || '\r\n'}`,
      );
      let answer = '';
      const over = (async () => {
        for await (const part of socket) answer += String(part);
        return true;
      })();
      await asked;
      await proxy.gateway.clock.advance(29_000);
      expect(answer).toBe('');
      for (let isOver = false; !isOver; isOver = await Promise.race([over, soon(false)]))
        await proxy.gateway.clock.advance(1_000);
      expect(answer).toMatch(/^HTTP\/1\.1 504 Gateway Timeout\r\n/);
      expect(proxy.gateway.log.lines.find(({ event }) => event === 'upstream failed')).toMatchObject({
        code: 'ERR_PROXY_UPSTREAM_LATE',
      });
    });
  }
  test('an upload may take its time, and so may the rest of an answer', async () => {
    await using proxy = await testServer([{}], { rules });
    const { cookie } = await proxy.login();
    const begun = new Promise<[IncomingMessage, ServerResponse]>((resolve) => {
      proxy.upstream.answer = (...given) => resolve(given);
    });
    const call = httpRequest({
      port: proxy.port,
      host: '127.0.0.1',
      method: 'POST',
      headers: { Host: 'app.company', Cookie: cookie, 'Content-Length': 2 },
    });
    const answered = once(call, 'response');
    call.write('a');
    const [request, response] = await begun;
    await proxy.gateway.clock.advance(300_000);
    call.end('b');
    await once(request.resume(), 'end');
    response.writeHead(200, { 'Content-Length': 2 }).write('c');
    const [answer] = (await answered) as [IncomingMessage]; // the event's one argument
    await proxy.gateway.clock.advance(300_000);
    response.end('d');
    expect(String(Buffer.concat(await answer.toArray()))).toBe('cd');
  });
});

function soon<T>(value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(resolve, 5, value));
}

describe('§17.21: several upstreams', () => {
  test('they take turns, and one that is gone is passed over without anybody noticing', async () => {
    await using one = await testUpstream();
    await using other = await testUpstream();
    one.answer = (_, response) => response.end('one');
    other.answer = (_, response) => response.end('other');
    await using proxy = await testServer([{}], { rules: rulesFor(['http://127.0.0.1:1', one.origin, other.origin]) });
    const { cookie } = await proxy.login();
    const answers: string[] = [];
    for (let round = 0; round < 12; round++) answers.push(String((await proxy.get('/', { cookie })).body));
    expect(new Set(answers)).toEqual(new Set(['one', 'other']));
    expect(proxy.gateway.log.lines.some(({ event }) => event === 'upstream left out for a while')).toBe(true);
  });
  test('one whose check fails gets nothing, and is back when it passes', async () => {
    await using sick = await testUpstream();
    await using well = await testUpstream();
    let isWell = false;
    sick.answer = (request, response) => {
      const isCheck = request.url === '/healthz';
      response.writeHead(isCheck && !isWell ? 500 : 200).end('sick');
    };
    well.answer = (_, response) => response.end('well');
    const checked = (origin: string) => `{ url: ${origin}, check: { path: /healthz, every: 100ms } }`;
    await using proxy = await testServer([{}], { rules: rulesFor([checked(sick.origin), well.origin]) });
    const { cookie } = await proxy.login();
    const told = (event: string) => proxy.gateway.log.lines.some((line) => line.event === event);
    const until = async (event: string) => {
      for (let round = 0; !told(event) && round < 2_000; round++) {
        await proxy.gateway.clock.advance(100);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect(told(event)).toBe(true);
    };
    const four = async () => {
      const answers = [];
      for (let round = 0; round < 4; round++) answers.push(String((await proxy.get('/', { cookie })).body));
      return new Set(answers);
    };
    await until('upstream down');
    expect(await four()).toEqual(new Set(['well']));
    isWell = true;
    await until('upstream up again');
    expect(await four()).toEqual(new Set(['well', 'sick']));
  });
  test('a request with a body is not sent twice; with none that answers it is 503', async () => {
    await using proxy = await testServer([{}], { rules: rulesFor(['http://127.0.0.1:1', 'http://127.0.0.1:2']) });
    const { cookie } = await proxy.login();
    const posted = await proxy.get('/', { cookie }, { method: 'POST', body: 'x' });
    expect(posted.status).toBe(502);
    const got = await proxy.get('/', { cookie });
    expect([502, 503]).toContain(got.status);
    for (let round = 0; round < 6; round++) await proxy.get('/', { cookie });
    const last = await proxy.get('/', { cookie });
    expect([last.status, last.headers['retry-after']]).toEqual([503, '10']);
  });
});

test('a kept connection that ends under a request: what may be repeated is, once; anything else is not', async () => {
  await using proxy = await testServer();
  const { cookie } = await proxy.login();
  const served = new WeakSet();
  proxy.upstream.answer = ({ socket }, response) => {
    if (served.has(socket)) socket.destroy();
    else response.end('hello');
    served.add(socket);
  };
  const ask = async (method: string, path: string) => (await proxy.get(path, { cookie }, { method })).status;
  const times = (path: string) => proxy.upstream.seen.filter(({ url }) => url === path).length;
  for (const [method, status, seen] of [
    ['GET', 200, 2],
    ['PUT', 200, 2],
    ['POST', 502, 1],
    ['PATCH', 502, 1],
  ] as const) {
    expect(await ask(method, `/first-${method}`)).toBe(200);
    expect([method, await ask(method, `/${method}`), times(`/${method}`)]).toEqual([method, status, seen]);
  }
});

describe.skipIf(!installed('openssl'))('§17.15: TLS towards the upstream', () => {
  test('an authority of one’s own, a name of one’s own, and our certificate where it is asked for', async () => {
    await using folder = await temporaryFolder();
    for (const [name, alternative] of [
      ['server', 'DNS:app.internal'],
      ['client', 'DNS:gatehouse'],
    ] as const) {
      const key = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=${name}`.split(' ');
      const files = ['-keyout', join(folder.path, `${name}.key`), '-out', join(folder.path, `${name}.pem`)];
      execFileSync('openssl', [...key, '-addext', `subjectAltName=${alternative}`, ...files], { stdio: 'ignore' });
    }
    const at = (file: string) => join(folder.path, file);
    const tls = {
      cert: readFileSync(at('server.pem')),
      key: readFileSync(at('server.key')),
      ca: readFileSync(at('client.pem')),
    };
    const upstream = createServer({ ...tls, requestCert: true, rejectUnauthorized: true }, (request, response) => {
      response.end((request.socket as TLSSocket).getPeerCertificate().subject.CN); // it is one, behind an HTTPS server
    });
    upstream.on('upgrade', (_, socket) =>
      socket.end('HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello'),
    );
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const address = upstream.address();
    const origin = `https://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    const own = `certificate: ${at('client.pem')}, key: ${at('client.key')}`;
    const status = async (settings: string) => {
      await using proxy = await testServer([{}], { rules: rulesFor([origin], `, upstream_tls: { ${settings} }`) });
      const { cookie } = await proxy.login();
      const got = await proxy.get('/', { cookie });
      return `${got.status} ${got.status === 200 ? got.body : ''}`.trim();
    };
    expect(await status(`ca: ${at('server.pem')}, ${own}, server_name: app.internal`)).toBe('200 client');
    expect(await status(`ca: ${at('server.pem')}, ${own}`)).toBe('502');
    expect(await status(`${own}, server_name: app.internal`)).toBe('502');
    expect(await status(`ca: ${at('server.pem')}, server_name: app.internal`)).toBe('502');
    upstream.closeAllConnections();
    upstream.close();
  });
  test('a file that cannot be read keeps the provider as it was, and says which', async () => {
    await using proxy = await testServer([{}], {
      rules: rulesFor(['https://127.0.0.1:1'], ', upstream_tls: { ca: /nonexistent/ca.pem }'),
    });
    const told = proxy.gateway.log.lines.find(({ event }) => event === 'provider not usable');
    expect(String(told?.['error'])).toContain('/nonexistent/ca.pem');
  });
});
