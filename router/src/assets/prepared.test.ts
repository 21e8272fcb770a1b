// What the build prepares is what is served, as long as the file is the same (router.md §20.1).
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { decompress } from '@bokuweb/zstd-wasm';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { expect, test } from 'vitest';
import { openZstd } from '../build/zstd.ts';
import { prepareAssets } from './prepared.ts';
import { keepRelease } from './releases.ts';
import { loadAssets } from './table.ts';

const script = 'export const answer = 42;\n'.repeat(200);

async function prepared() {
  const folder = await temporaryFolder();
  const dist = join(folder.path, 'dist');
  await mkdir(join(dist, 'chunks'), { recursive: true });
  await writeFile(join(dist, 'chunks/app-4f3c2b1a9d.js'), script);
  await writeFile(join(dist, 'icon.png'), Buffer.alloc(5000, 7));
  return {
    dist,
    manifest: await prepareAssets(dist, await openZstd()),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test('router §20.1: the manifest knows size, hash, type, freshness and codings of every file', async () => {
  await using site = await prepared();
  expect(site.manifest.files['chunks/app-4f3c2b1a9d.js']).toMatchObject({
    size: script.length,
    type: 'text/javascript',
    immutable: true,
    codings: { br: expect.any(Number), zstd: expect.any(Number), gzip: expect.any(Number) },
  });
  expect(site.manifest.files['icon.png']).toMatchObject({ immutable: false, codings: {} });
});

test('router R18: the codings of the build are served, and are codings of the file', async () => {
  await using site = await prepared();
  const table = await loadAssets([{ folder: site.dist, name: 'dist' }], { version: '1.2.3' });
  const asset = table.get('dist/chunks/app-4f3c2b1a9d.js');
  expect(asset?.coded.br?.size).toBe(site.manifest.files['chunks/app-4f3c2b1a9d.js']?.codings.br);
  expect(zlib.brotliDecompressSync(asset?.coded.br?.body ?? '').toString()).toBe(script);
  expect(zlib.gunzipSync(asset?.coded.gzip?.body ?? '').toString()).toBe(script);
  expect(asset?.coded.zstd?.size).toBe(site.manifest.files['chunks/app-4f3c2b1a9d.js']?.codings.zstd);
  expect(Buffer.from(decompress(asset?.coded.zstd?.body ?? Buffer.alloc(0))).toString()).toBe(script);
});

test('router §20.1: a file that changed after the build is served as it is now, never in codings of the old one', async () => {
  await using site = await prepared();
  await writeFile(join(site.dist, 'chunks/app-4f3c2b1a9d.js'), `${script}changed\n`);
  const table = await loadAssets([{ folder: site.dist, name: 'dist' }], { version: '1.2.3' });
  const asset = table.get('dist/chunks/app-4f3c2b1a9d.js');
  expect(zlib.brotliDecompressSync(asset?.coded.br?.body ?? '').toString()).toBe(`${script}changed\n`);
});

test('router §20.1: a second build compresses only what changed; a manifest that is none is complained about', async () => {
  await using site = await prepared();
  const before = await readFile(join(`${site.dist}.assets`, 'manifest.json'), 'utf8');
  await prepareAssets(site.dist, await openZstd());
  expect(await readFile(join(`${site.dist}.assets`, 'manifest.json'), 'utf8')).toBe(before);
  await writeFile(join(`${site.dist}.assets`, 'manifest.json'), '{"version": 9}');
  await expect(loadAssets([{ folder: site.dist, name: 'dist' }], { version: '1' })).rejects.toThrow(/no manifest/);
});

test('router §20.1: the unchanging files of the two releases before stay, older ones go', async () => {
  await using folder = await temporaryFolder();
  const [dist, keep] = [join(folder.path, 'dist'), join(folder.path, 'keep')];
  await mkdir(dist);
  const release = async (hash: string) => {
    for (const old of await readdir(dist)) await rm(join(dist, old));
    await writeFile(join(dist, `app-${hash}.js`), hash);
    await writeFile(join(dist, 'icon.png'), 'png');
    const before = await keepRelease(dist, keep, '1');
    return loadAssets(
      [dist, ...before].map((one) => ({ folder: one, name: 'dist' })),
      { version: '1' },
    );
  };
  for (const [age, hash] of [
    [3, 'aaaa1111'],
    [2, 'bbbb2222'],
    [1, 'cccc3333'],
  ] as const) {
    await release(hash);
    // What was stored last is as old as releases are apart.
    const then = new Date(Date.now() - age * 1000);
    for (const name of await readdir(keep)) {
      const isNew = (await readdir(join(keep, name))).includes(`app-${hash}.js`);
      if (isNew) await utimes(join(keep, name), then, then);
    }
  }
  const table = await release('dddd4444');
  expect([...table.keys()].sort()).toEqual([
    'dist/app-bbbb2222.js',
    'dist/app-cccc3333.js',
    'dist/app-dddd4444.js',
    'dist/icon.png',
  ]);
  expect(await readdir(keep)).toHaveLength(3);
});
