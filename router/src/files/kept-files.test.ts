// Kept files follow the file system: router.md §9, files.md F48 and §15.2 "Traversal hardening".
import { mkdir, open, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { expect, test } from 'vitest';
import { KeptFiles } from './kept-files.ts';

/** Long enough after any change of a test that the file counts as settled. */
const later = () => Date.now() + 60_000;

async function keeping(maxBytes?: number) {
  const root = await temporaryFolder();
  const folder = join(root.path, 'media');
  await mkdir(join(folder, 'public'), { recursive: true });
  const files = new KeptFiles({
    folder,
    now: later,
    fieldsOf: () => [],
    send: async () => undefined,
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  return {
    files,
    folder,
    outside: root.path,
    path: (name: string) => join(folder, name),
    /** The kept body as text, `streamed` for one that is not kept, `undefined` for none. */
    async text(name: string) {
      const found = await files.find(name);
      await found?.close();
      return found === undefined ? undefined : (found.asset.identity.body?.toString() ?? 'streamed');
    },
    [Symbol.asyncDispose]: () => root[Symbol.asyncDispose](),
  };
}

test('files F48: a file that is deleted is not served afterwards, however often it was before', async () => {
  await using site = await keeping();
  await writeFile(site.path('public/a.png'), 'first');
  expect([await site.text('public/a.png'), await site.text('public/a.png')]).toEqual(['first', 'first']);
  await unlink(site.path('public/a.png'));
  expect(await site.text('public/a.png')).toBeUndefined();
});

test('a file that is replaced or rewritten is served as it is now, with another tag', async () => {
  await using site = await keeping();
  const path = site.path('public/a.png');
  await writeFile(path, 'first');
  const first = await site.files.find('public/a.png');
  await writeFile(`${path}.new`, 'other');
  await rename(`${path}.new`, path);
  expect(await site.text('public/a.png')).toBe('other');
  await writeFile(path, 'third');
  expect(await site.text('public/a.png')).toBe('third');
  expect((await site.files.find('public/a.png'))?.asset.identity.etag).not.toBe(first?.asset.identity.etag);
});

test('a rewrite that hides behind the old size and time is seen by the time of the change', async () => {
  await using site = await keeping();
  const path = site.path('public/a.png');
  await writeFile(path, 'first');
  await utimes(path, 1_000, 1_000);
  expect(await site.text('public/a.png')).toBe('first');
  const handle = await open(path, 'r+');
  await handle.write('other', 0);
  await handle.close();
  await utimes(path, 1_000, 1_000);
  expect(await site.text('public/a.png')).toBe('other');
});

test('requests that come together share one look; one that comes after a deletion does not', async () => {
  await using site = await keeping();
  await writeFile(site.path('public/a.png'), 'first');
  await site.text('public/a.png');
  const together = await Promise.all(Array.from({ length: 20 }, () => site.text('public/a.png')));
  expect(new Set(together)).toEqual(new Set(['first']));
  const before = site.text('public/a.png');
  await unlink(site.path('public/a.png'));
  const after = await site.text('public/a.png');
  await before;
  expect(after).toBeUndefined();
});

test('router §9: a link on the way, at the end or put there later opens nothing outside', async () => {
  await using site = await keeping();
  await writeFile(join(site.outside, 'secret.png'), 'secret');
  await symlink(join(site.outside, 'secret.png'), site.path('public/link.png'));
  await symlink(site.outside, site.path('public/folder'));
  await mkdir(site.path('public/sub'));
  await writeFile(site.path('public/sub/secret.png'), 'inside');
  expect(await site.text('public/link.png')).toBeUndefined();
  expect(await site.text('public/folder/secret.png')).toBeUndefined();
  expect(await site.text('public/sub/secret.png')).toBe('inside');
  await rm(site.path('public/sub'), { recursive: true });
  await symlink(site.outside, site.path('public/sub'));
  expect(await site.text('public/sub/secret.png')).toBeUndefined();
});

test('router R14: no name leads out of the folder, to a hidden file or to something that is no file', async () => {
  await using site = await keeping();
  await writeFile(join(site.outside, 'secret.png'), 'secret');
  await writeFile(site.path('public/.hidden'), 'hidden');
  for (const name of [
    '../secret.png',
    'public/../../secret.png',
    'public/.hidden',
    'public',
    '',
    '/etc/passwd',
    'a\0b',
  ])
    expect(await site.text(name), name).toBeUndefined();
});

test('a folder that is itself a link is followed, and so is its next target', async () => {
  await using site = await keeping();
  for (const name of ['one', 'two']) {
    await mkdir(join(site.outside, name, 'public'), { recursive: true });
    await writeFile(join(site.outside, name, 'public/a.png'), name);
  }
  await rm(site.folder, { recursive: true });
  await symlink(join(site.outside, 'one'), site.folder);
  expect(await site.text('public/a.png')).toBe('one');
  await symlink(join(site.outside, 'two'), `${site.folder}.new`);
  await rename(`${site.folder}.new`, site.folder);
  expect(await site.text('public/a.png')).toBe('two');
});

test('memory is bounded: what was used last stays, what is too large is streamed', async () => {
  await using site = await keeping(200_000);
  for (const name of ['a', 'b', 'c']) await writeFile(site.path(`public/${name}.png`), name.repeat(90_000));
  await writeFile(site.path('public/huge.png'), Buffer.alloc(200_001));
  await site.text('public/a.png');
  await site.text('public/b.png');
  const a = await site.files.find('public/a.png');
  await site.text('public/c.png'); // there is room for two
  expect((await site.files.find('public/a.png'))?.asset).toBe(a?.asset);
  expect(await site.text('public/huge.png')).toBe('streamed');
});

test('what changed a moment ago is read anew: the same instant may bring another change', async () => {
  await using site = await keeping();
  const files = new KeptFiles({ folder: site.folder, now: Date.now, fieldsOf: () => [], send: async () => undefined });
  await writeFile(site.path('public/a.png'), 'first');
  const found = await files.find('public/a.png');
  expect(found?.asset.identity.body).toBeUndefined();
  await found?.close();
});
