// core.md §22, 59–62: what the outposts' own lists tell, and who may search a directory.
import { createClient, startTestCore, type TestCore, uniqueName } from '@gatehouse/core/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let core: TestCore;
let flows: { readonly authorization_flow: string; readonly invalidation_flow: string };
const { ask, logIn } = createClient(() => core);

type Row = Readonly<Record<string, unknown>> & { readonly pk: number | string };
const make = (path: string, body: object) => core.call<Row>('POST', path, body);

beforeAll(async () => {
  core = await startTestCore();
  const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
  flows = {
    authorization_flow: await flow('default-provider-authorization-implicit-consent'),
    invalidation_flow: await flow('default-provider-invalidation-flow'),
  };
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

const proxyProvider = (settings: object = {}) => {
  const name = uniqueName('proxy');
  return make('/providers/proxy/', {
    name,
    mode: 'forward_single',
    external_host: `https://${name}.test`,
    ...flows,
    ...settings,
  });
};

async function makeOutpost(type: string, providers: readonly (number | string)[]): Promise<string> {
  const { pk } = await make('/outposts/instances/', { name: uniqueName('outpost'), type, providers, config: {} });
  return (await core.call<{ key: string }>('GET', `/core/tokens/ak-outpost-${pk}-api/view_key/`)).key;
}

const rowsOf = async (type: string, token: string): Promise<readonly Row[]> => {
  const { body } = await ask('GET', `/outposts/${type}/?page_size=100`, undefined, token);
  return (body as { results: Row[] }).results;
};

describe('the lists of outposts', () => {
  test('core 59: providers without an application, and those of other outposts, are not told', async () => {
    const [mine, lonely, foreign] = [await proxyProvider(), await proxyProvider(), await proxyProvider()];
    for (const provider of [mine, foreign]) {
      const slug = uniqueName('app');
      await make('/core/applications/', { name: slug, slug, provider: provider.pk });
    }
    const token = await makeOutpost('proxy', [mine.pk, lonely.pk]);
    await makeOutpost('proxy', [foreign.pk]);
    expect((await rowsOf('proxy', token)).map(({ pk }) => pk)).toEqual([mine.pk]);
    const all = (await rowsOf('proxy', core.adminToken)).map(({ pk }) => pk);
    expect(all).toEqual(expect.arrayContaining([mine.pk, foreign.pk]));
    expect(all).not.toContain(lonely.pk);
  });

  test('core 60: scopes in order, seconds as a number, and the host by which one asks', async () => {
    const provider = await proxyProvider({ access_token_validity: 'hours=2;minutes=1' });
    const slug = uniqueName('app');
    await make('/core/applications/', { name: slug, slug, provider: provider.pk });
    const response = await fetch(`${core.url}api/v3/outposts/proxy/?page_size=100`, {
      headers: {
        Authorization: `Bearer ${core.adminToken}`,
        'X-Forwarded-Host': 'ignored.test',
        'X-Forwarded-Proto': 'https',
      },
    });
    const { results } = (await response.json()) as { results: Row[] };
    const base = `https://${new URL(core.url).host}/application/o/`;
    expect(results.find(({ pk }) => pk === provider.pk)).toMatchObject({
      scopes_to_request: ['ak_proxy', 'email', 'entitlements', 'openid', 'profile'],
      access_token_validity: 7260,
      oidc_configuration: {
        issuer: `${base}${slug}/`,
        authorization_endpoint: `${base}authorize/`,
        token_endpoint: `${base}token/`,
        jwks_uri: `${base}${slug}/jwks/`,
      },
    });
  });

  test('core §23.2: a list that is known already is 304, until anything of it changes', async () => {
    const token = await core.outpostToken('ldap');
    const look = async (known?: string) =>
      fetch(`${core.url}api/v3/outposts/ldap/`, {
        headers: { Authorization: `Bearer ${token}`, ...(known === undefined ? {} : { 'If-None-Match': known }) },
      });
    const first = await look();
    const tag = first.headers.get('ETag') ?? '';
    const [row] = ((await first.json()) as { results: Row[] }).results;
    expect(tag).toMatch(/^"[\w-]{27}"$/);
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const again = await look(known);
      expect([again.status, await again.text()]).toEqual([304, '']);
    }
    expect((await look('"other"')).status).toBe(200);
    await core.call('PATCH', `/providers/ldap/${row?.pk}/`, { uid_start_number: 7_000 });
    const changed = await look(tag);
    expect(changed.status).toBe(200);
    expect(changed.headers.get('ETag')).not.toBe(tag);
  });

  test('core 61: an LDAP provider of the back channel has the slug of that application', async () => {
    const provider = await make('/providers/ldap/', { name: uniqueName('ldap'), ...flows });
    const token = await makeOutpost('ldap', [provider.pk]);
    expect(await rowsOf('ldap', token)).toEqual([]);
    const slug = uniqueName('app');
    await make('/core/applications/', { name: slug, slug, backchannel_providers: [provider.pk] });
    expect(await rowsOf('ldap', token)).toMatchObject([{ pk: provider.pk, application_slug: slug }]);
    expect(await core.call('GET', `/core/applications/${slug}/`)).toMatchObject({
      provider_obj: null,
      backchannel_providers: [provider.pk],
      backchannel_providers_obj: [{ pk: provider.pk, assigned_backchannel_application_slug: slug }],
    });
  });
});

describe('access to a directory', () => {
  test('core 62: policies decide on access; searching needs the right, everywhere or for this one', async () => {
    const provider = await make('/providers/ldap/', { name: uniqueName('ldap'), ...flows });
    const slug = uniqueName('app');
    const application = await make('/core/applications/', { name: slug, slug, provider: provider.pk });
    const visitor = await logIn('grace');
    const access = async (): Promise<unknown> =>
      (await visitor.fetch(`/api/v3/outposts/ldap/${provider.pk}/check_access/?app_slug=${slug}`)).json();
    expect(await access()).toEqual({
      access: { passing: true, messages: [], log_messages: [] },
      has_search_permission: false,
    });

    const role = await make('/rbac/roles/', { name: uniqueName('role') });
    const { results } = await core.call<{ results: Row[] }>('GET', '/core/users/?username=grace');
    await core.call('POST', `/rbac/roles/${role.pk}/add_user/`, { pk: results[0]?.pk });
    const right = { permissions: ['authentik_providers_ldap.search_full_directory'] };
    const grant = (verb: 'assign' | 'unassign', object: object) =>
      core.call(
        verb === 'assign' ? 'POST' : 'PATCH',
        `/rbac/permissions/assigned_by_roles/${role.pk}/${verb}/`,
        Object.assign({}, right, object),
      );
    const model = 'authentik_providers_ldap.ldapprovider';
    const elsewhere = await make('/providers/ldap/', { name: uniqueName('ldap'), ...flows });
    await grant('assign', { model, object_pk: elsewhere.pk });
    expect(await access()).toMatchObject({ has_search_permission: false });
    await grant('assign', { model, object_pk: provider.pk });
    expect(await access()).toMatchObject({ has_search_permission: true });
    await grant('unassign', { model, object_pk: provider.pk });
    await grant('assign', {});
    expect(await access()).toMatchObject({ has_search_permission: true });

    const other = await core.call<{ results: Row[] }>('GET', '/core/users/?username=ada');
    await make('/policies/bindings/', { target: application.pk, user: other.results[0]?.pk, order: 0 });
    expect(await access()).toMatchObject({ access: { passing: false }, has_search_permission: true });
  });
});
