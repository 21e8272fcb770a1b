import { afterAll, beforeAll, expect, test } from 'vitest';
import { createVisitor, startTestCore, type TestCore, type Visitor } from '../testing/index.ts';

let core: TestCore;
beforeAll(async () => {
  core = await startTestCore();
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

interface Device {
  readonly pk: string;
  readonly name: string;
  readonly meta_model_name: string;
}

async function signedIn(name: string): Promise<Visitor> {
  const visitor = createVisitor(core.url);
  await visitor.flow('default-authentication-flow', { uid_field: name });
  await visitor.flow('default-authentication-flow', { password: core.password });
  return visitor;
}
const read = async <T>(visitor: Visitor, path: string) => (await (await visitor.fetch(`/api/v3${path}`)).json()) as T; // the shape is what the test is about

test('core: second factors are listed for their owner, who alone may delete them', async () => {
  const ada = await signedIn('ada');
  expect(await read(ada, '/authenticators/all/')).toEqual([]);
  await ada.flow('default-authenticator-static-setup');
  await ada.flow('default-authenticator-static-setup', {});
  const [device, ...others] = await read<Device[]>(ada, '/authenticators/all/');
  expect(others).toEqual([]);
  expect(device?.meta_model_name).toBe('authentik_stages_authenticator_static.staticdevice');
  const path = `/authenticators/static/${device?.pk}/`;
  expect(await read(ada, path)).toMatchObject({ name: device?.name, user: { username: 'ada' } });
  const tim = await signedIn('tim');
  expect((await tim.fetch(`/api/v3${path}`, { method: 'DELETE' })).status).toBe(404);
  expect(await read(tim, '/authenticators/all/')).toEqual([]);
  expect((await ada.fetch(`/api/v3${path}`, { method: 'DELETE' })).status).toBe(204);
  expect(await read(ada, '/authenticators/all/')).toEqual([]);
});

test('core: a user is told what can be set up, and where', async () => {
  const settings = await read<{ component: string; configure_url: string }[]>(
    await signedIn('ada'),
    '/stages/all/user_settings/',
  );
  expect(settings.map(({ component }) => component).toSorted()).toEqual([
    'ak-user-settings-authenticator-static',
    'ak-user-settings-authenticator-totp',
    'ak-user-settings-password',
  ]);
  for (const { configure_url: url } of settings) expect(url).toMatch(/^\/flows\/-\/configure\/[0-9a-f-]{36}\/$/);
});

test('core: whoever is not logged in learns nothing of second factors', async () => {
  const stranger = createVisitor(core.url);
  for (const path of ['/authenticators/all/', '/authenticators/totp/', '/stages/all/user_settings/'])
    expect((await stranger.fetch(`/api/v3${path}`)).status).toBe(403);
});
