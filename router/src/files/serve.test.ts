// Stored files over HTTP: files.md §14 F7, F8, F50, F52, and router.md §9.
import { createHmac } from 'node:crypto';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '@gatehouse/daemon/config';
import { createUrlSigner, signingKey, type Usage } from '@gatehouse/storage';
import { expect, test } from 'vitest';
import { routerConfig } from '../config.ts';
import { startPlainCore } from '../testing/plain-core.ts';
import { runRouter, testSecret, until } from '../testing/running-router.ts';

const files = {
  'data/media/public/icon.png': 'the picture',
  'data/media/public/sub/page.html': '<script>alert(1)</script>',
  'data/media/public/with blank ü.png': 'blank',
  'data/media/public/.hidden.png': 'hidden',
  'data/media/t_other/icon.png': "another tenant's",
  'data/reports/public/users.csv': 'a,b\n',
  'outside.txt': 'outside',
};

async function start() {
  const site = await runRouter({ files });
  const url = async (path: string, usage: Usage = 'media', key = signingKey(testSecret, usage)) => {
    const token = await createUrlSigner(key, 900_000).sign(`${usage}/${path}`, Date.now());
    return `${site.url}/files/${usage}/${path.split('/').map(encodeURIComponent).join('/')}?token=${token}`;
  };
  return { ...site, signed: url, [Symbol.asyncDispose]: () => site[Symbol.asyncDispose]() };
}

const missing = '404 page not found\n';

test('files F7: a signed URL opens its file, and a changed byte, another name or usage gives the 404 of a missing file', async () => {
  await using site = await start();
  const good = await site.signed('public/icon.png');
  const answer = await fetch(good);
  expect([answer.status, await answer.text()]).toEqual([200, 'the picture']);
  const token = good.split('token=')[1] ?? '';
  const flipped = token.slice(0, -2) + (token.at(-2) === 'A' ? 'B' : 'A') + token.slice(-1);
  for (const url of [
    `${site.url}/files/media/public/icon.png`,
    `${site.url}/files/media/public/icon.png?token=${flipped}`,
    `${site.url}/files/media/public/sub/page.html?token=${token}`,
    `${site.url}/files/reports/public/icon.png?token=${token}`,
    await site.signed('public/icon.png', 'media', signingKey('another secret', 'media')),
    await site.signed('public/icon.png', 'media', signingKey(testSecret, 'reports')),
    await site.signed('public/absent.png'),
    await site.signed('public/sub'),
  ]) {
    const refused = await fetch(url);
    expect([refused.status, await refused.text(), refused.headers.get('cache-control')], url).toEqual([
      404,
      missing,
      'no-store',
    ]);
  }
});

function tokenOf(header: object, claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(header)}.${part(claims)}`;
  const algorithm = 'alg' in header && header.alg === 'HS512' ? 'sha512' : 'sha256';
  return `${signed}.${createHmac(algorithm, signingKey(testSecret, 'media')).update(signed).digest('base64url')}`;
}

test('files F7, F8: expired, without expiry, or of another algorithm is 404', async () => {
  await using site = await start();
  const path = 'media/public/icon.png';
  const exp = Math.floor(Date.now() / 1000) + 60;
  const ask = async (token: string) => (await fetch(`${site.url}/files/${path}?token=${token}`)).status;
  expect(await ask(tokenOf({ alg: 'HS256', typ: 'JWT' }, { path, exp }))).toBe(200);
  expect(await ask(tokenOf({ alg: 'HS256', typ: 'JWT' }, { path }))).toBe(404);
  expect(await ask(tokenOf({ alg: 'HS256', typ: 'JWT' }, { path, exp: exp - 120 }))).toBe(404);
  expect(await ask(tokenOf({ alg: 'HS512', typ: 'JWT' }, { path, exp }))).toBe(404);
  const none = tokenOf({ alg: 'none' }, { path, exp });
  expect(await ask(none)).toBe(404);
  expect(await ask(`${none.split('.').slice(0, 2).join('.')}.`)).toBe(404);
});

test('files F10: a token for one tenant does not open another tenant', async () => {
  await using site = await start();
  const token = (await site.signed('public/icon.png')).split('token=')[1] ?? '';
  expect((await fetch(`${site.url}/files/media/t_other/icon.png?token=${token}`)).status).toBe(404);
  expect(await (await fetch(await site.signed('t_other/icon.png'))).text()).toBe("another tenant's");
});

test('files F50: nothing uploaded can run in our origin', async () => {
  await using site = await start();
  const picture = (await fetch(await site.signed('public/icon.png'))).headers;
  expect(picture.get('content-security-policy')).toContain('sandbox');
  expect(picture.get('x-content-type-options')).toBe('nosniff');
  expect(picture.get('cache-control')).toMatch(/^private, max-age=\d+$/);
  expect(picture.get('content-disposition')).toBe('inline');
  expect((await fetch(await site.signed('public/sub/page.html'))).headers.get('content-disposition')).toBe(
    'attachment',
  );
  const report = (await fetch(await site.signed('public/users.csv', 'reports'))).headers;
  expect([report.get('cache-control'), report.get('content-disposition')]).toEqual(['no-store', 'attachment']);
});

test('files F52: a name with blanks is opened by its escaped URL', async () => {
  await using site = await start();
  expect(await (await fetch(await site.signed('public/with blank ü.png'))).text()).toBe('blank');
});

test('router §9: links and hidden names are not served, whatever the token says', async () => {
  await using site = await start();
  const media = join(site.folder, 'data/media/public');
  await symlink(join(site.folder, 'outside.txt'), join(media, 'link.png'));
  await symlink(site.folder, join(media, 'folder'));
  for (const path of ['public/link.png', 'public/folder/outside.txt', 'public/.hidden.png']) {
    expect((await fetch(await site.signed(path))).status, path).toBe(404);
  }
});

test('router §8.2: ranges, conditions, HEAD and other methods work for stored files as for assets', async () => {
  await using site = await start();
  const url = await site.signed('public/icon.png');
  const whole = await fetch(url);
  await whole.text();
  const etag = whole.headers.get('etag') ?? '';
  const part = await fetch(url, { headers: { range: 'bytes=4-6' } });
  expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 4-6/11', 'pic']);
  expect((await fetch(url, { headers: { 'if-none-match': etag } })).status).toBe(304);
  expect((await fetch(url, { headers: { range: 'bytes=90-' } })).status).toBe(416);
  const head = await fetch(url, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '11', '']);
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(405);
});

test('router R24, files §13: old public links lead to images that are there, only where that is switched on', async () => {
  const core = await startPlainCore();
  await using _core = core;
  await using site = await runRouter({ files, core, env: { AUTHENTIK_WEB__LEGACY_MEDIA_REDIRECT: 'true' } });
  await until(() => site.router.watch.state === 'healthy');
  const ask = (path: string) => fetch(`${site.url}${path}`, { redirect: 'manual' });
  const moved = await ask('/media/public/icon.png');
  expect([moved.status, moved.headers.get('cache-control')]).toEqual([302, 'no-store']);
  const target = moved.headers.get('location') ?? '';
  expect(target).toMatch(/^\/files\/media\/public\/icon\.png\?token=/);
  expect(await (await fetch(site.url + target)).text()).toBe('the picture');
  expect((await ask('/media/public/with%20blank%20%C3%BC.png')).status).toBe(302);
  for (const path of ['/media/public/sub/page.html', '/media/public/none.png', '/media/public/.hidden.png', '/media/'])
    expect((await ask(path)).status, path).toBe(200); // the core's answer
  const listen = { AUTHENTIK_LISTEN__HTTP: '127.0.0.1:0', AUTHENTIK_LISTEN__HTTPS: '127.0.0.1:0' };
  const env = { AUTHENTIK_SECRET_KEY: testSecret, ...listen };
  await site.router.reload(loadConfig(routerConfig, { env, files: [] }).config);
  expect((await ask('/media/public/icon.png')).status).toBe(200);
});

test('router R55: no access line contains a token, however its name is written', async () => {
  await using site = await start();
  const url = await site.signed('public/icon.png');
  const token = url.split('token=')[1] ?? '';
  await (await fetch(url)).text();
  await (await fetch(url.replace('?token', '?%74oken'))).text();
  await until(() => site.log.lines.filter(({ event }) => event === 'request').length === 2);
  expect(JSON.stringify(site.log.lines)).not.toContain(token);
});
