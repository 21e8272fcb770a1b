import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { rawValue } from './identity/strip.ts';
import { lastSeen, valuesOf } from './testing/raw-exchange.ts';
import { testServer, testUpstream } from './testing/test-server.ts';

describe('proxying', () => {
  test('proxy 13, 64, 70: target byte for byte, identity, one Host, forwarding headers', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    const got = await proxy.get('/a//b/./c?x=%2F', { cookie: `own=1; ${cookie}` });
    expect([got.status, String(got.body)]).toEqual([200, 'hello']);
    const seen = lastSeen(proxy);
    expect(proxy.upstream.seen.at(-1)?.url).toBe('/a//b/./c?x=%2F');
    expect(valuesOf(seen, 'host')).toEqual(['app.company']);
    expect(rawValue(seen, 'x-authentik-username')).toBe('alice');
    expect(rawValue(seen, 'x-forwarded-host')).toBe('app.company');
    expect(rawValue(seen, 'x-forwarded-for')).toBe('127.0.0.1');
    expect(rawValue(seen, 'x-forwarded-proto')).toBe('http');
    expect(rawValue(seen, 'cookie')).toBe('own=1');
    expect(rawValue(seen, 'user-agent')).toBeUndefined();
  });
  test('§17.16: the application gets an assertion that it can verify with our key set', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    await proxy.get('/', { cookie, 'X-Authentik-Assertion': 'forged' });
    const keys = JSON.parse(String((await proxy.get('/outpost.goauthentik.io/.well-known/jwks.json')).body));
    const [token = '', ...others] = valuesOf(lastSeen(proxy), 'x-authentik-assertion');
    const checks = { issuer: 'https://app.company', audience: proxy.upstream.origin };
    expect((await jwtVerify(token, createLocalJWKSet(keys), checks)).payload['email']).toBe('alice@company');
    expect(others).toEqual([]);
  });
  test('proxy 70: Host and upstream of a mapping; an override that is no URL is ignored', async () => {
    await using proxy = await testServer();
    proxy.gateway.issuer.user = { ak_proxy: { host_header: 'internal', backend_override: ':bad' } };
    const { cookie } = await proxy.login();
    expect((await proxy.get('/', { cookie })).status).toBe(200);
    expect(valuesOf(lastSeen(proxy), 'host')).toEqual(['internal']);
    proxy.gateway.issuer.user = { ak_proxy: { backend_override: 'http://127.0.0.1:1' } };
    expect((await proxy.get('/', { cookie: (await proxy.login()).cookie })).status).toBe(502);
  });
  test('proxy 67, 68, 69: spoofed identity never arrives, logged in or not', async () => {
    await using proxy = await testServer([{ skip_path_regex: '^/public' }]);
    const { cookie } = await proxy.login();
    const spoofed = {
      'X-Authentik-Username': 'root',
      X_AUTHENTIK_EMAIL: 'root',
      'X-Authentik-Foo': 'root',
      Connection: 'close, X-Authentik-Username',
    };
    await proxy.get('/', { cookie, ...spoofed });
    expect(valuesOf(lastSeen(proxy), 'x-authentik-username')).toEqual(['alice']);
    expect(lastSeen(proxy).join(' ')).not.toContain('root');
    await proxy.get('/public', spoofed);
    expect(lastSeen(proxy).join(' ').toLowerCase()).not.toMatch(/root|authentik/);
  });
  test('proxy 71: the path of the internal host is not used', async () => {
    await using upstream = await testUpstream();
    await using proxy = await testServer([{ internal_host: `${upstream.origin}/ignored/path` }]);
    await proxy.get('/x', { cookie: (await proxy.login()).cookie });
    expect(upstream.seen.at(-1)?.url).toBe('/x');
  });
  test('proxy 72: the answer passes, byte for byte', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    proxy.upstream.answer = (_, response) =>
      response
        .writeHead(
          418,
          'short and stout',
          [
            ['Set-Cookie', 'a=1'],
            ['Set-Cookie', 'b=2'],
            ['Location', '/x y'],
            ['X-Powered-By', 'php'],
            ['Content-Encoding', 'gzip'],
            ['Server', 'up'],
          ].flat(),
        )
        .end(Buffer.from([31, 139, 0, 255]));
    const got = await proxy.get('/', { cookie });
    expect([got.status, got.reason]).toEqual([418, 'short and stout']);
    expect(got.headers).toMatchObject({
      'set-cookie': ['a=1', 'b=2'],
      location: '/x y',
      server: 'up',
      'content-encoding': 'gzip',
    });
    expect(got.headers['x-powered-by']).toBe('goauthentik.io');
    expect([...got.body]).toEqual([31, 139, 0, 255]);
  });
  test('proxy 73: large bodies stream both ways', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    proxy.upstream.answer = (request, response) => {
      response.writeHead(200);
      request.pipe(response);
    };
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const call = httpRequest({
      port: proxy.port,
      host: '127.0.0.1',
      method: 'POST',
      headers: { Host: 'app.company', cookie },
    });
    Readable.from(Array.from({ length: 160 }, () => chunk)).pipe(call);
    const [answer] = (await once(call, 'response')) as [IncomingMessage];
    let bytes = 0;
    for await (const part of answer) bytes += part.length;
    expect(bytes).toBe(160 * chunk.length);
  });
  test('proxy 73: the first byte is there before the last', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    let finish = () => {};
    proxy.upstream.answer = (_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n');
      finish = () => response.end('data: 2\n\n');
    };
    const call = httpRequest({ port: proxy.port, host: '127.0.0.1', headers: { Host: 'app.company', cookie } }).end();
    const [answer] = (await once(call, 'response')) as [IncomingMessage];
    const [first] = await once(answer, 'data');
    expect(String(first)).toBe('data: 1\n\n');
    finish();
    const [second] = await once(answer, 'data');
    expect(String(second)).toBe('data: 2\n\n');
  });
  test.skipIf(process.env['SOAK'] === undefined)(
    'proxy 74: an event stream that is silent for 90 s, and an upload of 60 s, complete (SOAK=1)',
    async () => {
      await using proxy = await testServer();
      const { cookie } = await proxy.login();
      proxy.upstream.answer = async (request, response) => {
        response.writeHead(200).write('first');
        for await (const _ of request);
        await pause(90_000);
        response.end(' last');
      };
      const headers = { Host: 'app.company', cookie };
      const call = httpRequest({ port: proxy.port, host: '127.0.0.1', method: 'POST', headers });
      call.write('begun');
      setTimeout(() => call.end('ended'), 60_000);
      const [answer] = (await once(call, 'response')) as [IncomingMessage];
      let text = '';
      for await (const part of answer) text += String(part);
      expect(text).toBe('first last');
    },
    200_000,
  );
  test('proxy 76: trailers and early hints arrive, HEAD has no body', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    proxy.upstream.answer = (request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.writeHead(200, { Trailer: 'X-Sum', 'Transfer-Encoding': 'chunked' });
      if (request.method !== 'HEAD') response.write('body');
      response.addTrailers({ 'X-Sum': '42' });
      response.end();
    };
    const call = httpRequest({ port: proxy.port, host: '127.0.0.1', headers: { Host: 'app.company', cookie } }).end();
    const hints = once(call, 'information');
    const [answer] = (await once(call, 'response')) as [IncomingMessage];
    const [information] = await hints;
    expect(information).toMatchObject({ statusCode: 103, headers: { link: '</style.css>; rel=preload' } });
    for await (const _ of answer);
    expect(answer.trailers).toEqual({ 'x-sum': '42' });
    expect((await proxy.get('/', { cookie }, { method: 'HEAD' })).body.length).toBe(0);
  });
  test('proxy 77: an upstream that refuses is 502, with the reason for superusers only', async () => {
    await using proxy = await testServer([{ internal_host: 'http://127.0.0.1:1' }]);
    const got = await proxy.get('/', { cookie: (await proxy.login()).cookie });
    expect(got.status).toBe(502);
    expect(String(got.body)).toMatch(/Bad Gateway[\s\S]*Failed to connect to backend\./);
    proxy.gateway.issuer.user = { ak_proxy: { is_superuser: true } };
    const told = await proxy.get('/', { cookie: (await proxy.login()).cookie });
    expect(String(told.body)).toContain('ECONNREFUSED');
  });
  test('proxy 78: a self-signed upstream is 502 with validation, 200 without', async () => {
    const { certPem, keyPem } = await selfSignedCertificate();
    const upstream = createHttpsServer({ cert: certPem, key: keyPem }, (_, response) => response.end('secret'));
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const at = upstream.address();
    const internal_host = `https://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}`;
    for (const [verify, status] of [
      [true, 502],
      [false, 200],
    ] as const) {
      await using proxy = await testServer([{ internal_host, internal_host_ssl_validation: verify }]);
      expect((await proxy.get('/', { cookie: (await proxy.login()).cookie })).status).toBe(status);
    }
    upstream.closeAllConnections();
    upstream.close();
  });
  test('proxy 79: an upstream that dies mid-body aborts the client', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    proxy.upstream.answer = (request, response) => {
      response.writeHead(200, { 'Content-Length': 100 }).write('part');
      setImmediate(() => request.socket.destroy());
    };
    await expect(proxy.get('/', { cookie })).rejects.toThrow(/aborted|ECONNRESET/);
    proxy.upstream.answer = (request, response) => {
      response.writeHead(200).write('part');
      setImmediate(() => request.socket.destroy());
    };
    await expect(proxy.get('/', { cookie })).rejects.toThrow(/aborted|ECONNRESET/);
  });
  test('a client that leaves aborts the upstream', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    const aborted = new Promise<void>((resolve) => {
      proxy.upstream.answer = (request, response) => {
        request.socket.once('close', () => resolve());
        response.write('begun');
      };
    });
    const call = httpRequest({ port: proxy.port, host: '127.0.0.1', headers: { Host: 'app.company', cookie } }).end();
    const [answer] = (await once(call, 'response')) as [IncomingMessage];
    answer.on('error', () => {});
    await once(answer, 'data');
    call.destroy();
    await aborted;
  });
  test('proxy 80: 200 KiB of request headers', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    const headers: Record<string, string> = { cookie };
    for (let at = 0; at < 20; at++) headers[`X-Large-${at}`] = 'x'.repeat(10_000);
    expect((await proxy.get('/', headers)).status).toBe(200);
    expect(rawValue(lastSeen(proxy), 'x-large-19')?.length).toBe(10_000);
  });
  test('proxy 81, 84: the header that authenticated stays here, at first and from memory', async () => {
    await using proxy = await testServer();
    proxy.gateway.issuer.active.set('a.b.c', { sub: 'u', preferred_username: 'bot', exp: 9_999_999_999 });
    const first = await proxy.get('/', { Authorization: 'Bearer a.b.c' });
    expect(first.headers['set-cookie']?.length).toBe(1);
    expect(rawValue(lastSeen(proxy), 'authorization')).toBeUndefined();
    await proxy.get('/', { Authorization: 'Bearer a.b.c' });
    expect(rawValue(lastSeen(proxy), 'authorization')).toBeUndefined();
    expect(rawValue(lastSeen(proxy), 'x-authentik-username')).toBe('bot');
  });
});
