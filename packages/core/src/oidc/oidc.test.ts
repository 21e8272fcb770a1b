// core.md §17 and §22 against a whole core, with openid-client as the client.
import * as client from 'openid-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createVisitor, startTestCore, type TestCore, testPassword } from '../testing/index.ts';

const login = 'default-authentication-flow';
const callback = 'https://app.test/callback';
let core: TestCore;
let application: { pk: string; pbm_uuid?: string };
let provider: { pk: number; client_id: string; client_secret: string };
let config: client.Configuration;

beforeAll(async () => {
  core = await startTestCore();
  const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
  const { results: mappings } = await core.call<{ results: { pk: string; scope_name: string }[] }>(
    'GET',
    '/propertymappings/provider/scope/',
  );
  provider = await core.call('POST', '/providers/oauth2/', {
    property_mappings: mappings.filter(({ scope_name }) => scope_name !== 'ak_proxy').map(({ pk }) => pk),
    name: 'wiki',
    authorization_flow: await flow('default-provider-authorization-implicit-consent'),
    invalidation_flow: await flow('default-invalidation-flow'),
    redirect_uris: [
      { matching_mode: 'strict', url: callback, redirect_uri_type: 'authorization' },
      { matching_mode: 'strict', url: 'https://app.test/bye', redirect_uri_type: 'logout' },
    ],
  });
  application = await core.call('POST', '/core/applications/', { name: 'Wiki', slug: 'wiki', provider: provider.pk });
  config = await client.discovery(
    new URL(`${core.url}application/o/wiki/`),
    provider.client_id,
    { client_secret: provider.client_secret, id_token_signed_response_alg: 'HS256' },
    undefined,
    { execute: [client.allowInsecureRequests] },
  );
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

async function loggedIn(username = 'ada') {
  const visitor = createVisitor(core.url);
  await visitor.flow(login);
  await visitor.flow(login, { uid_field: username });
  await visitor.flow(login, { password: testPassword });
  return visitor;
}

const verifier = client.randomPKCECodeVerifier();
async function authorizeUrl(extra: Record<string, string> = {}) {
  const code_challenge = await client.calculatePKCECodeChallenge(verifier);
  return client.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope: 'openid profile email offline_access',
    code_challenge,
    code_challenge_method: 'S256',
    state: 's1',
    ...extra,
  }).href;
}

async function returned() {
  const visitor = await loggedIn();
  const answer = await visitor.fetch(await authorizeUrl());
  return { visitor, url: new URL(answer.headers.get('Location') ?? '') };
}
const checks = { pkceCodeVerifier: verifier, expectedState: 's1' };
const refusal = (error: string) => expect.objectContaining({ error, status: 400 });

test('core 90: code, tokens, userinfo, introspection, refresh and the end of the session', async () => {
  const { visitor, url } = await returned();
  expect(url.href.startsWith(`${callback}?code=`)).toBe(true);
  const tokens = await client.authorizationCodeGrant(config, url, checks);
  const sub = tokens.claims()?.sub ?? '';
  expect(tokens.claims()).toMatchObject({ preferred_username: 'ada', sid: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(await client.fetchUserInfo(config, tokens.access_token, sub)).toMatchObject({ nickname: 'ada' });
  expect(await client.tokenIntrospection(config, tokens.access_token)).toMatchObject({ active: true, sub });
  const old = tokens.refresh_token ?? '';
  const next = await client.refreshTokenGrant(config, old);
  expect(next.refresh_token).not.toBe(old);
  const end = await visitor.fetch(
    client.buildEndSessionUrl(config, { post_logout_redirect_uri: 'https://app.test/bye', state: 'x' }).href,
  );
  expect(end.headers.get('Location')).toBe('/if/flow/default-invalidation-flow/');
  expect(await visitor.flow('default-invalidation-flow')).toMatchObject({ to: 'https://app.test/bye?state=x' });
  expect(await client.tokenIntrospection(config, next.access_token)).toEqual({ active: false });
});

test('core 90: a replayed code is refused and takes its tokens along', async () => {
  const { url } = await returned();
  const tokens = await client.authorizationCodeGrant(config, url, checks);
  await expect(client.authorizationCodeGrant(config, url, checks)).rejects.toEqual(refusal('invalid_grant'));
  expect(await client.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false });
});

test('core 90: a wrong verifier is invalid_grant', async () => {
  const { url } = await returned();
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  await expect(client.authorizationCodeGrant(config, url, { ...checks, pkceCodeVerifier })).rejects.toEqual(
    refusal('invalid_grant'),
  );
});

test('core 91: a rotated refresh token is invalid_grant', async () => {
  const { url } = await returned();
  const { refresh_token = '' } = await client.authorizationCodeGrant(config, url, checks);
  const { refresh_token: next = '' } = await client.refreshTokenGrant(config, refresh_token);
  await client.refreshTokenGrant(config, next);
  await expect(client.refreshTokenGrant(config, refresh_token)).rejects.toEqual(refusal('invalid_grant'));
});

test('core 89: a redirect URI with a slash more gets a page, no redirect', async () => {
  const visitor = await loggedIn();
  const answer = await visitor.fetch(await authorizeUrl({ redirect_uri: `${callback}/` }));
  expect([answer.status, answer.headers.get('Location')]).toEqual([400, null]);
});

test('core 93: nobody logged in goes to the login flow, with prompt=none back to the client', async () => {
  const visitor = createVisitor(core.url);
  const answer = await visitor.fetch(await authorizeUrl());
  expect(answer.headers.get('Location')).toMatch(/^\/if\/flow\/default-authentication-flow\/\?next=%2Fapplication/);
  const silent = await visitor.fetch(await authorizeUrl({ prompt: 'none' }));
  expect(new URL(silent.headers.get('Location') ?? '').searchParams.get('error')).toBe('login_required');
});

test('core 90: the code of a user who became inactive is invalid_grant', async () => {
  const { url } = await returned();
  const { results } = await core.call<{ results: { pk: number }[] }>('GET', '/core/users/?username=ada');
  const path = `/core/users/${results[0]?.pk}/`;
  await core.call('PATCH', path, { is_active: false });
  await expect(client.authorizationCodeGrant(config, url, checks)).rejects.toEqual(refusal('invalid_grant'));
  await core.call('PATCH', path, { is_active: true });
});

test('core 98: policies of the application deny with a page of the core', async () => {
  const group = await core.call<{ pk: string }>('POST', '/core/groups/', { name: 'nobody' });
  const binding = await core.call<{ pk: string }>('POST', '/policies/bindings/', {
    target: application.pk,
    group: group.pk,
    order: 0,
  });
  const visitor = await loggedIn();
  const answer = await visitor.fetch(await authorizeUrl());
  expect([answer.status, answer.headers.get('Location')]).toEqual([403, null]);
  await expect(client.clientCredentialsGrant(config)).rejects.toEqual(refusal('invalid_grant'));
  await core.call('DELETE', `/policies/bindings/${binding.pk}/`);
  expect((await client.clientCredentialsGrant(config)).token_type).toBe('bearer');
});
