// What becomes of an S3 service that is slow, broken or no S3 service at all (files.md §12, §15.4): a clear answer each, and
// nothing half-written. And the older signature (files F40).
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Secret } from '@gatehouse/daemon/config';
import { describe, expect, test } from 'vitest';
import { parseFileName } from '../names.ts';
import { backendSuite, once } from '../testing/backend-suite.ts';
import { s3Keys, s3Options } from '../testing/s3-options.ts';
import { startS3Server } from '../testing/s3-server.ts';
import { createS3Backend, type S3BackendOptions } from './s3.ts';

const tenant = 'public';
const png = { tenant, contentType: 'image/png' };

async function serviceThat(answer: RequestListener) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function* large() {
  for (let part = 0; part < 9; part++) yield Buffer.alloc(1024 * 1024);
}

const garbage = '<html><body>Welcome to nginx!</body></html>';
const services: readonly (readonly [string, RequestListener])[] = [
  ['that never answers', () => undefined],
  ['that answers 500', (_, response) => response.writeHead(500).end('<Error><Code>InternalError</Code></Error>')],
  ['that answers 503', (_, response) => response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>')],
  ['that cuts the connection', (request) => request.socket.destroy()],
  ['that is a web page', (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(garbage)],
  ['that talks binary', (_, response) => response.writeHead(200).end(Buffer.from([0, 1, 2, 255, 254]))],
];

for (const [what, answer] of services) {
  describe(`an S3 service ${what}`, () => {
    const name = parseFileName('a.png');
    const unavailable = { code: 'ERR_STORAGE_UNAVAILABLE' };
    const isSilent = what === 'that never answers';
    // Of what answers 200 to everything, a call without content cannot tell that it is no S3 service.
    const answersAll = what.startsWith('that is') || what.startsWith('that talks');
    const start = async () => {
      const service = await serviceThat(answer);
      const backend = createS3Backend(s3Options(service.url, { timeoutMs: isSilent ? 150 : 5_000 }));
      return { backend, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
    };
    test('a listing is refused, never empty', async () => {
      await using under = await start();
      await expect(under.backend.list(tenant)[Symbol.asyncIterator]().next()).rejects.toMatchObject(unavailable);
    });
    test('a large upload is refused', async () => {
      await using under = await start();
      await expect(under.backend.put(name, large(), { ...png, overwrite: true })).rejects.toMatchObject(unavailable);
    });
    const unknown = 'a name is neither free nor taken, a file neither there nor missing';
    const asks = async () => {
      await using under = await start();
      await expect(under.backend.exists(name, { tenant })).rejects.toMatchObject(unavailable);
      await expect(under.backend.put(name, once('x'), png)).rejects.toMatchObject(unavailable);
      await expect(under.backend.get(name, { tenant })).rejects.toMatchObject(unavailable);
      await expect(under.backend.delete(name, { tenant })).rejects.toMatchObject(unavailable);
    };
    if (!answersAll) test(unknown, asks);
    test('URLs are formed all the same', async () => {
      await using under = await start();
      expect(await under.backend.url('a.png', { tenant, nowMs: Date.now() })).toContain('X-Amz-Signature=');
    });
  });
}

test('the deadline of a call holds whatever the garbage collection removes meanwhile', async () => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  await using service = await serviceThat(() => undefined);
  const backend = createS3Backend(s3Options(service.url, { timeoutMs: 300 }));
  const asked = backend.exists(parseFileName('a.png'), { tenant });
  const collecting = setInterval(() => typeof collect === 'function' && collect(), 50);
  await expect(asked.finally(() => clearInterval(collecting))).rejects.toMatchObject({
    code: 'ERR_STORAGE_UNAVAILABLE',
  });
}, 5_000);

async function legacy(over: Partial<S3BackendOptions> = {}) {
  const server = await startS3Server({ ...s3Keys, pageSize: 2 });
  return {
    server,
    backend: createS3Backend(s3Options(server.url, { signatureVersion: 's3', ...over })),
    raw: async () => [...server.objects.keys(), ...[...server.pendingUploads.keys()].map((id) => `pending ${id}`)],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

backendSuite('S3Backend with the older signature', legacy);

test('files F40: with signature_version s3 a URL has the older form, opens the file, and only that file', async () => {
  await using under = await legacy();
  await under.backend.put(parseFileName('a_b/c.png'), once('bytes'), png);
  const url = await under.backend.url('a_b/c.png', { tenant, nowMs: Date.now() });
  expect(url).toMatch(/[?&]AWSAccessKeyId=AKIDEXAMPLE&Expires=\d+&Signature=/);
  expect(url).not.toContain('X-Amz-');
  expect(await (await fetch(url)).text()).toBe('bytes');
  expect((await fetch(url.replace('c.png', 'd.png'))).status).toBe(403);
  expect((await fetch(url.replace(/Expires=\d+/, 'Expires=9999999999'))).status).toBe(403);
});

test('a wrong key is refused with the older signature, too', async () => {
  await using under = await legacy({
    credentials: () => ({ accessKey: new Secret(s3Keys.accessKey), secretKey: new Secret('wrong') }),
  });
  await expect(under.backend.put(parseFileName('a.png'), once('x'), png)).rejects.toMatchObject({
    code: 'ERR_STORAGE_FORBIDDEN',
  });
  expect((await fetch(await under.backend.url('a.png', { tenant, nowMs: Date.now() }))).status).toBe(403);
});
