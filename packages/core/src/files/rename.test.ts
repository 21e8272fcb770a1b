// Renaming, replacing and migrating stored files (files.md §13, §15.2) against a whole core.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestCore, type TestCore } from '../testing/index.ts';
import { migrateMedia, nameInMedia } from './migrate.ts';

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
let core: TestCore;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (name: string) => join(folder.path, 'media', 'public', name);

beforeAll(async () => {
  folder = await temporaryFolder();
  core = await startTestCore({ storage: { AUTHENTIK_STORAGE__FILE__PATH: folder.path } });
}, 60_000);
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function place(name: string, content: Buffer | string = png) {
  await mkdir(dirname(at(name)), { recursive: true });
  await writeFile(at(name), content);
}

async function ask(method: string, query: string, body?: FormData | object) {
  const isForm = body instanceof FormData;
  const answer = await fetch(`${core.url}api/v3/admin/file/?${query}`, {
    method,
    headers: { Authorization: `Bearer ${core.adminToken}`, ...(isForm ? {} : { 'Content-Type': 'application/json' }) },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
}

const application = (slug: string, meta_icon: string) =>
  core.call<{ pk: string }>('POST', '/core/applications/', { name: slug, slug, meta_icon });
const iconOf = async (slug: string) =>
  (await core.call<{ meta_icon: string }>('GET', `/core/applications/${slug}/`)).meta_icon;

test('a renamed file takes everything that shows it along, and its old name is free', async () => {
  await place('old.png');
  await application('one', 'old.png');
  await application('two', 'old.png');
  const brand = await core.call<{ results: { brand_uuid: string }[] }>('GET', '/core/brands/');
  const key = brand.results[0]?.brand_uuid;
  await core.call('PATCH', `/core/brands/${key}/`, { branding_logo: 'old.png', branding_favicon: 'old.png' });
  expect(await ask('PATCH', 'name=old.png', { name: 'sub/new.png' })).toMatchObject({
    status: 200,
    body: { name: 'sub/new.png', mime_type: 'image/png', size: png.length },
  });
  expect([await iconOf('one'), await iconOf('two')]).toEqual(['sub/new.png', 'sub/new.png']);
  expect(await core.call('GET', `/core/brands/${key}/`)).toMatchObject({
    branding_logo: 'sub/new.png',
    branding_favicon: 'sub/new.png',
  });
  expect((await readFile(at('sub/new.png'))).equals(png)).toBe(true);
  await expect(readFile(at('old.png'))).rejects.toMatchObject({ code: 'ENOENT' });
  const events = await core.call<{ results: { context: object }[] }>('GET', '/events/events/?action=model_updated');
  expect(events.results.map(({ context }) => context)).toContainEqual(
    expect.objectContaining({ model: expect.objectContaining({ name: 'sub/new.png', renamed_from: 'old.png' }) }),
  );
});

test('a new name that is taken, bad, of another kind, or of a themed file changes nothing', async () => {
  await place('a.png');
  await place('b.png', Buffer.concat([png, Buffer.from('b')]));
  await place('theme-dark.png');
  await application('themed', 'theme-%(theme)s.png');
  await application('plain', 'a.png');
  const status = async (from: string, name: unknown) => (await ask('PATCH', `name=${from}`, { name })).status;
  expect(await status('a.png', 'b.png')).toBe(400);
  expect(await status('a.png', '../a.png')).toBe(400);
  expect(await status('a.png', '')).toBe(400);
  expect(await status('a.png', 'a.svg')).toBe(400);
  expect(await status('none.png', 'c.png')).toBe(404);
  expect(await status('theme-dark.png', 'c.png')).toBe(409);
  expect((await readFile(at('b.png'))).length).toBe(png.length + 1);
  for (const name of ['a.svg', 'c.png']) await expect(readFile(at(name))).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await iconOf('plain')).toBe('a.png');
});

test('a file is replaced only where that is asked for', async () => {
  await place('r.png');
  const other = Buffer.concat([png, Buffer.from('other')]);
  const upload = (query: string) => {
    const form = new FormData();
    form.append('name', 'r.png');
    form.append('file', new Blob([new Uint8Array(other)]), 'r.png');
    return ask('POST', query, form);
  };
  expect((await upload('')).status).toBe(400);
  expect((await readFile(at('r.png'))).equals(png)).toBe(true);
  expect((await upload('replace=true')).status).toBe(200);
  expect((await readFile(at('r.png'))).equals(other)).toBe(true);
});

test('files §13: values of the time of /media/ become names, unless their file is missing', async () => {
  await place('application-icons/x y.png'.replace(' ', '-'));
  // Written as they were then: the API refuses such values now.
  await application('old', '');
  await application('lost', '');
  const put = (slug: string, value: string) =>
    core.deps.database.kysely
      .updateTable('applications')
      .set({ settings: JSON.stringify({ meta_icon: value }) } as never)
      .where('slug', '=', slug)
      .execute();
  await put('old', '/media/public/application-icons/x-y.png');
  await put('lost', 'https://id.example/media/public/lost.png');
  const told = await migrateMedia(core.deps, true);
  expect(told.rewritten.map(({ value }) => value)).toEqual(['application-icons/x-y.png']);
  expect(await iconOf('old')).toBe('/media/public/application-icons/x-y.png');
  const done = await migrateMedia(core.deps, false);
  expect(done.missing.map(({ value }) => value)).toEqual(['https://id.example/media/public/lost.png']);
  expect(await iconOf('old')).toBe('application-icons/x-y.png');
  expect((await migrateMedia(core.deps, false)).rewritten).toEqual([]);
});

test('files §8.5: blueprints may say icon for meta_icon', async () => {
  const content = `version: 1
metadata: { name: alias }
entries:
  - model: authentik_core.application
    identifiers: { slug: aliased }
    attrs: { name: Aliased, icon: "fa://fa-star" }
`;
  const { pk } = await core.call<{ pk: string }>('POST', '/managed/blueprints/', { name: 'alias', content });
  await core.call('POST', `/managed/blueprints/${pk}/apply/`);
  await expect.poll(() => iconOf('aliased').catch(() => ''), { timeout: 10_000 }).toBe('fa://fa-star');
});

test('files §13: which values are of that time', () => {
  const cases = {
    '/media/public/logo.png': 'logo.png',
    'https://id.example/media/t_one/a/b%2Dc.png?x=1': undefined,
    'http://id.example/media/t_one/a/b%2Dc.png': 'a/b-c.png',
    '/media/public/../../etc/passwd': undefined,
    '/media/logo.png': undefined,
    'logo.png': undefined,
    '/static/media/public/logo.png': undefined,
  };
  for (const [value, name] of Object.entries(cases)) expect(nameInMedia(value), value).toBe(name);
});
