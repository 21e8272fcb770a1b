import { afterAll, beforeAll, expect, test } from 'vitest';
import { createVisitor, startTestCore, type TestCore, type Visitor } from '../testing/index.ts';
import { launchUrlFor } from './launch.ts';

let core: TestCore;
beforeAll(async () => {
  core = await startTestCore();
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

const login = 'default-authentication-flow';
async function signedIn(name: string): Promise<Visitor> {
  const visitor = createVisitor(core.url);
  await visitor.flow(login, { uid_field: name });
  await visitor.flow(login, { password: core.password });
  return visitor;
}
const whereTo = async (visitor: Visitor, path: string) => (await visitor.fetch(path)).headers.get('Location');

test('core §1.5: the start leads to the login, and to the page of whoever is logged in', async () => {
  const stranger = createVisitor(core.url);
  expect(await whereTo(stranger, '/')).toBe('/flows/-/default/authentication/?next=%2F');
  expect(await whereTo(stranger, '/if/admin/?x=1')).toBe(
    '/flows/-/default/authentication/?next=%2Fif%2Fadmin%2F%3Fx%3D1',
  );
  expect(await whereTo(await signedIn('ada'), '/')).toBe('/if/user/');
});

test('core §1.5: an application is opened at its address, with the user filled in', async () => {
  const meta_launch_url = 'https://wiki.example/people/%(username)s?mail=%(email)s';
  await core.call('POST', '/core/applications/', { name: 'Wiki', slug: 'wiki', meta_launch_url });
  const ada = await signedIn('ada');
  expect(await whereTo(ada, '/application/launch/wiki/')).toBe(
    'https://wiki.example/people/ada?mail=ada%40example.org',
  );
  expect((await ada.fetch('/application/launch/directory/')).status).toBe(404);
  expect((await ada.fetch('/application/launch/nothing/')).status).toBe(404);
});

test('core §1.5: whoever is not logged in logs in first, is told what for, and comes back', async () => {
  const stranger = createVisitor(core.url);
  const next = 'next=%2Fapplication%2Flaunch%2Fwiki%2F';
  expect(await whereTo(stranger, '/application/launch/wiki/')).toBe(`/if/flow/${login}/?${next}`);
  const asked = { component: 'ak-stage-identification', application_pre: 'Wiki' };
  expect(await stranger.flow(login, undefined, next)).toMatchObject(asked);
  await stranger.flow(login, { uid_field: 'ada' }, next);
  expect(await stranger.flow(login, { password: core.password }, next)).toEqual({
    component: 'xak-flow-redirect',
    to: '/application/launch/wiki/',
  });
});

test('core §1.5: tabs that open different applications each keep their place, also when one is opened again', async () => {
  const meta_launch_url = 'https://news.example/';
  await core.call('POST', '/core/applications/', { name: 'News', slug: 'news', meta_launch_url });
  const stranger = createVisitor(core.url);
  const next = (slug: string) => new URLSearchParams({ next: `/application/launch/${slug}/` }).toString();
  for (const slug of ['wiki', 'news']) await stranger.fetch(`/application/launch/${slug}/`);
  await stranger.flow(login, { uid_field: 'ada' }, next('wiki'));
  for (const slug of ['wiki', 'news']) await stranger.fetch(`/application/launch/${slug}/`);
  const [wiki, news] = [
    await stranger.flow(login, undefined, next('wiki')),
    await stranger.flow(login, undefined, next('news')),
  ];
  expect(wiki).toMatchObject({ component: 'ak-stage-password' });
  expect(news).toMatchObject({ component: 'ak-stage-identification', application_pre: 'News' });
  const to = (slug: string) => ({ component: 'xak-flow-redirect', to: `/application/launch/${slug}/` });
  expect(await stranger.flow(login, { password: core.password }, next('wiki'))).toEqual(to('wiki'));
  expect(await stranger.flow(login, undefined, next('news'))).toEqual(to('news'));
});

test('core §1.5: external users have no page, but the application that the brand names', async () => {
  const { results } = await core.call<{ results: { pk: number }[] }>('GET', '/core/users/?username=tim');
  await core.call('PATCH', `/core/users/${results[0]?.pk}/`, { type: 'external' });
  const tim = await signedIn('tim');
  expect((await tim.fetch('/if/user/')).status).toBe(403);
  const wiki = await core.call<{ pk: string }>('GET', '/core/applications/wiki/');
  const brands = await core.call<{ results: { brand_uuid: string }[] }>('GET', '/core/brands/');
  await core.call('PATCH', `/core/brands/${brands.results[0]?.brand_uuid}/`, { default_application: wiki.pk });
  for (const path of ['/', '/if/user/', '/if/admin/'])
    expect(await whereTo(tim, path)).toBe('/application/launch/wiki/');
});

test('cancelling stays on this site', async () => {
  const visitor = createVisitor(core.url);
  expect(await whereTo(visitor, '/flows/-/cancel/?next=%2Fif%2Fuser%2F')).toBe('/if/user/');
  for (const evil of ['//evil.example', 'https://evil.example', '/\\evil.example'])
    expect(await whereTo(visitor, `/flows/-/cancel/?${new URLSearchParams({ next: evil })}`)).toBe(
      '/flows/-/default/invalidation/',
    );
});

test('placeholders nobody knows are left empty, values are escaped', () => {
  const user = { id: 7, username: 'a/b', name: 'A B', email: '' };
  expect(launchUrlFor('https://x.example/%(pk)s/%(username)s/%(shoe)s', user)).toBe('https://x.example/7/a%2Fb/');
});
