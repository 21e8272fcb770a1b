import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { ReadyResponse } from '@gatehouse/proxy/ready-response';
import { expect, test } from 'vitest';
import { isImmutable } from './immutable.ts';
import { negotiate } from './negotiation.ts';
import { readRange } from './ranges.ts';
import { serveAsset } from './serve.ts';
import { loadAssets } from './table.ts';

const script = 'const words = "again and again ";\n'.repeat(200);

async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-assets-'));
  await mkdir(join(folder, 'assets/icons'), { recursive: true });
  await writeFile(join(folder, 'app-4f3c2b1a9d.js'), script);
  await writeFile(join(folder, 'assets/icons/icon.png'), Buffer.alloc(300, 7));
  await writeFile(join(folder, 'large.bin'), Buffer.alloc(2_200_000, 9));
  await writeFile(join(folder, '.hidden'), 'x');
  await symlink('/etc/passwd', join(folder, 'link.txt'));
  const table = await loadAssets([{ folder, name: 'dist' }], { version: '1.2.3' });
  const context = {
    version: '1.2.3',
    ownLines: 'X-authentik-id: id\r\n',
    dateLine: () => 'Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n',
  };
  const server = createServer({ ServerResponse: ReadyResponse }, (request, response) => {
    serveAsset(table.get((request.url ?? '').slice(1)), request, response, context)?.catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = (server.address() as AddressInfo).port;
  return {
    table,
    ask: (path: string, init: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${port}/dist/${path}`, { headers: { 'accept-encoding': 'identity' }, ...init }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

test('router R15: quoted ETag; If-None-Match gives 304 without body and the same tag', async () => {
  await using site = await start();
  const first = await site.ask('app-4f3c2b1a9d.js');
  const etag = first.headers.get('etag') ?? '';
  expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
  for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await site.ask('app-4f3c2b1a9d.js', {
      headers: { 'if-none-match': tag, 'accept-encoding': 'identity' },
    });
    expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, etag, '']);
  }
  expect((await site.ask('app-4f3c2b1a9d.js', { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
});

test('router R16: HEAD and GET have the same status and headers', async () => {
  await using site = await start();
  for (const path of ['app-4f3c2b1a9d.js', 'large.bin', 'missing']) {
    const [get, head] = [await site.ask(path), await site.ask(path, { method: 'HEAD' })];
    const relevant = (answer: Response) =>
      [...answer.headers].filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name));
    expect([head.status, relevant(head)].toString()).toBe([get.status, relevant(get)].toString());
    await get.arrayBuffer();
  }
});

test('router R17: hashed names are immutable for a year, plain ones are not', async () => {
  await using site = await start();
  expect((await site.ask('app-4f3c2b1a9d.js')).headers.get('cache-control')).toContain('max-age=31536000, immutable');
  expect((await site.ask('assets/icons/icon.png')).headers.get('cache-control')).not.toContain('immutable');
  expect(isImmutable('dist/flow/FlowInterface-1.2.3.js', '1.2.3')).toBe(true);
  for (const name of [
    'dist/assets/icons/icon_left_brand.svg',
    'dist/assets/images/flow_background.jpg',
    'dist/sfe/bootstrap.min.css',
    'dist/some-longworded.js',
  ]) {
    expect(isImmutable(name, '1.2.3'), name).toBe(false);
  }
});

test('router R18: the coding follows the weights, Vary names it, the bytes are the same', async () => {
  await using site = await start();
  const coded = site.table.get('dist/app-4f3c2b1a9d.js')?.coded;
  expect(brotliDecompressSync(coded?.br?.body ?? Buffer.alloc(0)).toString()).toBe(script);
  expect(gunzipSync(coded?.gzip?.body ?? Buffer.alloc(0)).toString()).toBe(script);
  const answer = await site.ask('app-4f3c2b1a9d.js', { headers: { 'accept-encoding': 'gzip;q=0.5, br' } });
  expect(answer.headers.get('content-encoding')).toBe('br');
  expect(answer.headers.get('vary')).toContain('Accept-Encoding');
  expect(answer.headers.get('etag')).toMatch(/-br"$/);
  expect(await answer.text()).toBe(script);
  expect((await site.ask('app-4f3c2b1a9d.js')).headers.get('content-encoding')).toBeNull();
});

test('router R19: a range is ten identity bytes, also of a streamed file, If-Range by tag', async () => {
  await using site = await start();
  for (const path of ['app-4f3c2b1a9d.js', 'large.bin']) {
    const whole = await site.ask(path);
    const size = (await whole.arrayBuffer()).byteLength;
    const part = await site.ask(path, { headers: { range: 'bytes=0-9', 'accept-encoding': 'br' } });
    expect([
      part.status,
      part.headers.get('content-range'),
      part.headers.get('content-length'),
      part.headers.get('content-encoding'),
    ]).toEqual([206, `bytes 0-9/${size}`, '10', null]);
    expect((await part.arrayBuffer()).byteLength).toBe(10);
    const changed = await site.ask(path, { headers: { range: 'bytes=0-9', 'if-range': '"other"' } });
    expect(changed.status).toBe(200);
    await changed.arrayBuffer();
    expect((await site.ask(path, { headers: { range: `bytes=${size}-` } })).status).toBe(416);
  }
});

test('router R20, R21: other methods are 405 with Allow; every answer names the version', async () => {
  await using site = await start();
  const post = await site.ask('app-4f3c2b1a9d.js', { method: 'POST' });
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  for (const answer of [post, await site.ask('missing'), await site.ask('large.bin')]) {
    expect(answer.headers.get('x-authentik-version')).toBe('1.2.3');
    await answer.arrayBuffer();
  }
});

test('router R13, R14: no listing, no hidden file, no link, no way out', async () => {
  await using site = await start();
  for (const path of [
    '',
    'assets/icons',
    'assets/icons/',
    '.hidden',
    'link.txt',
    '..%2f..%2fetc%2fpasswd',
    '%2e%2e/app-4f3c2b1a9d.js',
  ]) {
    expect((await site.ask(path)).status, path).toBe(404);
  }
});

for (const [header, expected] of [
  ['br, gzip', 'br'],
  ['gzip, br', 'br'],
  ['gzip;q=1, br;q=0.1', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['identity', undefined],
  ['*', 'br'],
  ['br;q=0, *;q=0.5', 'gzip'],
  ['identity;q=1, gzip;q=0.5', undefined],
  ['', undefined],
  ['gzip;q=7', undefined],
  ['x-gzip', 'gzip'],
] as const) {
  test(`RFC 9110 §12.5.3: "${header}" chooses ${expected ?? 'identity'}`, () =>
    expect(negotiate(header, ['br', 'gzip'])).toBe(expected));
}

for (const [header, expected] of [
  ['bytes=0-9', { kind: 'part', start: 0, end: 9 }],
  ['bytes=90-', { kind: 'part', start: 90, end: 99 }],
  ['bytes=-5', { kind: 'part', start: 95, end: 99 }],
  ['bytes=-500', { kind: 'part', start: 0, end: 99 }],
  ['bytes=0-500', { kind: 'part', start: 0, end: 99 }],
  ['bytes=100-', { kind: 'unsatisfiable' }],
  ['bytes=-0', { kind: 'unsatisfiable' }],
  ['bytes=5-2', { kind: 'whole' }],
  ['bytes=0-1,3-4', { kind: 'whole' }],
  ['bytes=-', { kind: 'whole' }],
  ['items=0-1', { kind: 'whole' }],
] as const) {
  test(`RFC 9110 §14.1.2: "${header}" of 100 bytes`, () => expect(readRange(header, 100)).toEqual(expected));
}
