// core.md §3.3, §3.5, §4.1: entitlements of applications, what users consented to, and rights of whoever makes an object.
import {
  bind,
  createClient,
  makeUser,
  startTestCore,
  type TestCore,
  uniqueName,
  visitorAs,
} from '@gatehouse/core/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let core: TestCore;
let flows: Record<'implicit' | 'explicit' | 'out', string>;
let scopes: readonly { readonly pk: string; readonly scope_name: string }[];
const { ask, plainUser } = createClient(() => core);

beforeAll(async () => {
  core = await startTestCore();
  const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
  flows = {
    implicit: await flow('default-provider-authorization-implicit-consent'),
    explicit: await flow('default-provider-authorization-explicit-consent'),
    out: await flow('default-provider-invalidation-flow'),
  };
  scopes = (await core.call<{ results: typeof scopes }>('GET', '/propertymappings/provider/scope/')).results;
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

const callback = 'https://app.test/callback';

async function makeApplication(flow: string, names: readonly string[]) {
  const slug = uniqueName('app');
  const provider = await core.call<{ pk: number; client_id: string }>('POST', '/providers/oauth2/', {
    name: slug,
    authorization_flow: flow,
    invalidation_flow: flows.out,
    redirect_uris: [{ matching_mode: 'strict', url: callback }],
    property_mappings: scopes.filter(({ scope_name }) => names.includes(scope_name)).map(({ pk }) => pk),
  });
  const { pk } = await core.call<{ pk: string }>('POST', '/core/applications/', {
    name: slug,
    slug,
    provider: provider.pk,
  });
  return { slug, pk, provider: provider.pk, clientId: provider.client_id };
}

describe('entitlements', () => {
  test('core 88: the scope tells those with a binding that holds, groups with all above them, by name', async () => {
    const app = await makeApplication(flows.implicit, ['openid', 'entitlements']);
    const other = await makeApplication(flows.implicit, ['openid', 'entitlements']);
    const group = async (body: object) =>
      (await core.call<{ pk: string }>('POST', '/core/groups/', { name: uniqueName('group'), ...body })).pk;
    const above = await group({});
    const below = await group({ parents: [above] });
    const { pk: user } = await makeUser(core, { groups: [below] });
    const stranger = await makeUser(core);
    const entitle = async (name: string, application = app.pk) =>
      (
        await core.call<{ pbm_uuid: string }>('POST', '/core/application_entitlements/', {
          name,
          app: application,
          attributes: { level: 1 },
        })
      ).pbm_uuid;
    await bind(core, await entitle('writer'), { group: above });
    await bind(core, await entitle('admin'), { user });
    await bind(core, await entitle('guest'), { user: stranger.pk });
    await bind(core, await entitle('not banned'), { user: stranger.pk, negate: true });
    await bind(core, await entitle('switched off'), { user, enabled: false });
    await bind(core, await entitle('elsewhere', other.pk), { user });
    await entitle('of nobody');
    const { preview } = await core.call<{ preview: { entitlements: string[]; roles: string[] } }>(
      'GET',
      `/providers/oauth2/${app.provider}/preview_user/?for_user=${user}`,
    );
    expect(preview).toMatchObject({
      entitlements: ['admin', 'not banned', 'writer'],
      roles: ['admin', 'not banned', 'writer'],
    });
  });

  test('one name once for an application; no policy decides; gone with its application', async () => {
    const app = await makeApplication(flows.implicit, ['openid']);
    const made = await core.call<{ pbm_uuid: string }>('POST', '/core/application_entitlements/', {
      name: 'a',
      app: app.pk,
    });
    expect((await ask('POST', '/core/application_entitlements/', { name: 'a', app: app.pk })).status).toBe(400);
    const policy = await core.call<{ pk: string }>('POST', '/policies/dummy/', { name: uniqueName('policy') });
    expect(
      await ask('POST', '/policies/bindings/', { target: made.pbm_uuid, policy: policy.pk, order: 0 }),
    ).toMatchObject({
      status: 400,
      body: { policy: expect.any(Array) },
    });
    expect(await core.call('GET', `/core/application_entitlements/?app=${app.pk}`)).toMatchObject({
      results: [{ pbm_uuid: made.pbm_uuid, name: 'a', app: app.pk, attributes: {} }],
    });
    await core.call('DELETE', `/core/applications/${app.slug}/`);
    expect((await ask('GET', `/core/application_entitlements/${made.pbm_uuid}/`)).status).toBe(404);
  });
});

describe('consents', () => {
  test('users see and take back their own; the next visit asks again', async () => {
    const app = await makeApplication(flows.explicit, ['openid', 'email']);
    const visitor = await visitorAs(core, (await makeUser(core)).username);
    const path = `/application/o/authorize/?${new URLSearchParams({
      client_id: app.clientId,
      response_type: 'code',
      redirect_uri: callback,
      scope: 'openid email',
    })}`;
    const slug = 'default-provider-authorization-explicit-consent';
    const visit = async () => (await visitor.fetch(path)).headers.get('Location') ?? '';
    await visit();
    const asked = await visitor.flow(slug);
    await visitor.flow(slug, { token: asked['token'] });
    expect(await visit()).toContain('?code=');

    const list = async () =>
      ((await (await visitor.fetch('/api/v3/core/user_consent/')).json()) as { results: { pk: number }[] }).results;
    const [given] = await list();
    expect(given).toMatchObject({ permissions: 'email openid', expiring: true, application: { slug: app.slug } });
    const other = await plainUser(uniqueName('other'));
    expect((await ask('GET', `/core/user_consent/${given?.pk}/`, undefined, other.key)).status).toBe(404);
    expect((await ask('DELETE', `/core/user_consent/${given?.pk}/`, undefined, other.key)).status).toBe(404);
    expect((await visitor.fetch(`/api/v3/core/user_consent/${given?.pk}/`, { method: 'DELETE' })).status).toBe(204);
    expect(await list()).toEqual([]);
    expect(await visit()).toContain(`/if/flow/${slug}/`);
  });
});

describe('initial permissions', () => {
  test('the roles of whoever makes an object get their rights to that one', async () => {
    const role = await core.call<{ pk: string }>('POST', '/rbac/roles/', { name: uniqueName('role') });
    const maker = await plainUser(uniqueName('maker'));
    await core.call('POST', `/rbac/roles/${role.pk}/add_user/`, { pk: maker.pk });
    await core.call('POST', `/rbac/permissions/assigned_by_roles/${role.pk}/assign/`, {
      permissions: ['authentik_core.add_group'],
    });
    const permissions = await core.call<{ results: { id: number; codename: string; app_label: string }[] }>(
      'GET',
      '/rbac/permissions/?page_size=100&content_type__app_label=authentik_core&content_type__model=group',
    );
    const idOf = (name: string) => permissions.results.find(({ codename }) => codename === name)?.id;
    const initial = await core.call<{ pk: number }>('POST', '/rbac/initial_permissions/', {
      name: uniqueName('initial'),
      role: role.pk,
      permissions: [idOf('view_group'), idOf('change_group')],
    });
    expect(await core.call('GET', `/rbac/initial_permissions/${initial.pk}/`)).toMatchObject({
      permissions: [idOf('view_group'), idOf('change_group')].sort((one = 0, other = 0) => one - other),
      permissions_obj: expect.arrayContaining([expect.objectContaining({ codename: 'view_group' })]),
    });
    const made = await ask('POST', '/core/groups/', { name: uniqueName('group') }, maker.key);
    const { pk } = made.body as { pk: string };
    const foreign = await core.call<{ pk: string }>('POST', '/core/groups/', { name: uniqueName('group') });
    expect(await ask('GET', '/core/groups/', undefined, maker.key)).toMatchObject({
      body: { results: [{ pk }], pagination: { count: 1 } },
    });
    expect((await ask('PATCH', `/core/groups/${pk}/`, { attributes: { a: 1 } }, maker.key)).status).toBe(200);
    expect((await ask('DELETE', `/core/groups/${pk}/`, undefined, maker.key)).status).toBe(403);
    expect((await ask('GET', `/core/groups/${foreign.pk}/`, undefined, maker.key)).status).toBe(404);
    expect(await ask('PATCH', `/rbac/initial_permissions/${initial.pk}/`, { permissions: [999_999] })).toMatchObject({
      status: 400,
      body: { permissions: expect.any(Array) },
    });
  });

  test('they do so by whichever route: a generated certificate, an application with its provider, a service account', async () => {
    const role = await core.call<{ pk: string }>('POST', '/rbac/roles/', { name: uniqueName('role') });
    const maker = await plainUser(uniqueName('maker'));
    await core.call('POST', `/rbac/roles/${role.pk}/add_user/`, { pk: maker.pk });
    const kinds = [
      'authentik_crypto.certificatekeypair',
      'authentik_core.application',
      'authentik_providers_ldap.ldapprovider',
      'authentik_core.user',
      'authentik_core.token',
    ];
    const rights = (action: string) => kinds.map((kind) => kind.replace('.', `.${action}_`));
    await core.call('POST', `/rbac/permissions/assigned_by_roles/${role.pk}/assign/`, { permissions: rights('add') });
    const initial = { name: uniqueName('initial'), role: role.pk, permissions: rights('view') };
    await core.call('POST', '/rbac/initial_permissions/', initial);
    const makes = async (method: string, path: string, body: object) => {
      const answer = await ask(method, path, body, maker.key);
      expect([200, 201], JSON.stringify(answer.body)).toContain(answer.status);
      return { pk: '', user_pk: 0, ...Object(answer.body) };
    };
    const sees = async (path: string) => (await ask('GET', path, undefined, maker.key)).status;
    const pair = { common_name: uniqueName('pair'), validity_days: 1, alg: 'ecdsa' };
    const { pk } = await makes('POST', '/crypto/certificatekeypairs/generate/', pair);
    expect(await sees(`/crypto/certificatekeypairs/${pk}/`)).toBe(200);
    const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
    const slug = uniqueName('app');
    await makes('PUT', '/core/transactional/applications/', {
      app: { name: slug, slug },
      provider_model: 'authentik_providers_ldap.ldapprovider',
      provider: {
        name: slug,
        authorization_flow: await flow('default-authentication-flow'),
        invalidation_flow: await flow('default-invalidation-flow'),
      },
    });
    const { provider } = await core.call<{ provider: number }>('GET', `/core/applications/${slug}/`);
    expect([await sees(`/core/applications/${slug}/`), await sees(`/providers/ldap/${provider}/`)]).toEqual([200, 200]);
    const { user_pk: robot } = await makes('POST', '/core/users/service_account/', { name: uniqueName('robot') });
    expect(await sees(`/core/users/${robot}/`)).toBe(200);
  });
});
