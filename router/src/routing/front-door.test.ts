// Which path is answered by whom, in front of a plain core: router.md §19, by number.
import { expect, test } from 'vitest';
import { exchangeText } from '../testing/exchange-text.ts';
import { assets, healthyRouter } from '../testing/healthy-router.ts';
import { runRouter, until } from '../testing/running-router.ts';

test('router R3: an asset is there before the core has ever been healthy', async () => {
  await using site = await runRouter({ files: assets });
  const answer = await fetch(`${site.url}/static/dist/flow/FlowInterface-1.2.3.js`);
  expect([answer.status, await answer.text()]).toEqual([200, 'export {};\n']);
});

test('router R8: live follows the core', async () => {
  await using site = await healthyRouter();
  const live = () => fetch(`${site.url}/-/health/live/`, { method: 'HEAD' });
  const answer = await live();
  expect([answer.status, await answer.text()]).toEqual([200, '']);
  await site.core.die();
  await until(async () => (await live()).status === 503);
});

test('router R10: core metrics are not public', async () => {
  await using site = await healthyRouter();
  const answer = await fetch(`${site.url}/-/metrics/`);
  expect([answer.status, await answer.text()]).toEqual([404, '404 page not found\n']);
  expect(site.core.seen).toEqual([]);
});

test('router R12: below a prefix', async () => {
  await using site = await healthyRouter({ AUTHENTIK_WEB__PATH: '/auth/' });
  const root = await fetch(`${site.url}/`, { redirect: 'manual' });
  expect([root.status, root.headers.get('location')]).toEqual([302, '/auth/']);
  expect((await fetch(`${site.url}/auth/static/dist/flow/FlowInterface-1.2.3.js`)).status).toBe(200);
  const outside = await fetch(`${site.url}/static/dist/flow/FlowInterface-1.2.3.js`);
  expect([outside.status, await outside.text()]).toEqual([404, '404 page not found\n']);
  await (await fetch(`${site.url}/auth/if/user/`)).text();
  expect(site.core.seen.map(({ url }) => url)).toEqual(['/auth/if/user/']);
});

test('router R13, R14, R21: no listing and no way out, and each such answer names the version', async () => {
  await using site = await healthyRouter();
  for (const path of ['/static/dist/', '/static/dist/assets/icons', '/if/flow/x/assets/', '/static/dist/nothing.js']) {
    const answer = await fetch(`${site.url}${path}`);
    expect([answer.status, answer.headers.get('x-authentik-version')], path).toEqual([404, '1.2.3']);
  }
  for (const path of [
    '/static/dist/%2e%2e/%2e%2e/etc/passwd',
    '/static/dist/..%2f..%2fetc/passwd',
    '/static/dist/..%5c..%5cetc/passwd',
    '/static/dist/%00',
    '/static/dist/%c0%ae%c0%ae/etc/passwd',
    '/static/dist/\\..\\..\\etc/passwd',
  ]) {
    const answer = await exchangeText(site.port, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(answer, path).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(answer, path).not.toContain('root:');
  }
});

test('router R20: other methods on an asset are 405 with Allow', async () => {
  await using site = await healthyRouter();
  const answer = await fetch(`${site.url}/static/dist/flow/FlowInterface-1.2.3.js`, { method: 'POST', body: 'x' });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('router R22: the assets of a page are those of the packaged folder', async () => {
  await using site = await healthyRouter();
  const bytes = await (await fetch(`${site.url}/static/dist/assets/icons/icon.png`)).text();
  for (const page of ['flow/some-flow', 'admin', 'user', 'rac/token']) {
    const answer = await fetch(`${site.url}/if/${page}/assets/icons/icon.png`);
    expect([answer.status, await answer.text()], page).toEqual([200, bytes]);
  }
});

test('router R23: robots.txt and security.txt are text, and the latter has not expired', async () => {
  await using site = await healthyRouter();
  for (const path of ['/robots.txt', '/.well-known/security.txt']) {
    const answer = await fetch(`${site.url}${path}`);
    expect([answer.status, answer.headers.get('content-type')?.startsWith('text/plain')]).toEqual([200, true]);
    const expires = /^Expires: (.*)$/m.exec(await answer.text())?.[1];
    if (path.includes('security')) expect(Date.parse(expires ?? '')).toBeGreaterThan(Date.now());
  }
});

test('router R24: old media paths and help are for the core to answer', async () => {
  await using site = await healthyRouter();
  site.core.answer = (_request, response) => void response.writeHead(404).end("the core's own");
  for (const path of ['/media/x.png', '/if/help']) {
    const answer = await fetch(`${site.url}${path}`);
    expect([answer.status, await answer.text()]).toEqual([404, "the core's own"]);
  }
});

test('router R48: //if///user/ is 301 to the clean path, query kept', async () => {
  await using site = await healthyRouter();
  const answer = await exchangeText(site.port, 'GET //if///user/?a=b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 301 [\s\S]*Location: \/if\/user\/\?a=b\r\n/);
});
