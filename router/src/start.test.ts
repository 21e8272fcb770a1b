// The whole router in front of a plain core, bodies, faults and its end: router.md §19, by number.
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exchangeText } from './testing/exchange-text.ts';
import { healthyRouter, trusting } from './testing/healthy-router.ts';
import { startPlainCore } from './testing/plain-core.ts';
import { runRouter, until } from './testing/running-router.ts';

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

test('router R57: headers of 64 KiB are accepted, 200 KiB are 431', async () => {
  await using site = await healthyRouter();
  const ask = (bytes: number) =>
    exchangeText(
      site.port,
      `GET /if/user/ HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(bytes)}\r\nConnection: close\r\n\r\n`,
    );
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
    expect(await exchangeText(site.port, text)).toMatch(/^HTTP\/1\.1 400 /);
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
