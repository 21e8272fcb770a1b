// core.md §22, 102, and RFC 8628: a device without a browser is signed in by somebody who has one.
import {
  bind,
  createVisitor,
  makeFlow,
  makeUser,
  startTestCore,
  type TestCore,
  uniqueName,
  type Visitor,
  visitorAs,
} from '@gatehouse/core/testing';
import { type Clock, systemClock } from '@gatehouse/daemon/async';
import { afterAll, beforeAll, expect, test } from 'vitest';

const grantType = 'urn:ietf:params:oauth:grant-type:device_code';
let core: TestCore;
let page: string;
let aheadMs = 0;
const clock: Clock = {
  ...systemClock,
  now: () => (systemClock.now() + aheadMs) as ReturnType<Clock['now']>,
  monotonicMs: () => systemClock.monotonicMs() + aheadMs,
};

beforeAll(async () => {
  core = await startTestCore({ clock });
}, 60_000);
afterAll(() => core?.[Symbol.asyncDispose]());

interface Client {
  readonly pk: number;
  readonly client_id: string;
  readonly client_secret: string;
  readonly application: string;
  readonly slug: string;
}

async function makeClient(settings: object = {}, consent: 'implicit' | 'explicit' = 'implicit'): Promise<Client> {
  const name = uniqueName('device');
  const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
  const { results } = await core.call<{ results: { pk: string; scope_name: string }[] }>(
    'GET',
    '/propertymappings/provider/scope/',
  );
  const provider = await core.call<Client>('POST', '/providers/oauth2/', {
    name,
    authorization_flow: await flow(`default-provider-authorization-${consent}-consent`),
    invalidation_flow: await flow('default-provider-invalidation-flow'),
    property_mappings: results.filter(({ scope_name: scope }) => scope !== 'goauthentik.io/api').map(({ pk }) => pk),
    ...settings,
  });
  const application = await core.call<{ pk: string }>('POST', '/core/applications/', {
    name,
    slug: name,
    provider: provider.pk,
  });
  return { ...provider, application: application.pk, slug: name };
}

let addresses = 0;
const nextAddress = () => {
  addresses += 1;
  return `10.1.0.${addresses}`;
};
/** Each from an address of its own, unless given. */
async function post(path: string, form: Record<string, string>, address = nextAddress()) {
  const response = await fetch(`${core.url}application/o/${path}/`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: { 'X-Forwarded-For': address },
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}
const start = (client: Client, scope = 'openid profile offline_access', address?: string) =>
  post('device', { client_id: client.client_id, scope }, address);
const poll = ({ client_id, client_secret }: Client, code: unknown, secret = client_secret) =>
  post('token', { grant_type: grantType, client_id, client_secret: secret, device_code: String(code) });

/** The brand gets a flow for devices. */
async function offerPage(): Promise<void> {
  const { slug } = await makeFlow(core, [], { slug: uniqueName('devices') });
  page = slug;
  const flow = await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`);
  const { results } = await core.call<{ results: { brand_uuid: string }[] }>('GET', '/core/brands/');
  await core.call('PATCH', `/core/brands/${results[0]?.brand_uuid}/`, { flow_device_code: flow.pk });
}

/** Types a code in, and walks through what follows. */
async function approve(visitor: Visitor, code: unknown) {
  await visitor.fetch('/device');
  await visitor.flow(page);
  const next = await visitor.flow(page, { code });
  if (next.component !== 'xak-flow-redirect') return next;
  const slug = String(next['to']).split('/').at(-2) ?? '';
  return visitor.flow(slug);
}

test('core 102: without a flow of the brand there is no page; with one it needs a login and keeps the code', async () => {
  expect((await createVisitor(core.url).fetch('/device')).status).toBe(404);
  await offerPage();
  const stranger = await createVisitor(core.url).fetch('/device?code=123456789');
  expect(stranger.headers.get('Location')).toBe('/flows/-/default/authentication/?next=%2Fdevice%3Fcode%3D123456789');
  const { username } = await makeUser(core);
  const visitor = await visitorAs(core, username);
  const led = await visitor.fetch('/device?code=123456789&next=https%3A%2F%2Felsewhere.example');
  expect(led.headers.get('Location')).toBe(`/if/flow/${page}/?code=123456789`);
  expect(await visitor.flow(page)).toMatchObject({ component: 'ak-provider-oauth2-device-code' });
});

test('core 102: pending, then tokens, then the code is used up', async () => {
  const client = await makeClient();
  const { status, body } = await start(client);
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      device_code: expect.stringMatching(/^[0-9a-f]{128}$/),
      user_code: expect.stringMatching(/^\d{9}$/),
      verification_uri: `${core.url}device`,
      verification_uri_complete: `${core.url}device?code=${body['user_code']}`,
      expires_in: 60,
      interval: 5,
    },
  });
  expect(await poll(client, body['device_code'])).toMatchObject({
    status: 400,
    body: { error: 'authorization_pending' },
  });
  const { username } = await makeUser(core);
  const visitor = await visitorAs(core, username);
  const code = String(body['user_code']);
  const grouped = `${code.slice(0, 3)} ${code.slice(3, 6)}-${code.slice(6)}`;
  expect(await approve(visitor, grouped)).toMatchObject({ component: 'ak-provider-oauth2-device-code-finish' });
  expect(await poll(client, body['device_code'], 'wrong')).toMatchObject({ body: { error: 'invalid_client' } });
  expect(await poll(await makeClient(), body['device_code'])).toMatchObject({ body: { error: 'invalid_grant' } });
  const tokens = await poll(client, body['device_code']);
  expect(tokens).toMatchObject({
    status: 200,
    body: { token_type: 'Bearer', scope: 'offline_access openid profile', id_token: expect.any(String) },
  });
  expect(await poll(client, body['device_code'])).toMatchObject({ body: { error: 'invalid_grant' } });
  const me = await fetch(`${core.url}application/o/userinfo/`, {
    headers: { Authorization: `Bearer ${tokens.body['access_token']}` },
  });
  expect(await me.json()).toMatchObject({ preferred_username: username });
  const { client_id, client_secret } = client;
  const refresh = { grant_type: 'refresh_token', client_id, client_secret };
  expect((await post('token', { ...refresh, refresh_token: String(tokens.body['refresh_token']) })).status).toBe(200);
  const config = await fetch(`${core.url}application/o/${client.slug}/.well-known/openid-configuration`);
  expect(await config.json()).toMatchObject({
    device_authorization_endpoint: `${core.url}application/o/device/`,
    grant_types_supported: expect.arrayContaining([grantType]),
  });
});

test('core 102: consent is asked for before the device belongs to anybody', async () => {
  const client = await makeClient({}, 'explicit');
  const { body } = await start(client);
  const { username } = await makeUser(core);
  const visitor = await visitorAs(core, username);
  const consent = await approve(visitor, body['user_code']);
  expect(consent).toMatchObject({ component: 'ak-stage-consent', header_text: expect.stringContaining(client.slug) });
  expect(await poll(client, body['device_code'])).toMatchObject({ body: { error: 'authorization_pending' } });
  const flow = 'default-provider-authorization-explicit-consent';
  expect(await visitor.flow(flow, { token: consent['token'] })).toMatchObject({
    component: 'ak-provider-oauth2-device-code-finish',
  });
  expect((await poll(client, body['device_code'])).status).toBe(200);
});

test('core 102: who may not use the application approves nothing, and a code that has run out is told so', async () => {
  const client = await makeClient();
  const { username } = await makeUser(core);
  const { pk } = await makeUser(core);
  await bind(core, client.application, { user: pk });
  const visitor = await visitorAs(core, username);
  const { body } = await start(client);
  expect(await approve(visitor, body['user_code'])).toMatchObject({ component: 'ak-stage-access-denied' });
  expect(await poll(client, body['device_code'])).toMatchObject({ body: { error: 'authorization_pending' } });
  aheadMs += 61_000;
  expect(await poll(client, body['device_code'])).toMatchObject({ body: { error: 'expired_token' } });
  expect(await approve(visitor, body['user_code'])).toMatchObject({ response_errors: { code: [{ code: 'invalid' }] } });
  const refused = await makeClient({ grant_types: ['authorization_code'] });
  expect((await start(refused)).body).toMatchObject({ error: 'unauthorized_client' });
  expect((await post('device', { client_id: 'nobody' })).body).toMatchObject({ error: 'invalid_client' });
});

test('core 102: the 21st start of an address within an hour is refused, and so are guesses at codes', async () => {
  const client = await makeClient();
  for (let at = 0; at < 20; at += 1) expect((await start(client, 'openid', '10.9.9.9')).status).toBe(200);
  const { status, headers, body } = await start(client, 'openid', '10.9.9.9');
  expect({ status, body }).toMatchObject({ status: 429, body: { error: 'slow_down' } });
  expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
  const { username } = await makeUser(core);
  const visitor = await visitorAs(core, username);
  for (let at = 0; at < 20; at += 1)
    expect(await approve(visitor, '000000000')).toMatchObject({
      response_errors: { code: [{ string: 'Invalid code' }] },
    });
  expect(await approve(visitor, '000000000')).toMatchObject({ component: 'ak-stage-access-denied' });
});

test('core 102, RFC 8628 §3.5: who asks too often is told to slow down, and waits five seconds longer each time', async () => {
  const client = await makeClient({ access_code_validity: 'minutes=5' });
  const { body } = await start(client);
  const asked = async () => (await poll(client, body['device_code'])).body['error'];
  expect(await asked()).toBe('authorization_pending');
  aheadMs += 5_000;
  expect(await asked()).toBe('authorization_pending');
  aheadMs += 3_000;
  expect(await asked()).toBe('slow_down');
  aheadMs += 5_000;
  expect(await asked()).toBe('slow_down');
  aheadMs += 15_000;
  expect(await asked()).toBe('authorization_pending');
  const { username } = await makeUser(core);
  expect(await approve(await visitorAs(core, username), body['user_code'])).toMatchObject({
    component: 'ak-provider-oauth2-device-code-finish',
  });
  expect((await poll(client, body['device_code'])).status).toBe(200);
});

test('core 102, RFC 8628 §3.5: a device that somebody does not allow is told so, once, and its code is worth nothing', async () => {
  const client = await makeClient({}, 'explicit');
  const { body } = await start(client);
  const { username } = await makeUser(core);
  const visitor = await visitorAs(core, username);
  expect(await approve(visitor, body['user_code'])).toMatchObject({ component: 'ak-stage-consent' });
  await visitor.fetch('/flows/-/cancel/');
  expect(await approve(visitor, body['user_code'])).toMatchObject({ response_errors: { code: [{ code: 'invalid' }] } });
  expect(await poll(client, body['device_code'])).toMatchObject({ status: 400, body: { error: 'access_denied' } });
  expect(await poll(client, body['device_code'])).toMatchObject({ body: { error: 'invalid_grant' } });
});
