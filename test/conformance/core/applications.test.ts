// core.md §22, "Applications, providers, outposts", as far as the REST API shows it.
import { createClient, startTestCore, type TestCore } from '@gatehouse/core/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let core: TestCore;
let flows: { readonly authorization_flow: string; readonly invalidation_flow: string };
const { ask, plainUser, logIn } = createClient(() => core);

beforeAll(async () => {
  core = await startTestCore();
  const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
  flows = {
    authorization_flow: await flow('default-provider-authorization-implicit-consent'),
    invalidation_flow: await flow('default-provider-invalidation-flow'),
  };
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

type Row = Readonly<Record<string, unknown>> & { readonly pk: number | string };
const make = (path: string, body: object) => core.call<Row>('POST', path, body);
const proxy = (name: string, more: object = {}) =>
  make('/providers/proxy/', { name, mode: 'forward_single', external_host: `https://${name}.test`, ...flows, ...more });

describe('applications', () => {
  test('core 53: slugs of endpoints are reserved', async () => {
    for (const slug of ['authorize', 'token', 'device', 'userinfo', 'introspect', 'revoke'])
      expect(await ask('POST', '/core/applications/', { name: 'A', slug })).toMatchObject({
        status: 400,
        body: { slug: expect.any(Array) },
      });
  });

  test('core 54: everybody sees what he may use; the full list is for superusers', async () => {
    const user = await plainUser('looker');
    const open = await make('/core/applications/', { name: 'Open', slug: 'open' });
    const closed = await make('/core/applications/', { name: 'Closed', slug: 'closed' });
    const { results } = await core.call<{ results: Row[] }>('GET', '/core/users/?username=ada');
    await make('/policies/bindings/', { target: closed.pk, user: results[0]?.pk, order: 0 });
    const seen = async (query = '', token = user.key) => {
      const { body } = await ask('GET', `/core/applications/?page_size=100${query}`, undefined, token);
      return (body as { results: { slug: string }[] }).results.map(({ slug }) => slug);
    };
    expect(await seen()).toContain('open');
    expect(await seen()).not.toContain('closed');
    expect(await seen('&superuser_full_list=true')).not.toContain('closed');
    expect(await seen('&superuser_full_list=true', core.adminToken)).toContain('closed');
    expect((await ask('GET', '/core/applications/?for_user=1', undefined, user.key)).status).toBe(403);
    expect(await seen(`&for_user=${results[0]?.pk}`, core.adminToken)).toContain('closed');
    expect(open).toMatchObject({ policy_engine_mode: 'any' });
  });

  test('core 74: check_access tells the messages of policies to superusers only', async () => {
    const app = await make('/core/applications/', { name: 'Told', slug: 'told' });
    const policy = await make('/policies/expression/', {
      name: 'told',
      expression: 'ak_message("not today")\nreturn False',
    });
    await make('/policies/bindings/', { target: app.pk, policy: policy.pk, order: 0 });
    expect(await core.call('GET', '/core/applications/told/check_access/')).toMatchObject({
      passing: false,
      messages: ['not today'],
    });
    const user = await plainUser('untold');
    const { body } = await ask('GET', '/core/applications/told/check_access/', undefined, user.key);
    expect(body).toMatchObject({ passing: false, messages: [] });
    expect((await ask('GET', `/core/applications/told/check_access/?for_user=1`, undefined, user.key)).status).toBe(
      403,
    );
  });

  test('core 69: several objects at once are made all or none', async () => {
    const body = {
      app: { name: 'Wiki', slug: 'wiki-at-once' },
      provider_model: 'authentik_providers_proxy.proxyprovider',
      provider: { name: 'wiki-at-once', mode: 'forward_single', external_host: 'https://wiki.test', ...flows },
      policy_bindings: [{ user: 1, order: 0 }],
    };
    const wrong = { ...body, provider: { ...body.provider, external_host: 'nonsense' } };
    expect(await ask('PUT', '/core/transactional/applications/', wrong)).toMatchObject({
      status: 400,
      body: { provider: { external_host: expect.any(Array) } },
    });
    const half = { ...body, policy_bindings: [{ order: 0 }] };
    expect(await ask('PUT', '/core/transactional/applications/', half)).toMatchObject({
      status: 400,
      body: { policy_bindings: expect.anything() },
    });
    expect((await ask('GET', '/core/applications/wiki-at-once/')).status).toBe(404);
    expect(await core.call('GET', '/providers/proxy/?name=wiki-at-once')).toMatchObject({ pagination: { count: 0 } });
    const admin = await core.call<{ results: Row[] }>('GET', '/core/users/?username=akadmin');
    body.policy_bindings = [{ user: Number(admin.results[0]?.pk), order: 0 }];
    expect(await ask('PUT', '/core/transactional/applications/', body)).toMatchObject({
      status: 200,
      body: { applied: true, logs: [] },
    });
    expect(await core.call('GET', '/core/applications/wiki-at-once/')).toMatchObject({
      provider_obj: { name: 'wiki-at-once' },
    });
  });
});

describe('providers', () => {
  test('core 56: a proxy provider is what its outpost needs, whatever is asked', async () => {
    const made = await proxy('forced');
    const { settings } = await core.deps.database.kysely
      .selectFrom('providers')
      .select('settings')
      .where('id', '=', Number(made.pk))
      .executeTakeFirstOrThrow();
    expect(settings).toMatchObject({
      client_type: 'confidential',
      signing_key: null,
      include_claims_in_id_token: true,
    });
    expect(made).toMatchObject({
      redirect_uris: [
        {
          matching_mode: 'strict',
          url: 'https://forced.test/outpost.goauthentik.io/callback?X-authentik-auth-callback=true',
        },
        { matching_mode: 'strict', url: 'https://forced.test?X-authentik-auth-callback=true' },
      ],
    });
    expect(made['property_mappings']).toHaveLength(5);
    const sixth = await make('/propertymappings/provider/scope/', {
      name: 'sixth',
      scope_name: 'sixth',
      expression: 'return {}',
    });
    const changed = await core.call<Row>('PATCH', `/providers/proxy/${made.pk}/`, {
      property_mappings: [sixth.pk],
      client_id: 'chosen',
    });
    expect(changed['property_mappings']).toHaveLength(6);
    expect(changed['client_id']).toBe(made['client_id']);
  });

  test('core 57: what a mode needs must be there', async () => {
    const body = { name: 'lacking', mode: 'proxy', external_host: 'https://x.test', ...flows };
    expect(await ask('POST', '/providers/proxy/', body)).toMatchObject({
      status: 400,
      body: { internal_host: expect.any(Array) },
    });
    const basic = { ...body, mode: 'forward_single', basic_auth_enabled: true };
    expect(await ask('POST', '/providers/proxy/', basic)).toMatchObject({
      status: 400,
      body: { basic_auth_user_attribute: expect.any(Array), basic_auth_password_attribute: expect.any(Array) },
    });
  });

  test('core 58: no provider without its flows', async () => {
    expect(await ask('POST', '/providers/ldap/', { name: 'flowless' })).toMatchObject({
      status: 400,
      body: { authorization_flow: ['This field is required.'], invalidation_flow: ['This field is required.'] },
    });
  });

  test('grant types that a provider leaves out are refused (RFC 6749 §5.2)', async () => {
    const provider = await make('/providers/oauth2/', {
      name: 'by-code',
      grant_types: ['authorization_code'],
      redirect_uris: [],
      ...flows,
    });
    await make('/core/applications/', { name: 'By code', slug: 'by-code', provider: provider.pk });
    const askFor = async (grant_type: string) => {
      const { client_id, client_secret } = provider;
      const body = new URLSearchParams({
        grant_type,
        client_id: String(client_id),
        client_secret: String(client_secret),
      });
      const response = await fetch(`${core.url}application/o/token/`, { method: 'POST', body });
      return { status: response.status, body: await response.json() };
    };
    expect(await askFor('client_credentials')).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
    await core.call('PATCH', `/providers/oauth2/${provider.pk}/`, { grant_types: [] });
    expect(await askFor('client_credentials')).toMatchObject({ status: 200 });
    expect(await ask('PATCH', `/providers/oauth2/${provider.pk}/`, { grant_types: ['telepathy'] })).toMatchObject({
      status: 400,
      body: { grant_types: ['"telepathy" is not a valid choice.'] },
    });
  });

  test('kinds are listed together, by type, and deleted as what they are', async () => {
    const made = await proxy('together');
    expect(await core.call('GET', '/providers/all/?name=together')).toMatchObject({
      results: [{ component: 'ak-provider-proxy-form', meta_model_name: 'authentik_providers_proxy.proxyprovider' }],
    });
    expect(await core.call('GET', '/providers/all/types/')).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ model_name: 'radiusprovider' })]),
    );
    await core.call('DELETE', `/providers/all/${made.pk}/`);
    expect((await ask('GET', `/providers/proxy/${made.pk}/`)).status).toBe(404);
  });
});

describe('outposts', () => {
  test('core 64: providers of the right type, and at least one', async () => {
    const ldap = await core.call<{ results: Row[] }>('GET', '/providers/ldap/');
    const wrong = { name: 'mixed', type: 'proxy', providers: [ldap.results[0]?.pk], config: {} };
    expect(await ask('POST', '/outposts/instances/', wrong)).toMatchObject({
      status: 400,
      body: { providers: expect.any(Array) },
    });
    expect(await ask('POST', '/outposts/instances/', { ...wrong, providers: [] })).toMatchObject({
      status: 400,
      body: { providers: expect.any(Array) },
    });
    const { results } = await core.call<{ results: Row[] }>(
      'GET',
      '/outposts/instances/?managed__iexact=goauthentik.io/outposts/embedded',
    );
    expect((await ask('PATCH', `/outposts/instances/${results[0]?.pk}/`, { providers: [] })).status).toBe(200);
  });

  test('core 65: an outpost has an account with exactly the rights it needs, and takes it along', async () => {
    const provider = await proxy('granted');
    const other = await proxy('granted-too');
    const outpost = await make('/outposts/instances/', {
      name: 'granted',
      type: 'proxy',
      providers: [provider.pk, other.pk],
      config: {},
    });
    const username = `ak-outpost-${String(outpost.pk).replaceAll('-', '')}`;
    const account = await core.call<{ results: Row[] }>('GET', `/core/users/?username=${username}`);
    expect(account.results).toMatchObject([{ type: 'internal_service_account', path: 'goauthentik.io/outposts' }]);
    const rights = async () => {
      const rows = await core.deps.database.kysely
        .selectFrom('grants')
        .selectAll()
        .where('user_id', '=', Number(account.results[0]?.pk))
        .execute();
      return rows.map(({ permission, object }) => `${permission} ${object}`).sort();
    };
    const both = [
      'authentik_events.add_event ',
      `authentik_outposts.view_outpost ${outpost.pk}`,
      `authentik_providers_proxy.view_proxyprovider ${other.pk}`,
      `authentik_providers_proxy.view_proxyprovider ${provider.pk}`,
    ].sort();
    expect(await rights()).toEqual(both);
    await core.call('PATCH', `/outposts/instances/${outpost.pk}/`, { providers: [provider.pk] });
    expect(await rights()).toEqual(both.filter((right) => !right.endsWith(` ${other.pk}`)));
    expect(await core.call('GET', `/core/tokens/ak-outpost-${outpost.pk}-api/`)).toMatchObject({
      expiring: false,
      intent: 'api',
    });
    await core.call('DELETE', `/outposts/instances/${outpost.pk}/`);
    expect(await core.call('GET', `/core/users/?username=${username}`)).toMatchObject({ pagination: { count: 0 } });
  });

  test('core 66: a bad refresh interval is refused, unknown settings are kept', async () => {
    const { results } = await core.call<{ results: (Row & { config: object })[] }>(
      'GET',
      '/outposts/instances/?name__iexact=demo-ldap',
    );
    const [outpost] =
      results.length > 0
        ? results
        : (await core.call<{ results: (Row & { config: object })[] }>('GET', '/outposts/instances/?ordering=-name'))
            .results;
    const path = `/outposts/instances/${outpost?.pk}/`;
    expect(await ask('PATCH', path, { config: { ...outpost?.config, refresh_interval: 'often' } })).toMatchObject({
      status: 400,
      body: { config: expect.any(Array) },
    });
    const kept = await ask('PATCH', path, { config: { ...outpost?.config, of_tomorrow: 1 } });
    expect(kept).toMatchObject({ status: 200, body: { config: { of_tomorrow: 1 } } });
  });

  test('core 5: without the embedded outpost the system says so', async () => {
    expect(await core.call('GET', '/admin/system/')).toMatchObject({ embedded_outpost_disabled: false });
    await using other = await startTestCore({ embeddedOutpost: false });
    expect(await other.call('GET', '/admin/system/')).toMatchObject({
      embedded_outpost_disabled: true,
      runtime: { python_version: expect.stringContaining('node') },
    });
    const answer = await fetch(`${other.url}api/v3/core/users/me/`, {
      headers: { Authorization: 'Bearer secret key of the tests' },
    });
    expect(answer.status).toBe(403); // core 14
  });
});

describe('roles', () => {
  test('the shipped read-only group sees everything and changes nothing', async () => {
    const reader = await plainUser('auditor');
    const { results } = await core.call<{ results: Row[] }>('GET', '/core/groups/?name=authentik%20Read-only');
    await core.call('POST', `/core/groups/${results[0]?.pk}/add_user/`, { pk: reader.pk });
    for (const path of [
      '/core/users/',
      '/events/events/',
      '/outposts/instances/',
      '/flows/instances/',
      '/policies/bindings/',
      '/events/rules/',
    ])
      expect([path, (await ask('GET', path, undefined, reader.key)).status]).toEqual([path, 200]);
    expect((await ask('POST', '/core/groups/', { name: 'no' }, reader.key)).status).toBe(403);
    expect((await ask('GET', '/core/tokens/authentik-bootstrap-token/view_key/', undefined, reader.key)).status).toBe(
      403,
    );
    expect((await ask('GET', '/admin/settings/', undefined, reader.key)).status).toBe(403);
  });

  test('core 132: the shipped rules tell the administrators', async () => {
    const { results } = await core.call<{ results: Row[] }>('GET', '/events/rules/?ordering=name');
    expect(results).toHaveLength(4);
    for (const rule of results) expect(rule).toMatchObject({ destination_group_obj: { name: 'authentik Admins' } });
  });

  test('a session of an administrator is one in pages, too', async () => {
    const visitor = await logIn('akadmin');
    expect(await (await visitor.fetch('/api/v3/core/users/me/')).json()).toMatchObject({
      user: { is_superuser: true },
    });
  });
});
