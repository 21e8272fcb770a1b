// The whole router in front of a plain core: router.md §19, by number.
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startPlainCore } from './testing/plain-core.ts';
import { runRouter, until } from './testing/running-router.ts';

const assets = { 'dist/flow/FlowInterface-1.2.3.js': 'export {};\n', 'dist/assets/icons/icon.png': 'png' };
const trusting = { AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS: '127.0.0.0/8,10.0.0.0/8' };

/** With a core that has been found healthy. */
async function healthyRouter(env: Record<string, string> = {}) {
  const core = await startPlainCore();
  const router = await runRouter({ core, env, files: assets });
  await until(() => router.router.watch.state === 'healthy');
  return {
    ...router,
    core,
    async [Symbol.asyncDispose]() {
      await router[Symbol.asyncDispose]();
      await core[Symbol.asyncDispose]();
    },
  };
}

/** Sends bytes as they are. @returns everything that came back until the end */
async function raw(port: number, text: string): Promise<string> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.write(text);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('router R3: an asset is there before the core has ever been healthy', async () => {
  await using site = await runRouter({ files: assets });
  const answer = await fetch(`${site.url}/static/dist/flow/FlowInterface-1.2.3.js`);
  expect([answer.status, await answer.text()]).toEqual([200, 'export {};\n']);
});

test('router R8: live follows the core', async () => {
  await using site = await healthyRouter();
  const live = () => fetch(`${site.url}/-/health/live/`, { method: 'HEAD' });
  const answer = await live();
  expect([answer.status, await answer.text()]).toEqual([200, '']);
  await site.core.die();
  await until(async () => (await live()).status === 503);
});

test('router R10: core metrics are not public', async () => {
  await using site = await healthyRouter();
  const answer = await fetch(`${site.url}/-/metrics/`);
  expect([answer.status, await answer.text()]).toEqual([404, '404 page not found\n']);
  expect(site.core.seen).toEqual([]);
});

test('router R12: below a prefix', async () => {
  await using site = await healthyRouter({ AUTHENTIK_WEB__PATH: '/auth/' });
  const root = await fetch(`${site.url}/`, { redirect: 'manual' });
  expect([root.status, root.headers.get('location')]).toEqual([302, '/auth/']);
  expect((await fetch(`${site.url}/auth/static/dist/flow/FlowInterface-1.2.3.js`)).status).toBe(200);
  const outside = await fetch(`${site.url}/static/dist/flow/FlowInterface-1.2.3.js`);
  expect([outside.status, await outside.text()]).toEqual([404, '404 page not found\n']);
  await (await fetch(`${site.url}/auth/if/user/`)).text();
  expect(site.core.seen.map(({ url }) => url)).toEqual(['/auth/if/user/']);
});

test('router R13, R14, R21: no listing and no way out, and each such answer names the version', async () => {
  await using site = await healthyRouter();
  for (const path of ['/static/dist/', '/static/dist/assets/icons', '/if/flow/x/assets/', '/static/dist/nothing.js']) {
    const answer = await fetch(`${site.url}${path}`);
    expect([answer.status, answer.headers.get('x-authentik-version')], path).toEqual([404, '1.2.3']);
  }
  for (const path of [
    '/static/dist/%2e%2e/%2e%2e/etc/passwd',
    '/static/dist/..%2f..%2fetc/passwd',
    '/static/dist/..%5c..%5cetc/passwd',
    '/static/dist/%00',
    '/static/dist/%c0%ae%c0%ae/etc/passwd',
    '/static/dist/\\..\\..\\etc/passwd',
  ]) {
    const answer = await raw(site.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(answer, path).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(answer, path).not.toContain('root:');
  }
});

test('router R20: other methods on an asset are 405 with Allow', async () => {
  await using site = await healthyRouter();
  const answer = await fetch(`${site.url}/static/dist/flow/FlowInterface-1.2.3.js`, { method: 'POST', body: 'x' });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('router R22: the assets of a page are those of the packaged folder', async () => {
  await using site = await healthyRouter();
  const bytes = await (await fetch(`${site.url}/static/dist/assets/icons/icon.png`)).text();
  for (const page of ['flow/some-flow', 'admin', 'user', 'rac/token']) {
    const answer = await fetch(`${site.url}/if/${page}/assets/icons/icon.png`);
    expect([answer.status, await answer.text()], page).toEqual([200, bytes]);
  }
});

test('router R23: robots.txt and security.txt are text, and the latter has not expired', async () => {
  await using site = await healthyRouter();
  for (const path of ['/robots.txt', '/.well-known/security.txt']) {
    const answer = await fetch(`${site.url}${path}`);
    expect([answer.status, answer.headers.get('content-type')?.startsWith('text/plain')]).toEqual([200, true]);
    const expires = /^Expires: (.*)$/m.exec(await answer.text())?.[1];
    if (path.includes('security')) expect(Date.parse(expires ?? '')).toBeGreaterThan(Date.now());
  }
});

test('router R24: old media paths and help are for the core to answer', async () => {
  await using site = await healthyRouter();
  site.core.answer = (_request, response) => void response.writeHead(404).end("the core's own");
  for (const path of ['/media/x.png', '/if/help']) {
    const answer = await fetch(`${site.url}${path}`);
    expect([answer.status, await answer.text()]).toEqual([404, "the core's own"]);
  }
});

const certificateHeaders = {
  'ssl-client-cert': 'x',
  'x-forwarded-client-cert': 'y',
  'x-forwarded-tls-client-cert': 'z',
};

test('router R25, R30, R32: what an untrusted peer claims does not reach the core', async () => {
  await using site = await healthyRouter();
  const headers = {
    'x-forwarded-for': '1.2.3.4',
    'x-forwarded-proto': 'https',
    'x-real-ip': '1.2.3.4',
    forwarded: 'for=1.2.3.4;proto=https',
    'x-authentik-id': 'forged',
    ...certificateHeaders,
  };
  await (await fetch(`${site.url}/if/user/`, { headers })).text();
  const seen = site.core.seen[0]?.headers ?? {};
  expect(seen).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
  for (const name of ['x-real-ip', 'forwarded', ...Object.keys(certificateHeaders)])
    expect(seen[name], name).toBeUndefined();
  expect(seen['x-authentik-id']).not.toBe('forged');
});

for (const [id, headers, client, proto] of [
  ['R26', { 'x-forwarded-for': '203.0.113.7' }, '203.0.113.7', 'http'],
  ['R27', { 'x-forwarded-for': '6.6.6.6, 203.0.113.7, 10.0.0.9' }, '203.0.113.7', 'http'],
  ['R28', { 'x-real-ip': '203.0.113.7' }, '203.0.113.7', 'http'],
  ['R28', { forwarded: 'for="[2001:db8::7]:4711";proto=https' }, '2001:db8::7', 'https'],
] as const) {
  test(`router ${id}: a trusted peer's ${JSON.stringify(headers)} is ${client} over ${proto}`, async () => {
    await using site = await healthyRouter(trusting);
    await (await fetch(`${site.url}/if/user/`, { headers: { ...headers } })).text();
    expect(site.core.seen[0]?.headers).toMatchObject({ 'x-forwarded-for': client, 'x-forwarded-proto': proto });
  });
}

test('router R29: the forwarded host of an untrusted peer is neither used nor logged', async () => {
  await using site = await healthyRouter();
  await (await fetch(`${site.url}/if/user/`, { headers: { 'x-forwarded-host': 'app.example' } })).text();
  expect(site.core.seen[0]?.headers.host).toBe(`127.0.0.1:${site.port}`);
  await until(() => site.log.lines.some(({ event }) => event === 'request'));
  expect(JSON.stringify(site.log.lines)).not.toContain('app.example');
});

/** One request over TLS; the headers that the core saw. */
async function overTls(port: number, options: ConnectionOptions = {}, path = '/if/user/') {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerCertificate();
  const protocol = socket.getProtocol();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-Proto: http\r\nConnection: close\r\n\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return { certificate, protocol, text: Buffer.concat(chunks).toString() };
}

test('router R31, R37: over TLS the core sees https; without a brand the certificate is our own', async () => {
  await using site = await healthyRouter(trusting);
  const { certificate, text } = await overTls(site.tlsPort, { servername: 'nobody.example' });
  expect(text).toMatch(/^HTTP\/1\.1 200 /);
  expect(certificate.subject.CN).toBe('authentik default certificate');
  expect(site.core.seen[0]?.headers['x-forwarded-proto']).toBe('https');
});

for (const [version, works] of [
  ['TLSv1.1', false],
  ['TLSv1.2', true],
  ['TLSv1.3', true],
] as const) {
  test(`router R40: ${version} ${works ? 'succeeds' : 'fails'}`, async () => {
    await using site = await healthyRouter();
    const options = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const attempt = overTls(site.tlsPort, options);
    if (works) expect((await attempt).protocol).toBe(version);
    else await expect(attempt).rejects.toThrow();
  });
}

test('router R34: a PROXY header of a trusted peer names the client; another ends in nothing', async () => {
  const line =
    'PROXY TCP4 198.51.100.9 127.0.0.1 4711 9000\r\nGET /if/user/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  await using trustingSite = await healthyRouter({ AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS: '127.0.0.0/8' });
  expect(await raw(trustingSite.port, line)).toMatch(/^HTTP\/1\.1 200 /);
  expect(trustingSite.core.seen[0]?.headers['x-forwarded-for']).toBe('198.51.100.9');
  await using careful = await healthyRouter();
  expect(await raw(careful.port, line).catch(() => '')).not.toMatch(/ 200 /);
  expect(careful.core.seen).toEqual([]);
});

test('router R36: a POST without PROXY header is served', async () => {
  await using site = await healthyRouter(trusting);
  const answer = await fetch(`${site.url}/api/v3/x/`, { method: 'POST', body: 'PROXIMITY' });
  expect(await answer.text()).toBe('{"from":"core"}\n');
  expect(site.core.seen[0]?.body).toBe('PROXIMITY');
});

test('router R41: a WebSocket outlives the timeouts of HTTP', async () => {
  const short = { AUTHENTIK_WEB__TIMEOUT_HTTP_READ: '50ms', AUTHENTIK_WEB__TIMEOUT_HTTP_WRITE: '50ms' };
  await using site = await healthyRouter({ ...short, AUTHENTIK_WEB__TIMEOUT_HTTP_IDLE: '50ms' });
  const socket = new WebSocket(`ws://127.0.0.1:${site.port}/ws/client/`);
  await once(socket, 'open');
  await new Promise((resolve) => setTimeout(resolve, 300));
  socket.send('still here');
  const [echo] = await once(socket, 'message');
  expect(String(echo)).toBe('still here');
  socket.close();
  await once(socket, 'close');
  await until(() =>
    site.log.lines.some(({ event, route, status }) => event === 'request' && route === 'tunnel' && status === 101),
  );
});

test('router §12: at the end a WebSocket is closed with 1012, service restart', async () => {
  await using core = await startPlainCore();
  const site = await runRouter({ core });
  await until(() => site.router.watch.state === 'healthy');
  const socket = new WebSocket(`ws://127.0.0.1:${site.port}/ws/client/`);
  await once(socket, 'open');
  socket.send('one');
  await once(socket, 'message');
  const closed = once(socket, 'close');
  await site[Symbol.asyncDispose]();
  expect((await closed)[0]).toBe(1012);
});

test('router §12: an upgrade that the core refuses leaves no line to the core', async () => {
  await using site = await healthyRouter();
  const asked = httpRequest({
    port: site.port,
    path: '/static/dist/x',
    headers: { connection: 'upgrade', upgrade: 'websocket' },
  });
  asked.end();
  const [answer] = await once(asked, 'response');
  expect(answer.statusCode).toBe(404);
  expect(site.core.seen).toEqual([]);
});

test('router R42: events are delivered one by one', async () => {
  await using site = await healthyRouter();
  let send: (text: string) => void = () => undefined;
  site.core.answer = (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    send = (text) => void response.write(text);
    send('data: 1\n\n');
  };
  const reader = (await fetch(`${site.url}/events`)).body?.getReader();
  for (const expected of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
    const chunk = await reader?.read();
    expect(Buffer.from(chunk?.value ?? []).toString()).toBe(expected);
    send(`data: ${Number(expected[6]) + 1}\n\n`);
  }
  await reader?.cancel();
});

test('router R43: a body above the limit is 413, counted or announced; one at the limit passes', async () => {
  await using site = await healthyRouter({ AUTHENTIK_WEB__MAX_BODY_BYTES: '1000' });
  const send = (bytes: number, chunked: boolean) => {
    const content = Buffer.alloc(bytes, 'x');
    const body = chunked ? new Blob([content]).stream() : content;
    const init = { method: 'POST', body, headers: { accept: 'application/json' }, duplex: 'half' as const };
    return fetch(`${site.url}/api/v3/x/`, init);
  };
  for (const chunked of [false, true]) {
    const refused = await send(1001, chunked);
    expect([refused.status, await refused.json()]).toEqual([413, { error: 'request body too large' }]);
    const passed = await send(1000, chunked);
    expect(passed.status).toBe(200);
    await passed.text();
  }
  expect(site.core.seen.map(({ body }) => body.length)).toEqual([1000, 1000]);
});

test('router R44: a download longer than the timeouts is not cut while it moves, a client that takes nothing is', async () => {
  const short = { AUTHENTIK_WEB__TIMEOUT_HTTP_WRITE: '200ms', AUTHENTIK_WEB__TIMEOUT_HTTP_READ: '200ms' };
  await using site = await healthyRouter(short);
  site.core.answer = (request, response) => {
    if (request.url === '/endless') {
      const block = Buffer.alloc(1_048_576);
      const more = () => {
        while (!response.destroyed && response.write(block));
      };
      response.on('drain', more);
      return more();
    }
    let left = 5;
    const part = () => (left-- > 0 ? response.write('part ', () => setTimeout(part, 100)) : response.end('end'));
    part();
  };
  expect(await (await fetch(`${site.url}/steady`)).text()).toBe(`${'part '.repeat(5)}end`);
  const stuck = connectTcp(site.port, '127.0.0.1').on('error', () => undefined);
  stuck.pause();
  stuck.write('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() =>
    site.log.lines.some(({ event, path, status }) => event === 'request' && path === '/endless' && status === 499),
  );
  stuck.destroy();
});

test('router §10: an upload that stands still is ended, one that moves is not', async () => {
  await using site = await healthyRouter({ AUTHENTIK_WEB__TIMEOUT_HTTP_READ: '200ms' });
  const head = 'POST /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 6\r\n\r\n';
  const steady = connectTcp(site.port, '127.0.0.1');
  steady.write(head);
  for (const one of 'abcdef') {
    await new Promise((resolve) => setTimeout(resolve, 100));
    steady.write(one);
  }
  const [chunk] = await once(steady, 'data');
  expect(String(chunk)).toMatch(/^HTTP\/1\.1 200 /);
  expect(site.core.seen[0]?.body).toBe('abcdef');
  const still = connectTcp(site.port, '127.0.0.1').on('error', () => undefined);
  still.write(`${head}abc`);
  await once(still, 'close');
  steady.destroy();
});

test('router R45: answers of the core are ours by name, its own is removed, its cookies all arrive', async () => {
  await using site = await healthyRouter();
  const answer = await fetch(`${site.url}/if/user/`);
  expect([answer.headers.get('x-powered-by'), answer.headers.get('server')]).toEqual(['authentik', null]);
  expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
});

test('router §18: Strict-Transport-Security, where it is on, takes no cookie of the core away', async () => {
  await using site = await healthyRouter({ ...trusting, AUTHENTIK_WEB__HSTS_MAX_AGE: '60' });
  const answer = await fetch(`${site.url}/if/user/`, { headers: { 'x-forwarded-proto': 'https' } });
  expect(answer.headers.get('strict-transport-security')).toBe('max-age=60');
  expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
});

test('router R48: //if///user/ is 301 to the clean path, query kept', async () => {
  await using site = await healthyRouter();
  const answer = await raw(site.port, 'GET //if///user/?a=b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 301 [\s\S]*Location: \/if\/user\/\?a=b\r\n/);
});

test('router R54: every answer has an id, and the core and the log have the same', async () => {
  await using site = await healthyRouter();
  for (const path of ['/if/user/', '/static/dist/nothing', '/robots.txt', '/-/health/live/', '//x', '/-/metrics/']) {
    const id = (await fetch(`${site.url}${path}`, { redirect: 'manual' })).headers.get('x-authentik-id');
    expect(id, path).toMatch(/^[0-9a-f]{32}$/);
    await until(() => site.log.lines.some((line) => line['request_id'] === id));
  }
  const answer = await fetch(`${site.url}/if/user/`);
  expect(site.core.seen.at(-1)?.headers['x-authentik-id']).toBe(answer.headers.get('x-authentik-id'));
});

test('router R54: the id of a trusted peer is kept, a malformed one is not', async () => {
  await using site = await healthyRouter(trusting);
  const idFor = async (id: string) =>
    (await fetch(`${site.url}/robots.txt`, { headers: { 'x-request-id': id } })).headers.get('x-authentik-id');
  expect(await idFor('trace-0123456789')).toBe('trace-0123456789');
  expect(await idFor('short')).toMatch(/^[0-9a-f]{32}$/);
});

test('router R57: headers of 64 KiB are accepted, 200 KiB are 431', async () => {
  await using site = await healthyRouter();
  const ask = (bytes: number) =>
    raw(site.port, `GET /if/user/ HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(bytes)}\r\nConnection: close\r\n\r\n`);
  expect(await ask(65_536)).toMatch(/^HTTP\/1\.1 200 /);
  expect(await ask(204_800)).toMatch(/^HTTP\/1\.1 431 /);
});

test('router §11.2: a core that is gone is 502, without internals; then the starting answer again', async () => {
  await using site = await healthyRouter();
  await site.core.die();
  const answer = await fetch(`${site.url}/if/user/`, { headers: { accept: 'application/json' } });
  expect([answer.status, await answer.text()]).toEqual([502, '{"error":"the identity core did not answer"}\n']);
  await until(async () => (await fetch(`${site.url}/if/user/`)).status === 503);
});

test('router §11.2: a core that thinks too long is 504', async () => {
  await using site = await healthyRouter({ AUTHENTIK_CORE__ANSWER_TIMEOUT: '100ms' });
  site.core.answer = () => undefined;
  expect((await fetch(`${site.url}/slow`)).status).toBe(504);
});

for (const [name, text] of [
  [
    'Content-Length and Transfer-Encoding',
    'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['two lengths', 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde'],
  ['two hosts', 'GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
  ['no host', 'GET /x HTTP/1.1\r\n\r\n'],
  ['a bare line feed', 'GET /x HTTP/1.1\r\nHost: a\nX: y\r\n\r\n'],
  ['a folded header', 'GET /x HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n'],
  ['a blank before the colon', 'GET /x HTTP/1.1\r\nHost: a\r\nContent-Length : 0\r\n\r\n'],
  ['an unknown coding', 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n'],
  ['chunked twice', 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n'],
  ['an absolute target', 'GET http://other/x HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a control character in a value', 'GET /x HTTP/1.1\r\nHost: a\r\nX: a\u0000b\r\n\r\n'],
] as const) {
  test(`RFC 9112 §11.2: ${name} is refused and never reaches the core`, async () => {
    await using site = await healthyRouter();
    expect(await raw(site.port, text)).toMatch(/^HTTP\/1\.1 400 /);
    expect(site.core.seen).toEqual([]);
  });
}

test('router §17: at the end running requests complete, and no file is left', async () => {
  const core = await startPlainCore();
  await using _ = core;
  const site = await runRouter({ core });
  await until(() => site.router.watch.state === 'healthy');
  let finish: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => {
    core.answer = (request, response) => {
      if (request.url !== '/slow') return void response.end();
      finish = () => void response.end('complete');
      resolve();
    };
  });
  const slow = fetch(`${site.url}/slow`);
  await arrived;
  const closing = site.router.close();
  await until(() =>
    fetch(`${site.url}/x`).then(
      () => false,
      () => true,
    ),
  );
  finish();
  expect(await (await slow).text()).toBe('complete');
  await closing;
  expect((await readdir(join(site.folder))).filter((name) => name.endsWith('.sock'))).toEqual([]);
});
