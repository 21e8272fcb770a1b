import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseFileName } from '../names.ts';
import { createUrlSigner, signingKey } from '../signed-url.ts';
import { backendSuite, once } from '../testing/backend-suite.ts';
import { createFileBackend } from './file.ts';

const lifeMs = 900_000;
const nowMs = Date.parse('2026-03-01T12:00:00Z');

async function start(over: { webPath?: string; usage?: 'media' | 'reports' } = {}) {
  const basePath = await mkdtemp(join(tmpdir(), 'gatehouse-files-'));
  const usage = over.usage ?? 'media';
  const backend = createFileBackend({
    basePath,
    usage,
    webPath: over.webPath ?? '/',
    signingKey: signingKey('secret', usage),
    urlLifeMs: lifeMs,
  });
  return {
    backend,
    basePath,
    raw: async () =>
      (await readdir(join(basePath, usage, 'public'), { recursive: true }).catch(() => [])).filter((name) =>
        name.includes('.'),
      ),
    [Symbol.asyncDispose]: () => rm(basePath, { recursive: true }),
  };
}

backendSuite('FileBackend', start);

describe('FileBackend on the disk', () => {
  test('files F9: media and reports and other tenants are sibling folders', async () => {
    for (const usage of ['media', 'reports'] as const) {
      await using under = await start({ usage });
      await under.backend.put(parseFileName('a.png'), once('x'), { tenant: 'public', contentType: '' });
      await under.backend.put(parseFileName('b.png'), once('x'), { tenant: 't_two', contentType: '' });
      expect(await readdir(join(under.basePath, usage, 'public'))).toEqual(['a.png']);
      expect(await readdir(join(under.basePath, usage, 't_two'))).toEqual(['b.png']);
    }
  });

  test('files F5: the URL is relative without an origin, keeps folders, and honours web.path', async () => {
    await using under = await start();
    await using below = await start({ webPath: '/authentik/' });
    const context = { tenant: 'public', nowMs };
    expect(await under.backend.url('icon.png', context)).toMatch(/^\/files\/media\/public\/icon\.png\?token=ey/);
    expect(await under.backend.url('a/b.png', { ...context, origin: 'https://e.com' })).toMatch(
      /^https:\/\/e\.com\/files\/media\/public\/a\/b\.png\?/,
    );
    expect(await below.backend.url('icon.png', context)).toMatch(/^\/authentik\/files\/media\/public\//);
  });

  test('files F52: a name with blanks placed by hand is listed with a working, escaped URL', async () => {
    await using under = await start();
    await mkdir(join(under.basePath, 'media/public'), { recursive: true });
    await writeFile(join(under.basePath, 'media/public/für alle #1.png'), 'x');
    const names: string[] = [];
    for await (const file of under.backend.list('public')) names.push(file.name);
    expect(names).toEqual(['für alle #1.png']);
    const url = new URL(await under.backend.url(names[0] ?? '', { tenant: 'public', nowMs, origin: 'https://e.com' }));
    expect(decodeURIComponent(url.pathname)).toBe('/files/media/public/für alle #1.png');
    const signer = createUrlSigner(signingKey('secret', 'media'), lifeMs);
    expect(await signer.verify(url.searchParams.get('token') ?? '', `media/public/${names[0]}`, nowMs)).toBe(true);
  });

  test('files F37: a plain writable folder is manageable, a missing parent that cannot be made is not', async () => {
    await using under = await start();
    expect(await under.backend.manageable()).toEqual({ manageable: true });
    await writeFile(join(under.basePath, 'blocked'), '');
    const blocked = createFileBackend({
      basePath: join(under.basePath, 'blocked'),
      usage: 'media',
      webPath: '/',
      signingKey: signingKey('s', 'media'),
      urlLifeMs: lifeMs,
    });
    expect(await blocked.manageable()).toMatchObject({ manageable: false });
  });

  test('a link is neither followed nor listed', async () => {
    await using under = await start();
    await mkdir(join(under.basePath, 'media/public'), { recursive: true });
    await symlink('/etc/passwd', join(under.basePath, 'media/public/link.png'));
    await expect(under.backend.get(parseFileName('link.png'), { tenant: 'public' })).rejects.toMatchObject({
      code: 'ERR_STORAGE_NOT_FOUND',
    });
    for await (const file of under.backend.list('public')) expect(file).toBeUndefined();
  });

  test('files §4.5: a name below a file, and a name that is a folder, are refused', async () => {
    await using under = await start();
    const put = { tenant: 'public', contentType: '' };
    await under.backend.put(parseFileName('a.png'), once('x'), put);
    await under.backend.put(parseFileName('folder/b.png'), once('x'), put);
    await expect(under.backend.put(parseFileName('a.png/b.png'), once('x'), put)).rejects.toMatchObject({
      code: 'ERR_STORAGE_EXISTS',
    });
    await expect(under.backend.put(parseFileName('folder'), once('x'), put)).rejects.toMatchObject({
      code: 'ERR_STORAGE_EXISTS',
    });
    await expect(under.backend.delete(parseFileName('folder'), put)).rejects.toMatchObject({
      code: 'ERR_STORAGE_INVALID_NAME',
    });
  });

  test('a tenant that is no schema name reaches no path', async () => {
    await using under = await start();
    await expect(under.backend.exists(parseFileName('a.png'), { tenant: '../x' })).rejects.toMatchObject({
      code: 'ERR_STORAGE_INVALID_NAME',
    });
  });
});
