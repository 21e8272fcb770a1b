// Everything below a prefix (`web.path`, router.md §6, R12): where it is served, and every address that is made.
import * as client from 'openid-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createVisitor, startTestCore, type TestCore } from '../testing/index.ts';

const login = 'default-authentication-flow';
let core: TestCore;
beforeAll(async () => {
  core = await startTestCore({ web: { path: '/auth/' } });
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

const host = () => new URL(core.url).origin;
async function signedIn(name: string) {
  const visitor = createVisitor(core.url);
  await visitor.flow(login, { uid_field: name });
  await visitor.flow(login, { password: core.password });
  return visitor;
}

test('router R12: everything is below the prefix, and nothing beside it', async () => {
  const visitor = createVisitor(core.url);
  expect((await visitor.fetch('/auth/-/health/live/')).status).toBe(200);
  expect((await visitor.fetch('/auth/if/flow/default-authentication-flow/')).status).toBe(200);
  for (const path of ['/', '/-/health/live/', '/if/user/', '/authentic/', '/api/v3/root/config/'])
    expect((await visitor.fetch(path)).status, path).toBe(404);
});

test('router R12: cookies are for the prefix only', async () => {
  const visitor = createVisitor(core.url);
  await visitor.flow(login, { uid_field: 'ada' });
  const path = `/auth/api/v3/flows/executor/${login}/?query=`;
  const body = JSON.stringify({ password: core.password });
  const sent = await visitor.fetch(path, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
  expect([sent.status, sent.headers.get('Location')]).toEqual([302, path]);
  const lines = sent.headers.getSetCookie();
  for (let answer = sent; answer.status === 302; lines.push(...answer.headers.getSetCookie()))
    answer = await visitor.fetch(path);
  expect(new Set(lines.map((line) => line.split('=')[0]))).toEqual(
    new Set(['authentik_csrf', 'authentik_device', 'authentik_session']),
  );
  for (const line of lines) expect(line).toContain('; Path=/auth/;');
});

test('router §6: whoever is sent somewhere is sent below the prefix', async () => {
  const [stranger, ada] = [createVisitor(core.url), await signedIn('ada')];
  const whereTo = async (visitor: typeof ada, path: string) => (await visitor.fetch(path)).headers.get('Location');
  const anonymous = '/auth/flows/-/default/authentication/';
  expect(await whereTo(stranger, '/auth/')).toBe(`${anonymous}?next=%2Fauth%2F`);
  expect(await whereTo(stranger, '/auth/if/admin/?x=1')).toBe(`${anonymous}?next=%2Fauth%2Fif%2Fadmin%2F%3Fx%3D1`);
  expect(await whereTo(stranger, anonymous)).toBe(`/auth/if/flow/${login}/`);
  expect(await whereTo(stranger, '/auth/application/launch/none/')).toBeNull();
  expect(await whereTo(ada, '/auth/')).toBe('/auth/if/user/');
  expect(await whereTo(ada, '/auth/flows/-/cancel/')).toBe('/auth/flows/-/default/invalidation/');
});

test('flow-executor §9: challenges name pictures and ways out below the prefix, and a flow ends there', async () => {
  const visitor = createVisitor(core.url);
  const first = await visitor.flow(login);
  expect(first['flow_info']).toMatchObject({
    cancel_url: '/auth/flows/-/cancel/',
    background: expect.stringMatching(/^\/auth\/(?:static|files)\//),
  });
  await visitor.flow(login, { uid_field: 'grace' });
  expect(await visitor.flow(login, { password: core.password })).toMatchObject({ to: '/auth/' });
});

interface Made {
  readonly pk: number;
  readonly client_id: string;
  readonly client_secret: string;
}

test('core §17.2, §17.4: an OpenID Connect client finds everything below the prefix, and logs in', async () => {
  const { results } = await core.call<{ results: { pk: string; slug: string }[] }>('GET', '/flows/instances/');
  const flow = (slug: string) => results.find((one) => one.slug === slug)?.pk;
  const scopes = await core.call<{ results: { pk: string; scope_name: string }[] }>(
    'GET',
    '/propertymappings/provider/scope/',
  );
  const provider = await core.call<Made>('POST', '/providers/oauth2/', {
    name: 'wiki',
    authorization_flow: flow('default-provider-authorization-implicit-consent'),
    invalidation_flow: flow('default-invalidation-flow'),
    redirect_uris: [{ matching_mode: 'strict', url: 'https://app.test/back' }],
    property_mappings: scopes.results.filter(({ scope_name }) => scope_name === 'openid').map(({ pk }) => pk),
  });
  await core.call('POST', '/core/applications/', { name: 'Wiki', slug: 'wiki', provider: provider.pk });
  const config = await client.discovery(
    new URL(`${core.url}application/o/wiki/`),
    provider.client_id,
    { client_secret: provider.client_secret, id_token_signed_response_alg: 'HS256' },
    undefined,
    { execute: [client.allowInsecureRequests] },
  );
  const named = Object.entries(config.serverMetadata()).filter(([name]) => /endpoint$|_uri$|issuer/.test(name));
  for (const [name, value] of named) expect(value, name).toContain(`${host()}/auth/application/o/`);
  const urls = await core.call<{ issuer: string }>('GET', `/providers/oauth2/${provider.pk}/setup_urls/`);
  expect(urls.issuer).toBe(config.serverMetadata().issuer);

  const verifier = client.randomPKCECodeVerifier();
  const asked = client.buildAuthorizationUrl(config, {
    redirect_uri: 'https://app.test/back',
    scope: 'openid',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  const visitor = createVisitor(core.url);
  const away = (await visitor.fetch(asked.href)).headers.get('Location') ?? '';
  expect(away).toMatch(/^\/auth\/if\/flow\/.*next=%2Fauth%2Fapplication%2Fo%2Fauthorize%2F/);
  const query = away.split('?')[1] ?? '';
  await visitor.flow(login, { uid_field: 'ada' }, query);
  const { to } = await visitor.flow(login, { password: core.password }, query);
  const back = (await visitor.fetch(String(to))).headers.get('Location') ?? '';
  const tokens = await client.authorizationCodeGrant(config, new URL(back), { pkceCodeVerifier: verifier });
  expect(tokens.claims()?.iss).toBe(urls.issuer);
});

test('core §11: addresses in answers of the API are below the prefix', async () => {
  const schema = await core.call<{ servers: { url: string }[] }>('GET', '/schema/');
  expect(schema.servers).toEqual([{ url: '/auth/api/v3' }]);
  const shown = JSON.stringify([
    await core.call('GET', '/flows/instances/'),
    await core.call('GET', '/crypto/certificatekeypairs/'),
    await core.call('GET', '/core/brands/current/'),
    await core.call('GET', '/admin/file/'),
    await core.call('GET', '/outposts/instances/'),
  ]);
  const addresses = [...shown.matchAll(/"\w*url\w*":"([^"]*)"/g)].map(([, address = '']) => address);
  expect(addresses.length).toBeGreaterThan(5);
  for (const address of addresses) expect(address.replace(host(), '')).toMatch(/^(?:\/auth\/|https?:|data:|$)/);
});

test('core-contract §5.1: websockets are below the prefix', async () => {
  const opened = (path: string) =>
    new Promise<number>((resolve) => {
      const socket = new WebSocket(`${host().replace('http', 'ws')}${path}`);
      socket.on('unexpected-response', (_request, { statusCode = 0 }) => resolve(statusCode));
      socket.on('error', () => {});
    });
  expect(await opened('/auth/ws/client/')).toBe(403);
  expect(await opened('/ws/client/')).toBe(404);
});
