import { request } from 'node:http';
import { Secret } from '@gatehouse/daemon/config';
import { describe, expect, test } from 'vitest';
import { parseFileName } from '../names.ts';
import { backendSuite, once } from '../testing/backend-suite.ts';
import { s3Keys, s3Options } from '../testing/s3-options.ts';
import { startS3Server } from '../testing/s3-server.ts';
import { createS3Backend, type S3BackendOptions } from './s3.ts';

const tenant = 'public';

async function start(over: Partial<S3BackendOptions> = {}) {
  const server = await startS3Server({ ...s3Keys, pageSize: 2 });
  const options = s3Options(server.url, over);
  return {
    backend: createS3Backend(options),
    server,
    options,
    raw: async () => [...server.objects.keys(), ...[...server.pendingUploads.keys()].map((id) => `pending ${id}`)],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

backendSuite('S3Backend', start);

describe('S3Backend against a server that verifies signatures', () => {
  test('a wrong key is refused for reading, writing, listing and presigned URLs', async () => {
    await using under = await start({
      credentials: () => ({ accessKey: new Secret(s3Keys.accessKey), secretKey: new Secret('wrong') }),
    });
    const name = parseFileName('a.png');
    const forbidden = { code: 'ERR_STORAGE_FORBIDDEN' };
    await expect(under.backend.put(name, once('x'), { tenant, contentType: 'image/png' })).rejects.toMatchObject(
      forbidden,
    );
    await expect(under.backend.get(name, { tenant })).rejects.toMatchObject(forbidden);
    await expect(under.backend.list(tenant)[Symbol.asyncIterator]().next()).rejects.toMatchObject(forbidden);
    expect((await fetch(await under.backend.url('a.png', { tenant, nowMs: Date.now() }))).status).toBe(403);
  });

  test('files F40: a presigned URL carries algorithm, signature and life, opens the file, and only that file', async () => {
    await using under = await start();
    await under.backend.put(parseFileName('a_b/c.png'), once('bytes'), {
      tenant,
      contentType: 'image/png',
    });
    const url = await under.backend.url('a_b/c.png', { tenant, nowMs: Date.now() });
    expect(url).toContain('X-Amz-Algorithm=AWS4-HMAC-SHA256');
    expect(url).toContain('X-Amz-Expires=900');
    const answer = await fetch(url);
    expect([answer.status, await answer.text(), answer.headers.get('content-type')]).toEqual([
      200,
      'bytes',
      'image/png',
    ]);
    expect((await fetch(url.replace('c.png', 'd.png'))).status).toBe(403);
    expect((await fetch(url.replace('X-Amz-Expires=900', 'X-Amz-Expires=9000'))).status).toBe(403);
  });

  for (const [style, over] of [
    ['path', {}],
    ['virtual-host', { addressingStyle: 'virtual' }],
    ['older', { signatureVersion: 's3' }],
  ] as const)
    test(`a presigned upload (${style}) takes one file under that name, by PUT, for a while, and of the right key`, async () => {
      const under = await start({ ...over, urlLifeMs: 60_000 });
      await using _ = under;
      const endpoint = `http://localhost:${under.server.port}`;
      const backend = createS3Backend({ ...under.options, endpoint });
      const wrong = createS3Backend({
        ...under.options,
        endpoint,
        credentials: () => ({ accessKey: new Secret(s3Keys.accessKey), secretKey: new Secret('wrong') }),
      });
      const to = (made: typeof backend, nowMs: number) => made.uploadUrl(parseFileName('a/b.csv'), { tenant, nowMs });
      const send = (url: string, method = 'PUT') => statusOf(new URL(url), method, method === 'PUT' ? 'bytes' : '');
      const url = await to(backend, Date.now());
      expect(await send(url)).toBe(200);
      expect(under.server.objects.get('media/public/a/b.csv')?.body.toString()).toBe('bytes');
      expect(await send(url.replace('b.csv', 'c.csv'))).toBe(403);
      expect(await send(url, 'DELETE')).toBe(403);
      expect(await send(await to(backend, Date.now() - 61_000))).toBeGreaterThanOrEqual(400);
      expect(await send(await to(wrong, Date.now()))).toBe(403);
      expect([...under.server.objects.keys()]).toEqual(['media/public/a/b.csv']);
    });

  test('the same name has the same presigned URL during a window', async () => {
    await using under = await start();
    const at = Date.parse('2026-03-01T12:00:00Z');
    const one = await under.backend.url('a.png', { tenant, nowMs: at });
    expect(await under.backend.url('a.png', { tenant, nowMs: at + 299_000 })).toBe(one);
    expect(await under.backend.url('a.png', { tenant, nowMs: at + 300_000 })).not.toBe(one);
  });

  test('virtual-host addressing is signed for that host and accepted there', async () => {
    const server = await startS3Server(s3Keys);
    await using _ = server;
    await using under = await start({ addressingStyle: 'virtual', endpoint: `http://localhost:${server.port}` });
    server.objects.set('media/public/a.png', { body: Buffer.from('bytes'), contentType: 'image/png' });
    const url = new URL(await under.backend.url('a.png', { tenant, nowMs: Date.now() }));
    expect([url.hostname, url.pathname]).toEqual(['files.localhost', '/media/public/a.png']);
    expect(await statusAt(server.port, url.host, url.pathname + url.search)).toBe(200);
    expect(await statusAt(server.port, `files.127-0-0-1.test:${server.port}`, url.pathname + url.search)).toBe(403);
  });

  test('files F41: a custom domain with the bucket in it names the bucket once', async () => {
    await using under = await start({ customDomain: 's3.test:8080/files', secureUrls: false });
    const url = await under.backend.url('a.png', { tenant, nowMs: Date.now() });
    expect(url).toMatch(/^http:\/\/s3\.test:8080\/files\/media\/public\/a\.png\?/);
    await using other = await start({ customDomain: 'cdn.test/other/path' });
    expect(await other.backend.url('a.png', { tenant, nowMs: Date.now() })).toMatch(
      /^https:\/\/cdn\.test\/other\/path\/media\/public\/a\.png\?/,
    );
  });

  test('files F38 and listing with continuation: all pages, only below the prefix', async () => {
    await using under = await start();
    for (const key of [
      'media/public/1.png',
      'media/public/2&3.png',
      'media/public/x/4.png',
      'media/public/',
      'reports/public/r.csv',
      'z',
    ]) {
      under.server.objects.set(key, { body: Buffer.from('x'), contentType: '' });
    }
    const names: string[] = [];
    for await (const file of under.backend.list(tenant)) names.push(file.name);
    expect(names).toEqual(['1.png', '2&3.png', 'x/4.png']);
  });

  test('files F39: whole and multipart uploads store the content type', async () => {
    await using under = await start();
    await under.backend.put(parseFileName('small.svg'), once('x'), { tenant, contentType: 'image/svg+xml' });
    async function* large() {
      for (let part = 0; part < 9; part++) yield Buffer.alloc(1024 * 1024, part);
    }
    await under.backend.put(parseFileName('large.css'), large(), { tenant, contentType: 'text/css' });
    expect(under.server.objects.get('media/public/small.svg')?.contentType).toBe('image/svg+xml');
    expect(under.server.objects.get('media/public/large.css')?.contentType).toBe('text/css');
    expect(under.server.pendingUploads.size).toBe(0);
  });

  test('files F43: a HEAD answered 403 or 503 does not count as a free name', async () => {
    await using under = await start();
    const name = parseFileName('a.png');
    for (const [status, times, code] of [
      [403, 1, 'ERR_STORAGE_FORBIDDEN'],
      [503, 3, 'ERR_STORAGE_UNAVAILABLE'],
    ] as const) {
      under.server.fail('HEAD', 'a.png', status, times);
      await expect(under.backend.put(name, once('x'), { tenant, contentType: '' })).rejects.toMatchObject({ code });
    }
    expect(under.server.objects.size).toBe(0);
  });

  test('a part that fails aborts the multipart upload', async () => {
    await using under = await start();
    under.server.fail('PUT', 'large.bin', 400, 1);
    async function* large() {
      for (let part = 0; part < 9; part++) yield Buffer.alloc(1024 * 1024);
    }
    await expect(
      under.backend.put(parseFileName('large.bin'), large(), { tenant, contentType: '' }),
    ).rejects.toMatchObject({ code: 'ERR_STORAGE_UNAVAILABLE' });
    expect([under.server.pendingUploads.size, under.server.objects.size]).toEqual([0, 0]);
  });

  test('files F42: rotated credentials take effect with the next request', async () => {
    let secret = 'old';
    await using under = await start({
      credentials: () => ({ accessKey: new Secret(s3Keys.accessKey), secretKey: new Secret(secret) }),
    });
    await expect(under.backend.exists(parseFileName('a.png'), { tenant })).rejects.toMatchObject({
      code: 'ERR_STORAGE_FORBIDDEN',
    });
    secret = s3Keys.secretKey;
    expect(await under.backend.exists(parseFileName('a.png'), { tenant })).toBe(false);
  });

  test('a service that is not there is unavailable, with its address', async () => {
    await using under = await start();
    await under.server[Symbol.asyncDispose]();
    await expect(under.backend.exists(parseFileName('a.png'), { tenant })).rejects.toMatchObject({
      code: 'ERR_STORAGE_UNAVAILABLE',
      message: expect.stringContaining(under.server.url),
    });
  });
});

/** Asks the address of the test server under another host name. */
async function statusAt(port: number, host: string, path: string): Promise<number | undefined> {
  return statusOf(new URL(path, `http://${host.split(':')[0]}:${port}`), 'GET');
}

/** Every host name is that of the test server. */
function statusOf(url: URL, method: string, body = ''): Promise<number | undefined> {
  const { host, port, pathname, search } = url;
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method, path: pathname + search, headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on('error', reject).end(body);
  });
}
