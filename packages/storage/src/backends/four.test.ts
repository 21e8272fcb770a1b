// What the four backends have in common (files.md §2.1): one suite for each of them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseFileName } from '../names.ts';
import { signingKey } from '../signed-url.ts';
import { once, readableSuite } from '../testing/backend-suite.ts';
import { s3Keys, s3Options } from '../testing/s3-options.ts';
import { startS3Server } from '../testing/s3-server.ts';
import { createFileBackend } from './file.ts';
import { createPassthroughBackend } from './passthrough.ts';
import { createS3Backend } from './s3.ts';
import { createStaticBackend } from './static.ts';

const put = { tenant: 'public', contentType: 'image/png' };

readableSuite('StaticBackend', async () => {
  const listed = ['/static/authentik/sources/ldap.png', '/static/dist/assets/icons/icon.png'];
  return {
    backend: createStaticBackend({ webPath: '/auth/', assets: listed }),
    value: '/static/authentik/sources/ldap.png',
    listed,
    address: /^https:\/\/id\.example\/auth\/static\/authentik\/sources\/ldap\.png$/,
    [Symbol.asyncDispose]: async () => undefined,
  };
}, ['/staticfoo', 'icon.png', 'https://e.com/i.png', 'fa://fa-check', '']);

readableSuite(
  'PassthroughBackend',
  async () => ({
    backend: createPassthroughBackend(),
    value: 'HTTPS://e.com/i.png?x=1',
    listed: [],
    address: /^HTTPS:\/\/e\.com\/i\.png\?x=1$/,
    [Symbol.asyncDispose]: async () => undefined,
  }),
  ['http:', 'icon.png', '/static/x.png', 'data:image/png;base64,AA', 'ftp://e.com/i.png', ''],
);

readableSuite('FileBackend', async () => {
  const basePath = await mkdtemp(join(tmpdir(), 'gatehouse-four-'));
  const backend = createFileBackend({
    basePath,
    usage: 'media',
    webPath: '/auth/',
    signingKey: signingKey('secret', 'media'),
    urlLifeMs: 900_000,
  });
  for (const name of ['icon.png', 'a/b.png']) await backend.put(parseFileName(name), once('x'), put);
  return {
    backend,
    value: 'icon.png',
    listed: ['icon.png', 'a/b.png'],
    address: /^https:\/\/id\.example\/auth\/files\/media\/public\/icon\.png\?token=/,
    [Symbol.asyncDispose]: () => rm(basePath, { recursive: true }),
  };
}, []);

readableSuite('S3Backend', async () => {
  const server = await startS3Server({ ...s3Keys, pageSize: 1 });
  const backend = createS3Backend(s3Options(server.url));
  for (const name of ['icon.png', 'a/b.png']) await backend.put(parseFileName(name), once('x'), put);
  return {
    backend,
    value: 'icon.png',
    listed: ['icon.png', 'a/b.png'],
    address: /^http:\/\/127\.0\.0\.1:\d+\/files\/media\/public\/icon\.png\?.*X-Amz-Signature=/,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}, []);
