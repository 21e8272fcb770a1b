// files.md §8–§10, §14 against a whole core: the REST API of stored files, and the objects that show them.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createVisitor, startTestCore, type TestCore, testPassword } from '../testing/index.ts';

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const path = 'api/v3/admin/file/';
let core: TestCore;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const stored = () => join(folder.path, 'media', 'public');

beforeAll(async () => {
  folder = await temporaryFolder();
  const authentik = join(folder.path, 'authentik');
  await mkdir(join(authentik, 'sources'), { recursive: true });
  await writeFile(join(authentik, 'sources', 'ldap.png'), png);
  core = await startTestCore({
    storage: { AUTHENTIK_STORAGE__FILE__PATH: folder.path },
    web: { assets_authentik: authentik },
  });
}, 60_000);
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface Row {
  readonly name: string;
  readonly mime_type: string;
  readonly url: string;
  readonly themed_urls: Record<string, string> | null;
}
const list = (query = '') => core.call<Row[]>('GET', `/admin/file/${query}`);

async function ask(method: string, query: string, token: string | undefined = core.adminToken, body?: FormData) {
  const headers: Record<string, string> = token === '' ? {} : { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${core.url}${path}${query}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
}

interface Upload {
  readonly name?: string;
  readonly fileName?: string;
  readonly usage?: string;
  readonly content?: Buffer;
  /** Where the file stands among the fields: clients differ. */
  readonly fileFirst?: boolean;
  readonly token?: string;
  readonly query?: string;
}

function upload({ name, fileName = 'up.png', usage, content = png, fileFirst = false, token, query = '' }: Upload) {
  const form = new FormData();
  const file = () => form.append('file', new Blob([new Uint8Array(content)]), fileName);
  if (fileFirst) file();
  if (name !== undefined) form.append('name', name);
  if (usage !== undefined) form.append('usage', usage);
  if (!fileFirst) file();
  return ask('POST', query, token, form);
}

const names = async (query = '?manageable_only=true') => (await list(query)).map(({ name }) => name);

let people = 0;
async function tokenWith(...permissions: string[]): Promise<string> {
  people += 1;
  const username = `somebody-${people}`;
  const user = await core.call<{ pk: number }>('POST', '/core/users/', { username, name: username });
  const grants = permissions.map((permission) => ({ user_id: user.pk, permission, object: '' }));
  const { kysely } = core.deps.database;
  if (grants.length > 0) await kysely.insertInto('grants').values(grants).execute();
  const key = `token-of-${username}`;
  await core.call('POST', '/core/tokens/', { identifier: username, intent: 'api', user: user.pk, expiring: false });
  await core.call('POST', `/core/tokens/${username}/set_key/`, { key });
  return key;
}

test('files F22: packaged images are listed with type and absolute URL', async () => {
  expect(await list()).toContainEqual({
    name: '/static/authentik/sources/ldap.png',
    mime_type: 'image/png',
    url: `${core.url}static/authentik/sources/ldap.png`,
    themed_urls: null,
  });
});

test('files F23: other usages are refused', async () => {
  for (const usage of ['invalid', 'reports']) {
    expect(await ask('GET', `?usage=${usage}`)).toEqual({
      status: 400,
      body: { usage: [`"${usage}" is not a valid choice.`] },
    });
  }
});

test('files F24, F25: search ignores capitals; managed files only, on demand', async () => {
  expect((await list('?search=ldap.png')).map(({ name }) => name)).toEqual(['/static/authentik/sources/ldap.png']);
  expect((await list('?search=LDAP')).map(({ name }) => name)).toEqual(['/static/authentik/sources/ldap.png']);
  expect(await list('?search=nothing-is-called-this')).toEqual([]);
  expect((await names()).some((name) => name.startsWith('/static/'))).toBe(false);
});

for (const fileFirst of [false, true]) {
  const order = fileFirst ? 'file first' : 'name first';
  test(`files F26: the given name counts, answer empty, the theme placeholder literally (${order})`, async () => {
    const name = `custom/${fileFirst}.png`;
    expect(await upload({ name, fileFirst })).toEqual({ status: 200, body: undefined });
    const themed = `brand-logo-${fileFirst}-%(theme)s.svg`;
    const content = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>');
    expect((await upload({ name: themed, fileName: 'x.svg', content, fileFirst })).status).toBe(200);
    const rows = await list('?manageable_only=true');
    expect(rows.map((row) => row.name)).toEqual(expect.arrayContaining([name, themed]));
    expect(Object.keys(rows.find((row) => row.name === themed)?.themed_urls ?? {})).toEqual(['light', 'dark']);
    expect(await readdir(stored())).toContain(themed);
  });

  test(`files F27: without a name it is the client's file name, folders dropped (${order})`, async () => {
    const fileName = `C:\\pictures\\own-${fileFirst}.png`;
    expect((await upload({ fileName, fileFirst })).status).toBe(200);
    expect(await names()).toContain(`own-${fileFirst}.png`);
  });

  test(`files F28: a second upload of a name is refused, the first content stays (${order})`, async () => {
    const name = `twice-${fileFirst}.png`;
    await upload({ name, fileFirst });
    expect(await upload({ name, fileFirst, content: Buffer.concat([png, Buffer.alloc(9)]) })).toEqual({
      status: 400,
      body: { name: ['A file with this name already exists.'] },
    });
    const row = (await core.call<{ results: { size: number }[] }>('GET', `/admin/file/?detail=1&search=${name}`))
      .results[0];
    expect(row?.size).toBe(png.byteLength);
  });

  test(`files F29: the limit passes, one byte more does not, nor does nothing; nothing stays behind (${order})`, async () => {
    const limit = 26_214_400;
    const atLimit = Buffer.concat([png, Buffer.alloc(limit - png.byteLength)]);
    const big = `limit-${fileFirst}.png`;
    expect((await upload({ name: big, content: atLimit, fileFirst })).status).toBe(200);
    const over = `over-${fileFirst}.png`;
    const refused = await upload({ name: over, content: Buffer.concat([atLimit, Buffer.alloc(1)]), fileFirst });
    expect(refused).toMatchObject({ status: 400, body: { file: [expect.stringContaining('26214400')] } });
    const empty = `empty-${fileFirst}.png`;
    expect(await upload({ name: empty, content: Buffer.alloc(0), fileFirst })).toMatchObject({
      status: 400,
      body: { file: [expect.stringContaining('empty')] },
    });
    expect(await readdir(stored())).toEqual(expect.not.arrayContaining([over, empty]));
    expect((await readdir(stored())).filter((name) => name.startsWith('.'))).toEqual([]);
    expect((await ask('DELETE', `?name=${big}`)).status).toBe(200);
  });
}

test('files F29: what is no form is 415, a form without file, or broken, 400', async () => {
  const json = await fetch(`${core.url}${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${core.adminToken}`, 'Content-Type': 'application/json' },
    body: '{"name": "a.png"}',
  });
  expect(json.status).toBe(415);
  const form = new FormData();
  form.append('name', 'a.png');
  expect(await ask('POST', '', core.adminToken, form)).toMatchObject({
    status: 400,
    body: { file: expect.any(Array) },
  });
  const broken = await fetch(`${core.url}${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${core.adminToken}`, 'Content-Type': 'multipart/form-data; boundary=x' },
    body: '--x\r\nContent-Disposition: form-data; name="file"; filename="b.png"\r\n\r\nhalf',
  });
  expect(broken.status).toBe(400);
  expect(await names()).not.toContain('b.png');
});

test('files F30: of two uploads of one name at the same time exactly one succeeds', async () => {
  const answers = await Promise.all(Array.from({ length: 6 }, () => upload({ name: 'race.png' })));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 400)).toHaveLength(5);
});

test('files F49: a client that leaves in the middle leaves neither a file nor a blocked name', async () => {
  const head =
    '--x\r\nContent-Disposition: form-data; name="name"\r\n\r\ntorn.png\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="torn.png"\r\n\r\n';
  await new Promise<void>((resolve) => {
    const sending = httpRequest(`${core.url}${path}`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${core.adminToken}`,
        'Content-Type': 'multipart/form-data; boundary=x',
        'Content-Length': 1_000_000,
      },
    });
    sending.on('error', () => resolve()).on('close', () => resolve());
    sending.write(head);
    sending.write(Buffer.concat([png, Buffer.alloc(100_000)]), () => setImmediate(() => sending.destroy()));
  });
  expect(await names()).not.toContain('torn.png');
  await expect.poll(async () => (await readdir(stored())).filter((name) => name.startsWith('.'))).toEqual([]);
  expect((await upload({ name: 'torn.png' })).status).toBe(200);
});

test('files F31, F32: delete needs a name, removes, and does not mind a missing file; static and bad names are refused', async () => {
  await upload({ name: 'gone/soon.png' });
  expect(await ask('DELETE', '')).toEqual({ status: 400, body: { name: ['This field is required.'] } });
  expect(await ask('DELETE', '?name=gone/soon.png')).toEqual({ status: 200, body: undefined });
  expect(await readdir(stored())).not.toContain('gone');
  expect(await ask('DELETE', '?name=gone/soon.png')).toEqual({ status: 200, body: undefined });
  for (const name of ['/static/x.png', '../x', 'a/../../x']) {
    const { status, body } = await ask('DELETE', `?name=${encodeURIComponent(name)}`);
    expect(status).toBe(400);
    expect(body).toEqual([expect.stringContaining('not usable')]);
  }
});

test('files F16, F23, F51: a bad name and a bad usage are one text, a lying content is a text about the file', async () => {
  expect(await upload({ name: 'a b.png' })).toMatchObject({
    status: 400,
    body: [expect.stringContaining('not usable')],
  });
  expect(await upload({ name: '../a.png' })).toMatchObject({ status: 400, body: [expect.any(String)] });
  expect(await upload({ name: 'ok.png', usage: 'reports' })).toMatchObject({ status: 400, body: [expect.any(String)] });
  expect(await upload({ name: 'page.png', content: Buffer.from('<html><script>alert(1)</script>') })).toMatchObject({
    status: 400,
    body: { file: [expect.stringContaining('image/png')] },
  });
  expect(await names()).toEqual(expect.not.arrayContaining(['page.png', 'ok.png']));
});

test('files F33: an upload and a delete are one event each, with the acting user', async () => {
  await upload({ name: 'audited.png' });
  await ask('DELETE', '?name=audited.png');
  await ask('DELETE', '?name=audited.png');
  const { results } = await core.call<{ results: { action: string; user: { username: string }; context: unknown }[] }>(
    'GET',
    '/events/events/?search=audited.png&ordering=created',
  );
  expect(results.map(({ action }) => action)).toEqual(['model_created', 'model_deleted']);
  const model = {
    app: 'authentik_admin_files',
    model_name: 'File',
    pk: 'audited.png',
    name: 'audited.png',
    usage: 'media',
  };
  expect(results[0]?.context).toMatchObject({ model: { ...model, mime_type: 'image/png', size: png.byteLength } });
  expect(results[1]?.context).toMatchObject({ model });
  expect(JSON.stringify(results[1]?.context)).not.toContain('mime_type');
  expect(results.map(({ user }) => user.username)).toEqual(['akadmin', 'akadmin']);
});

test('files F34: viewing and managing are rights of their own; anonymous has none', async () => {
  const viewer = await tokenWith('authentik_rbac.view_media_files');
  expect((await ask('GET', '', viewer)).status).toBe(200);
  expect((await ask('GET', 'used_by/?name=x', viewer)).status).toBe(200);
  expect((await upload({ name: 'viewer.png', token: viewer })).status).toBe(403);
  expect((await ask('DELETE', '?name=viewer.png', viewer)).status).toBe(403);
  const nobody = await tokenWith();
  expect((await ask('GET', '', nobody)).status).toBe(403);
  const manager = await tokenWith('authentik_rbac.manage_media_files');
  expect((await upload({ name: 'manager.png', token: manager })).status).toBe(200);
  for (const [method, query] of [
    ['GET', ''],
    ['DELETE', '?name=x'],
    ['GET', 'used_by/?name=x'],
  ] as const)
    expect((await ask(method, query, '')).status).toBe(403);
});

test('files F20, F35, F48: objects may name any file, are found by it in every theme, and keep the name when it goes', async () => {
  await core.call('POST', '/core/applications/', { name: 'Shown', slug: 'shown', meta_icon: 'icons/%(theme)s.png' });
  await upload({ name: 'icons/dark.png' });
  const users = (name: string, token?: string) => ask('GET', `used_by/?name=${encodeURIComponent(name)}`, token);
  const { body } = await users('icons/dark.png');
  expect(body).toEqual([
    {
      app: 'authentik_core',
      model_name: 'application',
      pk: expect.any(String),
      name: 'Shown',
      action: 'left_dangling',
    },
  ]);
  expect((await users('icons/%(theme)s.png')).body).toEqual(body);
  expect((await users('icons/none.png')).body).toEqual([]);
  const viewer = await tokenWith('authentik_rbac.view_media_files');
  expect(await users('icons/dark.png', viewer)).toEqual({ status: 200, body: [] });
  expect(await ask('DELETE', '?name=icons/dark.png&refuse_used=true')).toMatchObject({
    status: 409,
    body: { used_by: body },
  });
  expect((await ask('DELETE', '?name=icons/dark.png')).status).toBe(200);
  const shown = await core.call<{ meta_icon: string; meta_icon_themed_urls: object }>(
    'GET',
    '/core/applications/shown/',
  );
  expect(shown.meta_icon).toBe('icons/%(theme)s.png');
  expect(Object.keys(shown.meta_icon_themed_urls)).toEqual(['light', 'dark']);
});

test('files §15.2: orphans and references without a file are told of', async () => {
  await upload({ name: 'lonely.png' });
  await core.call('POST', '/core/applications/', { name: 'Lost', slug: 'lost', meta_icon: 'never-was.png' });
  const report = await core.call<{ orphans: { name: string }[]; dangling: object[] }>('GET', '/admin/file/references/');
  expect(report.orphans.map(({ name }) => name)).toContain('lonely.png');
  expect(report.dangling).toContainEqual({
    app: 'authentik_core',
    model_name: 'application',
    pk: expect.any(String),
    name: 'Lost',
    field: 'meta_icon',
    missing: 'never-was.png',
  });
});

test('files F19: fields take URLs, packaged images and icon classes, and nothing that could run', async () => {
  const save = (meta_icon: string) => core.call('PATCH', '/core/applications/shown-too/', { meta_icon });
  await core.call('POST', '/core/applications/', { name: 'Shown too', slug: 'shown-too' });
  for (const value of ['https://cdn.e.com/l%20o.svg?x=1', '/static/dist/assets/icons/icon.png', 'fa://fa-user', ''])
    await save(value);
  for (const value of ['ftp://x/y', 'data:image/png;base64,AA', 'file:///x', 'javascript:alert(1)', '/media/x.png'])
    await expect(save(value)).rejects.toThrow(/400/);
});

test('files F36: the capability is there exactly when uploads are accepted', async () => {
  const config = await (await fetch(`${core.url}api/v3/root/config/`)).json();
  expect(config).toMatchObject({ capabilities: expect.arrayContaining(['can_save_media', 'can_save_reports']) });
});

test('files F46, F47: a flow shows its own background, else the one of the brand, in URLs of this moment', async () => {
  const visitor = createVisitor(core.url);
  const shown = async () => (await visitor.flow('default-authentication-flow'))['flow_info'];
  expect(await shown()).toMatchObject({ background: '/static/dist/assets/images/flow_background.jpg' });
  const brands = await core.call<{ results: { pk: string }[] }>('GET', '/core/brands/');
  const brand = `/core/brands/${brands.results[0]?.pk}/`;
  await core.call('PATCH', brand, { branding_default_flow_background: 'sky-%(theme)s.png' });
  expect(await shown()).toMatchObject({
    background_themed_urls: { dark: expect.stringContaining('sky-dark.png?token=') },
  });
  await core.call('PATCH', '/flows/instances/default-authentication-flow/', { background: 'own.png' });
  expect(await shown()).toMatchObject({
    background: expect.stringMatching(/^\/files\/media\/public\/own\.png\?token=/),
  });
});

test('files §8.2: with ?detail the answer tells what was stored; the listing has pages, order and odd names', async () => {
  const { body } = await upload({ name: 'told/of.png', query: '?detail=true' });
  expect(body).toMatchObject({ name: 'told/of.png', mime_type: 'image/png', size: png.byteLength });
  await writeFile(join(stored(), 'by hand.png'), png);
  const page = await core.call<{ pagination: { count: number }; results: object[] }>(
    'GET',
    '/admin/file/?detail=true&manageable_only=true&ordering=-name&page_size=1&search=B',
  );
  expect(page.results).toHaveLength(1);
  expect(page.results[0]).toMatchObject({ name: 'by hand.png', valid_name: false, manageable: true });
  expect(page.pagination.count).toBeGreaterThan(1);
});

test('files F44: a thousand stored files are listed without a call per file', async () => {
  await using many = await temporaryFolder();
  const media = join(many.path, 'media', 'public');
  await mkdir(media, { recursive: true });
  await Promise.all(Array.from({ length: 1000 }, (_, at) => writeFile(join(media, `f-${at}.png`), png)));
  await using crowded = await startTestCore({ storage: { AUTHENTIK_STORAGE__FILE__PATH: many.path } });
  const files = await crowded.call<Row[]>('GET', '/admin/file/?manageable_only=true');
  expect(files).toHaveLength(1000);
  expect(new Set(files.map(({ url }) => url)).size).toBe(1000);
}, 60_000);

test('files §12: a folder that cannot be written is a text with a reason, not a fault of ours', async () => {
  await using place = await temporaryFolder();
  const file = join(place.path, 'not-a-folder');
  await writeFile(file, '');
  await using blocked = await startTestCore({ storage: { AUTHENTIK_STORAGE__FILE__PATH: file } });
  const form = new FormData();
  form.append('name', 'a.png');
  form.append('file', new Blob([new Uint8Array(png)]), 'a.png');
  const answer = await fetch(`${blocked.url}${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${blocked.adminToken}` },
    body: form,
  });
  expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('cannot be stored')]);
  const config = await (await fetch(`${blocked.url}api/v3/root/config/`)).json();
  expect(config).toMatchObject({ capabilities: [] });
}, 60_000);

test('a session needs the proof against forgery for uploads too', async () => {
  const visitor = createVisitor(core.url);
  await visitor.flow('default-authentication-flow');
  await visitor.flow('default-authentication-flow', { uid_field: 'akadmin' });
  await visitor.flow('default-authentication-flow', { password: testPassword });
  const form = () => {
    const filled = new FormData();
    filled.append('name', 'session.png');
    filled.append('file', new Blob([new Uint8Array(png)]), 'a.png');
    return filled;
  };
  const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const forged = await fetch(`${core.url}${path}`, { method: 'POST', headers: { cookie }, body: form() });
  expect(forged.status).toBe(403);
  expect((await visitor.fetch(`/${path}`, { method: 'POST', body: form() })).status).toBe(200);
});
