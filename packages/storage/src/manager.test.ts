import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createFileBackend } from './backends/file.ts';
import { createPassthroughBackend } from './backends/passthrough.ts';
import { createStaticBackend } from './backends/static.ts';
import { createStorageManager } from './manager.ts';
import { parseFileName } from './names.ts';
import { signingKey } from './signed-url.ts';
import { once } from './testing/backend-suite.ts';

const context = { tenant: 'public', nowMs: Date.parse('2026-03-01T12:00:00Z') };
const pngHead = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').toString('latin1');

async function start(webPath = '/') {
  const basePath = await mkdtemp(join(tmpdir(), 'gatehouse-manager-'));
  const options = { usage: 'media', webPath, signingKey: signingKey('secret', 'media'), urlLifeMs: 900_000 } as const;
  const manager = createStorageManager({
    usage: 'media',
    checkContent: true,
    allowAnyType: false,
    management: createFileBackend({ basePath, ...options }),
    readOnly: [
      createStaticBackend({ webPath, assets: ['/static/authentik/sources/ldap.png'] }),
      createPassthroughBackend(),
    ],
  });
  return { manager, [Symbol.asyncDispose]: () => rm(basePath, { recursive: true, force: true }) };
}

test('files F1: media asks Static, Passthrough and the management backend, in that order', async () => {
  await using under = await start();
  expect(under.manager.backends.map(({ name }) => name)).toEqual(['static', 'passthrough', 'file']);
});

test('files F2: an empty value has an empty URL and no themes', async () => {
  await using under = await start();
  for (const value of ['', undefined]) {
    expect(await under.manager.url(value, context)).toBe('');
    expect(await under.manager.themedUrls(value, context)).toBeUndefined();
  }
});

test('files F3: icon classes and external URLs are returned as they are', async () => {
  await using under = await start();
  for (const value of ['fa://fa-check', 'http://e.com/i.png', 'https://e.com/i.png'])
    expect(await under.manager.url(value, context)).toBe(value);
});

test('files F4: static values get origin and web.path', async () => {
  await using under = await start();
  await using below = await start('/authentik/');
  const value = '/static/authentik/sources/icon.svg';
  expect(await under.manager.url(value, context)).toBe(value);
  expect(await under.manager.url(value, { ...context, origin: 'http://example.com' })).toBe(
    `http://example.com${value}`,
  );
  expect(await below.manager.url(value, context)).toBe(`/authentik${value}`);
});

test('files F21: themed values are resolved per theme, external ones unsigned', async () => {
  await using under = await start();
  const themed = await under.manager.themedUrls('logo-%(theme)s.png', context);
  expect(Object.keys(themed ?? {})).toEqual(['light', 'dark']);
  expect(themed?.light).toMatch(/^\/files\/media\/public\/logo-light\.png\?token=/);
  expect(await under.manager.themedUrls('https://e.com/%(theme)s.png', context)).toEqual({
    light: 'https://e.com/light.png',
    dark: 'https://e.com/dark.png',
  });
});

test('files F25: a managed listing has no static entry', async () => {
  await using under = await start();
  await under.manager.save(parseFileName('a.png'), latin1(pngHead), { tenant: 'public' });
  const names = async (managedOnly: boolean) => {
    const found: string[] = [];
    for await (const { name } of under.manager.list('public', managedOnly)) found.push(name);
    return found;
  };
  expect(await names(false)).toEqual(['/static/authentik/sources/ldap.png', 'a.png']);
  expect(await names(true)).toEqual(['a.png']);
});

test('files F51: HTML named .png, unknown types and a short lie are refused; nothing is stored', async () => {
  await using under = await start();
  for (const [name, text] of [
    ['a.png', '<html><script>'],
    ['a.html', '<html>'],
    ['a.gif', pngHead],
    ['a.png', ''],
  ] as const) {
    await expect(under.manager.save(parseFileName(name), once(text), { tenant: 'public' })).rejects.toMatchObject({
      code: 'ERR_STORAGE_TYPE_REJECTED',
    });
    expect(await under.manager.exists(parseFileName(name), 'public')).toBe(false);
  }
});

test('an SVG is stored cleaned, and its digest is that of what is stored', async () => {
  await using under = await start();
  const saved = await under.manager.save(
    parseFileName('a.svg'),
    once('<svg xmlns="http://www.w3.org/2000/svg" onload="x()"><rect width="1"/></svg>'),
    { tenant: 'public' },
  );
  const { stream, size } = await under.manager.open(saved.name, { tenant: 'public' });
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe(
    '<svg xmlns="http://www.w3.org/2000/svg"><rect width="1"></rect></svg>',
  );
  expect(size).toBe(saved.size);
});

async function* latin1(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text, 'latin1');
}
