// Moving between stores, finding what nobody uses, and choosing from a listing.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ListedFile, ManageableBackend } from './backend.ts';
import { createFileBackend } from './backends/file.ts';
import { createS3Backend } from './backends/s3.ts';
import { type CopyReport, copyFiles } from './copy.ts';
import { parseFileName } from './names.ts';
import { pageOfFiles } from './pages.ts';
import { compareReferences, refersTo } from './references.ts';
import { signingKey } from './signed-url.ts';
import { once } from './testing/backend-suite.ts';
import { s3Keys, s3Options } from './testing/s3-options.ts';
import { startS3Server } from './testing/s3-server.ts';

const tenant = 'public';
const png = { tenant, contentType: 'image/png' };

async function stores() {
  const basePath = await mkdtemp(join(tmpdir(), 'gatehouse-copy-'));
  const server = await startS3Server({ ...s3Keys, pageSize: 2 });
  const disk = createFileBackend({
    basePath,
    usage: 'media',
    webPath: '/',
    signingKey: signingKey('secret', 'media'),
    urlLifeMs: 900_000,
  });
  const s3 = createS3Backend(s3Options(server.url));
  return {
    disk,
    s3,
    server,
    basePath,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(basePath, { recursive: true });
    },
  };
}

async function namesIn(backend: ManageableBackend): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of backend.list(tenant)) names.push(name);
  return names.sort();
}

for (const direction of ['disk to S3', 'S3 to disk'] as const) {
  test(`files §15.2: copying from ${direction} brings every file, verified, and a second run copies nothing`, async () => {
    await using at = await stores();
    const [from, to] = direction === 'disk to S3' ? [at.disk, at.s3] : [at.s3, at.disk];
    for (const name of ['a.png', 'b/c.png', 'b/d.png']) await from.put(parseFileName(name), once(`of ${name}`), png);
    const seen: number[] = [];
    const first = await copyFiles({ from, to, tenant, onProgress: ({ copied }) => seen.push(copied) });
    expect(first).toEqual({ copied: 3, bytes: 28, same: 0, problems: [] });
    expect(seen).toEqual([1, 2, 3]);
    expect(await namesIn(to)).toEqual(['a.png', 'b/c.png', 'b/d.png']);
    expect(await copyFiles({ from, to, tenant })).toEqual({ copied: 0, bytes: 0, same: 3, problems: [] });
  });
}

test('files §15.2: a different file of the same name is left alone and told of; a name by hand as well', async () => {
  await using at = await stores();
  await at.disk.put(parseFileName('a.png'), once('mine'), png);
  await writeFile(join(at.basePath, 'media/public/by hand.png'), 'x');
  await at.s3.put(parseFileName('a.png'), once('theirs'), png);
  const report = await copyFiles({ from: at.disk, to: at.s3, tenant });
  expect(report.problems.map(({ name, kind }) => [name, kind]).sort()).toEqual([
    ['a.png', 'differs'],
    ['by hand.png', 'unusable-name'],
  ]);
  expect(at.server.objects.get('media/public/a.png')?.body.toString()).toBe('theirs');
});

test('files §15.2: a dry run writes nothing; a target that refuses or garbles is told of, file by file', async () => {
  await using at = await stores();
  await at.disk.put(parseFileName('a.png'), once('mine'), png);
  expect(await copyFiles({ from: at.disk, to: at.s3, tenant, dryRun: true })).toMatchObject({ copied: 1, bytes: 4 });
  expect(await namesIn(at.s3)).toEqual([]);
  const kindsOf = ({ problems }: CopyReport) => problems.map(({ kind }) => kind);
  const refusing: ManageableBackend = { ...at.s3, put: () => Promise.reject(new Error('no room')) };
  expect(kindsOf(await copyFiles({ from: at.disk, to: refusing, tenant }))).toEqual(['failed']);
  const garbling: ManageableBackend = {
    ...at.s3,
    get: async (name, options) => ({ ...(await at.s3.get(name, options)), stream: once('garbage') }),
  };
  expect(kindsOf(await copyFiles({ from: at.disk, to: garbling, tenant }))).toEqual(['not-verified']);
});

test('files §15.2: a stopped copy can be run again', async () => {
  await using at = await stores();
  for (const name of ['a.png', 'b.png', 'c.png']) await at.disk.put(parseFileName(name), once(name), png);
  const stop = new AbortController();
  const stopped = copyFiles({ from: at.disk, to: at.s3, tenant, signal: stop.signal, onProgress: () => stop.abort() });
  await expect(stopped).rejects.toThrow('aborted');
  expect(await copyFiles({ from: at.disk, to: at.s3, tenant })).toMatchObject({ copied: 2, same: 1, problems: [] });
});

async function* listing(...names: string[]): AsyncIterable<ListedFile> {
  for (const name of names) yield { name, size: name.length, modifiedAt: new Date(0) };
}

test('files §15.2: orphans and danglers, themes expanded, values of other kinds left out', async () => {
  const files = listing('used.png', 'logo-light.png', 'lonely.png', 'bg-%(theme)s.png', 'bg-light.png', 'bg-dark.png');
  const values = [
    'used.png',
    'logo-%(theme)s.png',
    'bg-%(theme)s.png',
    'gone.png',
    '/static/x.png',
    'https://e.com/i.png',
    'fa://fa-x',
    '',
  ];
  const report = await compareReferences(
    files,
    values.map((value) => ({ value, owner: value })),
  );
  expect(report.orphans.map(({ name }) => name)).toEqual(['lonely.png']);
  expect(report.dangling.map(({ missing, reference }) => [missing, reference.owner])).toEqual([
    ['logo-dark.png', 'logo-%(theme)s.png'],
    ['gone.png', 'gone.png'],
  ]);
});

for (const [value, name, expected] of [
  ['logo-%(theme)s.png', 'logo-dark.png', true],
  ['logo-%(theme)s.png', 'logo-%(theme)s.png', true],
  ['logo-%(theme)s.png', 'logo-blue.png', false],
  ['a.png', 'a.png', true],
  ['https://e.com/a.png', 'a.png', false],
] as const) {
  test(`files §8.3: ${value} ${expected ? 'shows' : 'does not show'} ${name}`, () =>
    expect(refersTo(value, name)).toBe(expected));
}

test('files F24: the search ignores capitals on both sides', async () => {
  const found = await pageOfFiles(listing('sources/LDAP.png', 'x.png'), { search: 'ldap.PNG' });
  expect(found).toMatchObject({ files: [{ name: 'sources/LDAP.png' }], count: 1, pages: 1 });
});

test('files §15.2: the pages of a query are the whole answer, in order, without overlap', async () => {
  const sort = fc.constantFrom('name', 'size', 'modified');
  const names = fc.uniqueArray(fc.stringMatching(/^[a-c]{1,4}$/), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(
      names,
      sort,
      fc.boolean(),
      fc.integer({ min: 1, max: 7 }),
      async (given, by, descending, pageSize) => {
        const seen: ListedFile[] = [];
        const { pages } = await pageOfFiles(listing(...given), { sort: by, descending, pageSize });
        for (let page = 1; page <= pages + 1; page++) {
          seen.push(...(await pageOfFiles(listing(...given), { sort: by, descending, pageSize, page })).files);
        }
        expect(seen.map(({ name }) => name).toSorted()).toEqual(given.toSorted());
        if (by === 'size') {
          const sizes = seen.map(({ size = 0 }) => (descending ? -size : size));
          expect(sizes).toEqual(sizes.toSorted((one, other) => one - other));
        }
      },
    ),
  );
});
