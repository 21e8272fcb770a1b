// core.md §22, 91, and RFC 9700 §4.14.2: a refresh token is good once, except that a confidential client who spends it twice in one
// moment gets the same successor twice.
import { type Clock, systemClock } from '@gatehouse/daemon/async';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { bind, makeUser, startTestCore, type TestCore, uniqueName, visitorAs } from '../testing/index.ts';
import { hashOf } from './grants.ts';
import { graceMs } from './rotation.ts';

const callback = 'https://app.test/callback';
let core: TestCore;
const startMs = systemClock.now();
let aheadMs = 0;
/** Stands, so that a slow machine is no later than a fast one. */
const clock: Clock = { ...systemClock, now: () => (startMs + aheadMs) as ReturnType<Clock['now']> };

beforeAll(async () => {
  core = await startTestCore({ clock });
}, 60_000);
afterAll(() => core?.[Symbol.asyncDispose]());
beforeEach(() => {
  aheadMs = 0;
});

interface Client {
  readonly client_id: string;
  readonly client_secret: string;
  readonly application: string;
}

interface Answer {
  readonly status: number;
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly scope?: string;
  readonly error?: string;
}

async function makeClient(settings: object = {}): Promise<Client> {
  const name = uniqueName('client');
  const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
  const { results } = await core.call<{ results: { pk: string; scope_name: string }[] }>(
    'GET',
    '/propertymappings/provider/scope/',
  );
  const provider = await core.call<Client & { pk: number }>('POST', '/providers/oauth2/', {
    name,
    authorization_flow: await flow('default-provider-authorization-implicit-consent'),
    invalidation_flow: await flow('default-provider-invalidation-flow'),
    property_mappings: results
      .filter(({ scope_name }) => ['openid', 'email', 'offline_access'].includes(scope_name))
      .map(({ pk }) => pk),
    redirect_uris: [{ matching_mode: 'strict', url: callback }],
    ...settings,
  });
  const app = { name, slug: name, provider: provider.pk };
  return { ...provider, application: (await core.call<{ pk: string }>('POST', '/core/applications/', app)).pk };
}

async function post(endpoint: string, client: Client, form: Record<string, string>, url = core.url): Promise<Answer> {
  const { client_id, client_secret } = client;
  const body = new URLSearchParams({ client_id, client_secret, ...form });
  const answer = await fetch(`${url}application/o/${endpoint}/`, { method: 'POST', body });
  return { status: answer.status, ...((await answer.json()) as object) };
}

const refresh = (client: Client, token: string, { scope, url }: { scope?: string; url?: string } = {}) =>
  post(
    'token',
    client,
    { grant_type: 'refresh_token', refresh_token: token, ...(scope === undefined ? {} : { scope }) },
    url,
  );

/** A client, a user, and the first refresh token he gave it. */
async function granted(settings: object = {}) {
  const client = await makeClient(settings);
  const user = await makeUser(core);
  const visitor = await visitorAs(core, user.username);
  const asked = {
    client_id: client.client_id,
    response_type: 'code',
    redirect_uri: callback,
    scope: 'openid email offline_access',
  };
  const answer = await visitor.fetch(`/application/o/authorize/?${new URLSearchParams(asked)}`);
  const code = new URL(answer.headers.get('Location') ?? '').searchParams.get('code') ?? '';
  const form = { grant_type: 'authorization_code', code, redirect_uri: callback };
  const { refresh_token = '' } = await post('token', client, form);
  expect(refresh_token).not.toBe('');
  return { client, user, first: refresh_token };
}

const stored = (token: string) =>
  core.deps.database.kysely.selectFrom('oauth_grants').selectAll().where('hash', '=', hashOf(token)).executeTakeFirst();

async function suspicions(username: string): Promise<number> {
  const path = `/events/events/?action=suspicious_request&username=${username}`;
  return (await core.call<{ results: unknown[] }>('GET', path)).results.length;
}

/** The token is refused, and so is what came from it. */
async function expectTheft(client: Client, replayed: string, newest: string): Promise<void> {
  expect(await refresh(client, replayed)).toMatchObject({ status: 400, error: 'invalid_grant' });
  expect(await stored(newest)).toBeUndefined();
  expect(await refresh(client, newest)).toMatchObject({ status: 400, error: 'invalid_grant' });
}

test('core 91: spent twice in a moment, the same successor is told, which ends when it would have', async () => {
  const { client, user, first } = await granted();
  const one = await refresh(client, first);
  const before = await stored(one.refresh_token ?? '');
  aheadMs = graceMs;
  const other = await refresh(client, first);
  expect(other).toMatchObject({ status: 200, refresh_token: one.refresh_token });
  expect(other.access_token).not.toBe(one.access_token);
  expect(await stored(one.refresh_token ?? '')).toEqual(before);
  const path = core.deps.database.kysely.selectFrom('oauth_grants').where('family', '=', before?.family ?? '');
  expect(await path.select('hash').where('kind', '=', 'refresh').execute()).toHaveLength(2);
  expect(await suspicions(user.username)).toBe(0);
  expect((await refresh(client, one.refresh_token ?? '')).status).toBe(200);
});

test('core 91: two processes on one database, many at once: one successor for all', async () => {
  await using twin = await core.twin();
  const { client, first } = await granted();
  for (let token = first, round = 0; round < 3; round += 1) {
    const spent = token;
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) => refresh(client, spent, at % 2 === 0 ? {} : { url: twin.url })),
    );
    expect(answers.map(({ status, error }) => [status, error])).toEqual(answers.map(() => [200, undefined]));
    const successors = new Set(answers.map(({ refresh_token }) => refresh_token));
    expect(successors.size).toBe(1);
    token = answers[0]?.refresh_token ?? '';
    expect(token).not.toBe(spent);
  }
});

test('core 91: after that moment it is a replay, and everything that came from it is taken back', async () => {
  const { client, user, first } = await granted();
  const { refresh_token: second = '' } = await refresh(client, first);
  aheadMs = graceMs + 1;
  await expectTheft(client, first, second);
  expect(await suspicions(user.username)).toBe(1);
});

test('core 91: also when it was told again before, and when the clock has gone back', async () => {
  const { client, first } = await granted();
  const { refresh_token: second = '' } = await refresh(client, first);
  expect((await refresh(client, first)).status).toBe(200);
  aheadMs = -3_600_000;
  await expectTheft(client, first, second);
});

test('core 91: once the successor has been used, the one before is dead in the same moment', async () => {
  const { client, first } = await granted();
  const { refresh_token: second = '' } = await refresh(client, first);
  const { refresh_token: third = '' } = await refresh(client, second);
  await expectTheft(client, first, third);
});

test('core 91: a public client, which proves nothing, is told nothing twice', async () => {
  const { client, first } = await granted({ client_type: 'public' });
  const { refresh_token: second = '' } = await refresh(client, first);
  await expectTheft(client, first, second);
});

test('core 91: without the secret, or at another client, nothing is told and nothing is lost', async () => {
  const { client, first } = await granted();
  const { refresh_token: second = '' } = await refresh(client, first);
  expect(await refresh({ ...client, client_secret: 'guessed' }, first)).toMatchObject({ error: 'invalid_client' });
  expect(await refresh(await makeClient(), first)).toMatchObject({ status: 400, error: 'invalid_grant' });
  expect((await refresh(client, second)).status).toBe(200);
});

test('core 91: a successor that was revoked meanwhile does not come back', async () => {
  const { client, first } = await granted();
  const { refresh_token: second = '' } = await refresh(client, first);
  expect((await post('revoke', client, { token: second })).status).toBe(200);
  await expectTheft(client, first, second);
});

test('core 91: nor does it for a user who was disabled meanwhile, or may no longer use the application', async () => {
  const disabled = await granted();
  await refresh(disabled.client, disabled.first);
  await core.call('PATCH', `/core/users/${disabled.user.pk}/`, { is_active: false });
  expect(await refresh(disabled.client, disabled.first)).toMatchObject({ status: 400, error: 'invalid_grant' });
  const shut = await granted();
  await refresh(shut.client, shut.first);
  const group = await core.call<{ pk: string }>('POST', '/core/groups/', { name: uniqueName('group') });
  await bind(core, shut.client.application, { group: group.pk });
  expect(await refresh(shut.client, shut.first)).toMatchObject({ status: 400, error: 'invalid_grant' });
});

test('core 91: the second answer has no more scopes than the first', async () => {
  const { client, first } = await granted();
  const one = await refresh(client, first, { scope: 'openid offline_access' });
  expect(await refresh(client, first)).toMatchObject({ scope: one.scope, refresh_token: one.refresh_token });
  const wider = await refresh(client, first, { scope: 'openid email offline_access' });
  expect(wider).toMatchObject({ status: 400, error: 'invalid_scope' });
});

test('core 91: neither the database nor a token alone tells the successor', async () => {
  const { client, first } = await granted();
  const { refresh_token: second = '' } = await refresh(client, first);
  const rows = JSON.stringify(await core.deps.database.kysely.selectFrom('oauth_grants').selectAll().execute());
  expect(rows).toContain(hashOf(second));
  for (const secret of [first, second]) expect(rows).not.toContain(secret);
  const [before, after] = [await stored(first), await stored(second)];
  expect(before?.successor_salt).toMatch(/^[\w-]{22}$/);
  expect(after).toMatchObject({ successor_salt: null, rotated: null, revoked: false });
});
