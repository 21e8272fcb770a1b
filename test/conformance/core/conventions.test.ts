// core.md §22, "Authentication and API conventions", and what start and configuration promise.
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { coreConfig } from '@gatehouse/core';
import { createVisitor, startTestCore, type TestCore, testPassword } from '@gatehouse/core/testing';
import { loadConfig } from '@gatehouse/daemon/config';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { jwtVerify, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let core: TestCore;

beforeAll(async () => {
  core = await startTestCore();
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

const ask = async (path: string, init: RequestInit & { token?: string | undefined } = {}) => {
  const { token = core.adminToken, headers, ...rest } = init;
  const response = await fetch(`${core.url}${path}`, {
    ...rest,
    headers: {
      ...(token === '' ? {} : { Authorization: `Bearer ${token}` }),
      ...(rest.body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(headers as Record<string, string> | undefined), // tests give plain objects
    },
  });
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // not JSON: the text itself
  }
  return { status: response.status, body, headers: response.headers };
};
const api = (path: string, init?: Parameters<typeof ask>[1]) => ask(`api/v3${path}`, init);
const post = (path: string, body: unknown, token?: string) =>
  api(path, { method: 'POST', body: JSON.stringify(body), token });

/** A user without any right, with a token. */
async function plainUser(name: string) {
  const user = await core.call<{ pk: number }>('POST', '/core/users/', { username: name, name });
  await core.call('POST', '/core/tokens/', { identifier: `${name}-api`, intent: 'api', user: user.pk });
  const { key } = await core.call<{ key: string }>('GET', `/core/tokens/${name}-api/view_key/`);
  return { ...user, key };
}

async function logIn(username = 'ada', password = testPassword) {
  const visitor = createVisitor(core.url);
  const flow = 'default-authentication-flow';
  await visitor.flow(flow);
  await visitor.flow(flow, { uid_field: username });
  await visitor.flow(flow, { password });
  return visitor;
}

describe('start', () => {
  test('core 1: one start makes administrator, groups, brand and flows', async () => {
    const flows = await core.call<{ results: { slug: string }[] }>('GET', '/flows/instances/?page_size=100');
    expect(flows.results.map(({ slug }) => slug)).toEqual(expect.arrayContaining(shippedFlows));
    const { results: stages } = await core.call<{ results: { name: string }[] }>('GET', '/stages/all/?page_size=100');
    expect(stages.map(({ name }) => name)).toEqual(expect.arrayContaining(shippedStages));
    const { results: mappings } = await core.call<{ results: { managed: string }[] }>(
      'GET',
      '/propertymappings/all/?managed__isnull=false',
    );
    expect(mappings.map(({ managed }) => managed.replace('goauthentik.io/providers/', '')).sort()).toEqual(
      shippedMappings,
    );
    expect(await core.call('GET', '/core/groups/?name=authentik%20Admins')).toMatchObject({
      results: [{ is_superuser: true, users_obj: [{ username: 'akadmin' }] }],
    });
    expect(await core.call('GET', '/core/brands/?default=true')).toMatchObject({ pagination: { count: 1 } });
    expect(core.lines.filter((line) => JSON.stringify(line).includes('blueprint failed'))).toEqual([]);
  });

  test('core 2: AUTHENTIK_BOOTSTRAP_TOKEN is a token of akadmin', async () => {
    expect(await core.call('GET', '/core/users/me/')).toMatchObject({
      user: { username: 'akadmin', is_superuser: true },
    });
  });

  test('core 3: another AUTHENTIK_BOOTSTRAP_PASSWORD changes nothing later', async () => {
    await core.restart({ AUTHENTIK_BOOTSTRAP_PASSWORD: 'chosen too late' });
    const { results } = await core.call<{ results: { pk: string }[] }>(
      'GET',
      '/managed/blueprints/?path=system/bootstrap.yaml',
    );
    await core.call('POST', `/managed/blueprints/${results[0]?.pk}/apply/`);
    await core.worker.drain();
    const me = async (visitor: Awaited<ReturnType<typeof logIn>>) =>
      (await visitor.fetch('/api/v3/core/users/me/')).status;
    expect(await me(await logIn('akadmin'))).toBe(200);
    expect(await me(await logIn('akadmin', 'chosen too late'))).toBe(403);
  });

  test('core 4: a second start doubles nothing and keeps every uid', async () => {
    const counts = async () => ({
      certificates: await core.call('GET', '/crypto/certificatekeypairs/'),
      outposts: (await core.call<{ pagination: object }>('GET', '/outposts/instances/')).pagination,
      brands: (await core.call<{ pagination: object }>('GET', '/core/brands/')).pagination,
      me: await core.call('GET', '/core/users/me/'),
    });
    const before = await counts();
    await core.restart();
    expect(await counts()).toEqual(before);
  });

  test('core 6: values of other variables and of files stand in; a missing one gives the text behind "?"', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'secret');
    await writeFile(file, ' drawn by a machine \n');
    const { config } = loadConfig(coreConfig, {
      env: {
        AUTHENTIK_SECRET_KEY: `file://${file}`,
        AUTHENTIK_EMAIL__FROM: 'env://SENDER?core@corp.test',
        AUTHENTIK_EMAIL__USERNAME: 'env://MAIL_USER?nobody',
        AUTHENTIK_EMAIL__PASSWORD: `file://${file}.missing?none yet`,
        MAIL_USER: 'postman',
      },
      files: [],
    });
    expect(config.secret_key.reveal()).toBe('drawn by a machine');
    expect(config.email).toMatchObject({ from: 'core@corp.test', username: 'postman' });
    expect(config.email.password?.reveal()).toBe('none yet');
  });

  test('core 8: live without a login; ready while the database answers', async () => {
    expect((await ask('-/health/live/', { token: '' })).status).toBe(200);
    expect((await ask('-/health/ready/', { token: '' })).status).toBe(200);
  });

  test('core 9: without the last slash there is nothing', async () => {
    expect((await api('/core/users')).status).toBe(404);
  });

  test('core 10: X-authentik-id on each answer, and on the event that the request wrote', async () => {
    const { headers, body } = await post('/core/groups/', { name: 'audited' });
    const id = headers.get('x-authentik-id');
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    const pk = (body as { pk: string }).pk;
    const { results } = await core.call<{ results: { context: { http_request: { request_id: string } } }[] }>(
      'GET',
      `/events/events/?action=model_created&context_model_pk=${pk}`,
    );
    expect(results.map(({ context }) => context.http_request.request_id)).toEqual([id]);
    expect((await ask('nowhere/', { token: '' })).headers.get('x-authentik-id')).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('who asks', () => {
  test('core 11: nobody gets 403 with a detail', async () => {
    expect(await api('/core/users/', { token: '' })).toMatchObject({
      status: 403,
      body: { detail: 'Authentication credentials were not provided.' },
    });
  });

  test('core 12: a wrong key, and the key of an inactive user', async () => {
    const refused = { status: 403, body: { detail: 'Token invalid/expired' } };
    expect(await api('/core/users/me/', { token: 'wrong' })).toMatchObject(refused);
    const user = await plainUser('sleeper');
    await core.call('PATCH', `/core/users/${user.pk}/`, { is_active: false });
    expect(await api('/core/users/me/', { token: user.key })).toMatchObject(refused);
  });

  test('core 13: an app password opens no API', async () => {
    await core.call('POST', '/core/tokens/', { identifier: 'app', intent: 'app_password' });
    const { key } = await core.call<{ key: string }>('GET', '/core/tokens/app/view_key/');
    expect((await api('/core/users/me/', { token: key })).status).toBe(403);
  });

  test('core 14: the secret key stands for the embedded outpost', async () => {
    const { body } = await api('/core/users/me/', { token: 'secret key of the tests' });
    expect(body).toMatchObject({ user: { type: 'internal_service_account' } });
    expect((await api('/core/brands/', { token: 'secret key of the tests' })).status).toBe(200);
  });

  test('core 16: a session needs the CSRF header for what changes something', async () => {
    const visitor = await logIn('akadmin');
    const body = JSON.stringify({ name: 'by cookie' });
    const init = { method: 'POST', body, headers: { 'Content-Type': 'application/json' } };
    const forged = await visitor.fetch('/api/v3/core/groups/', {
      ...init,
      headers: { ...init.headers, 'X-authentik-CSRF': 'guess' },
    });
    expect(forged.status).toBe(403);
    const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const without = await fetch(`${core.url}api/v3/core/groups/`, {
      ...init,
      headers: { ...init.headers, Cookie: cookie },
    });
    expect(without.status).toBe(403);
    expect((await visitor.fetch('/api/v3/core/groups/', init)).status).toBe(201);
    expect((await post('/core/groups/', { name: 'by bearer' })).status).toBe(201);
  });

  test('core 17: the cookie is under the hex SHA-512 of the secret key; signed otherwise it is no session', async () => {
    const visitor = await logIn();
    const digest = createHash('sha512').update('secret key of the tests').digest('hex');
    const { payload } = await jwtVerify(
      visitor.cookies.get('authentik_session') ?? '',
      new TextEncoder().encode(digest),
    );
    expect(payload['authenticated']).toBe(true);
    const forged = await new SignJWT(payload)
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode('guess'));
    for (const cookie of [forged, 'nonsense', `${forged}.`]) {
      const headers = { Cookie: `authentik_session=${cookie}` };
      expect((await api('/core/users/me/', { token: '', headers })).body).toEqual({
        detail: 'Authentication credentials were not provided.',
      });
    }
  });
});

describe('lists', () => {
  test('core 18: at most 100 rows; past the end is 404', async () => {
    for (let at = 0; at < 101; at += 1) await core.call('POST', '/core/groups/', { name: `page ${at}` });
    const { results } = await core.call<{ results: unknown[] }>('GET', '/core/groups/?page_size=1000');
    expect(results).toHaveLength(100);
    expect(await api('/core/groups/?page=999')).toMatchObject({ status: 404, body: { detail: 'Invalid page.' } });
  });

  test('core 19: the block about the page has seven keys', async () => {
    const { pagination, autocomplete } = await core.call<{ pagination: object; autocomplete: object }>(
      'GET',
      '/core/brands/',
    );
    expect(Object.keys(pagination).sort()).toEqual(
      ['count', 'current', 'end_index', 'next', 'previous', 'start_index', 'total_pages'].sort(),
    );
    expect(pagination).toMatchObject({ next: 0, previous: 0 });
    expect(autocomplete).toEqual({});
  });

  test('core 20: every word of the search must occur somewhere', async () => {
    await core.call('POST', '/core/users/', { username: 'hannah', name: 'H', email: 'h@corp.example' });
    await core.call('POST', '/core/users/', { username: 'joanna', name: 'J', email: 'j@home.example' });
    const { results } = await core.call<{ results: { username: string }[] }>('GET', '/core/users/?search=ann%20corp');
    expect(results.map(({ username }) => username)).toEqual(['hannah']);
  });

  test('core 21: a minus reverses the order; unknown names do nothing', async () => {
    const names = async (ordering: string) =>
      (
        await core.call<{ results: { username: string }[] }>('GET', `/core/users/?page_size=100&ordering=${ordering}`)
      ).results.map(({ username }) => username);
    const up = await names('username');
    expect(await names('-username')).toEqual([...up].reverse());
    expect(await names('favourite_colour')).toEqual(up);
  });

  test('core 26: attributes are found by a JSON object', async () => {
    await core.call('POST', '/core/users/', {
      username: 'deep',
      name: 'Deep',
      attributes: { dept: { nr: 5, name: 'Ops' } },
    });
    for (const wanted of [{ dept: { nr: 5 } }, { dept__nr: 5 }, { dept__name__startswith: 'O' }]) {
      const { results } = await core.call<{ results: { username: string }[] }>(
        'GET',
        `/core/users/?attributes=${encodeURIComponent(JSON.stringify(wanted))}`,
      );
      expect(results.map(({ username }) => username)).toEqual(['deep']);
    }
    for (const wrong of ['[1]', 'x', '1']) expect((await api(`/core/users/?attributes=${wrong}`)).status).toBe(400);
  });
});

describe('bodies', () => {
  test('core 22: a name taken is told on its field', async () => {
    expect(await post('/core/users/', { username: 'ada', name: 'Another' })).toMatchObject({
      status: 400,
      body: { username: ['This field must be unique.'] },
    });
  });

  test('core 23: unknown and read-only fields are ignored', async () => {
    const body = { username: 'odd', name: 'Odd', favourite: 1, uid: 'x', is_superuser: true, password: 'y', pk: 7000 };
    const made = await core.call<{ pk: number; uid: string; is_superuser: boolean }>('POST', '/core/users/', body);
    expect(made).toMatchObject({ is_superuser: false });
    expect(made.pk).not.toBe(7000);
    expect(made.uid).not.toBe('x');
    expect(made).not.toHaveProperty('favourite');
  });

  test('wrong types, lists, bad JSON, other content types and large bodies have exact answers', async () => {
    expect(await post('/core/users/', { username: 5, name: null, is_active: 'perhaps' })).toMatchObject({
      status: 400,
      body: { username: expect.any(Array), name: ['This field may not be null.'], is_active: expect.any(Array) },
    });
    expect(await post('/core/users/', { username: '' })).toMatchObject({
      status: 400,
      body: { username: ['This field may not be blank.'], name: ['This field is required.'] },
    });
    expect(await post('/core/users/', [])).toMatchObject({
      status: 400,
      body: { non_field_errors: expect.any(Array) },
    });
    const raw = (body: string, type: string) =>
      api('/core/users/', { method: 'POST', body, headers: { 'Content-Type': type } });
    expect(await raw('{', 'application/json')).toMatchObject({ status: 400, body: { detail: expect.any(String) } });
    expect(await raw('a=b', 'application/x-www-form-urlencoded')).toMatchObject({ status: 415 });
    expect(await raw(JSON.stringify({ name: 'x'.repeat(2_000_000) }), 'application/json')).toMatchObject({
      status: 413,
    });
    expect(await api('/core/users/', { method: 'PUT' })).toMatchObject({
      status: 405,
      body: { detail: 'Method "PUT" not allowed.' },
    });
  });
});

describe('rights', () => {
  test('core 24: no right at all is 403; for an outpost an empty list', async () => {
    const user = await plainUser('nobody-special');
    expect((await api('/core/groups/', { token: user.key })).status).toBe(403);
    const outpost = await core.outpostToken('radius');
    expect(await api('/core/groups/', { token: outpost })).toMatchObject({ status: 200, body: { results: [] } });
  });

  test('core 25: a right to one object shows exactly that', async () => {
    const user = await plainUser('reader');
    const { results } = await core.call<{ results: { pk: string }[] }>('GET', '/core/groups/?name=staff');
    const [group] = results;
    const role = await core.call<{ pk: string }>('POST', '/rbac/roles/', { name: 'readers of staff' });
    await core.call('POST', `/rbac/permissions/assigned_by_roles/${role.pk}/assign/`, {
      permissions: ['authentik_core.view_group'],
      model: 'authentik_core.group',
      object_pk: group?.pk,
    });
    expect((await post(`/rbac/roles/${role.pk}/add_user/`, { pk: user.pk })).status).toBe(204);
    expect(await api('/core/groups/', { token: user.key })).toMatchObject({
      status: 200,
      body: { pagination: { count: 1 }, results: [{ name: 'staff' }] },
    });
    const { results: others } = await core.call<{ results: { pk: string }[] }>('GET', '/core/groups/?name=sales');
    expect((await api(`/core/groups/${others[0]?.pk}/`, { token: user.key })).status).toBe(404);
    expect((await api(`/core/groups/${group?.pk}/`, { method: 'DELETE', token: user.key })).status).toBe(403);
  });
});

/** core.md §15.5, as far as they are built from stages of the first release. */
const shippedFlows = [
  'default-authentication-flow',
  'default-invalidation-flow',
  'default-provider-invalidation-flow',
  'default-provider-authorization-implicit-consent',
  'default-provider-authorization-explicit-consent',
  'default-password-change',
  'default-user-settings-flow',
  'default-authenticator-totp-setup',
  'default-authenticator-static-setup',
  'initial-setup',
];
const shippedStages = [
  'default-authentication-identification',
  'default-authentication-password',
  'default-authentication-mfa-validation',
  'default-authentication-login',
  'default-invalidation-logout',
  'default-provider-authorization-consent',
  'default-password-change-prompt',
  'default-password-change-write',
  'default-user-settings',
  'default-user-settings-write',
  'default-authenticator-totp-setup',
  'default-authenticator-static-setup',
  'stage-default-oobe-password',
];
/** core.md §16.3. */
const shippedMappings = [
  'oauth2/scope-authentik_api',
  'oauth2/scope-email',
  'oauth2/scope-entitlements',
  'oauth2/scope-offline_access',
  'oauth2/scope-openid',
  'oauth2/scope-profile',
  'proxy/scope-proxy',
];
