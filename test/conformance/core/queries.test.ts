// How often the core asks its database for what is asked of it most, so that it cannot creep up. Each is done often enough
// to be warm; of several times the least counts, since tasks run beside.
import { createVisitor, startTestCore, type TestCore } from '@gatehouse/core/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

let core: TestCore;
beforeAll(async () => {
  core = await startTestCore();
});
afterAll(async () => core[Symbol.asyncDispose]());

test('core: a token for a program: its account, the token, the event', async () => {
  const client = await makeClient([]);
  expect(await statementsOf(() => token(client))).toEqual([
    'select * from users where username = any($1)',
    'insert into events',
    'insert into oauth_grants',
  ]);
});

test('core: claims about groups are one more', async () => {
  const { results } = await core.call<{ results: { pk: string; scope_name: string }[] }>(
    'GET',
    '/propertymappings/provider/scope/?page_size=100',
  );
  const standard = results.filter(({ scope_name }) => ['openid', 'email', 'profile'].includes(scope_name));
  const client = await makeClient(standard.map(({ pk }) => pk));
  expect(await statementsOf(() => token(client))).toHaveLength(4);
});

test('core: a page of users, whatever its length', async () => {
  const page = (size: number) => statementsOf(() => core.call('GET', `/core/users/?page_size=${size}`));
  expect(await page(1)).toHaveLength(6);
  expect(await page(100)).toHaveLength(6);
});

test('flow-executor: a login by password through the default flow, step by step', async () => {
  const steps: number[] = [];
  const leastOf = async (n: number, work: () => Promise<unknown>) => {
    const found = await counted(work);
    steps[n] = Math.min(steps[n] ?? Number.POSITIVE_INFINITY, found.length);
  };
  for (let times = 0; times < 4; times += 1) {
    const visitor = createVisitor(core.url);
    const step = (answer?: object) => visitor.flow('default-authentication-flow', answer);
    await leastOf(0, () => step());
    await leastOf(1, () => step({ uid_field: 'akadmin' }));
    await leastOf(2, async () => {
      expect(await step({ password: core.password })).toMatchObject({ component: 'xak-flow-redirect' });
    });
  }
  expect(steps).toEqual([1, 4, 10]);
});

test('flow-executor: a login through an outpost by app password, all of it', async () => {
  const { results } = await core.call<{ results: { pk: string; name: string }[] }>('GET', '/stages/all/?page_size=100');
  const stageNamed = (name: string) => results.find((stage) => stage.name === name)?.pk;
  const given = { name: 'counted', slug: 'counted', title: 'counted', designation: 'authentication' };
  const { pk: target } = await core.call<{ pk: string }>('POST', '/flows/instances/', given);
  const backends = ['authentik.core.auth.TokenBackend'];
  const password = await core.call<{ pk: string }>('POST', '/stages/password/', { name: 'counted', backends });
  const stages = [stageNamed('default-authentication-identification'), password.pk];
  for (const [order, stage] of [...stages, stageNamed('default-authentication-login')].entries())
    await core.call('POST', '/flows/bindings/', { target, stage, order });
  const { pk: user } = await core.call<{ pk: number }>('POST', '/core/users/', { username: 'counted', name: '' });
  await core.call('POST', '/core/tokens/', { identifier: 'counted', intent: 'app_password', user });
  const { key } = await core.call<{ key: string }>('GET', '/core/tokens/counted/view_key/');
  const headers = {
    'X-authentik-remote-ip': '192.0.2.7',
    'X-authentik-outpost-token': await core.outpostToken('ldap'),
  };
  const statements = await statementsOf(async () => {
    const visitor = createVisitor(core.url, headers);
    await visitor.flow('counted');
    await visitor.flow('counted', { uid_field: 'counted' });
    const answer = await visitor.flow('counted', { password: key });
    expect(answer).toMatchObject({ component: 'xak-flow-redirect' });
  });
  expect(statements).toHaveLength(13);
});

test('core: whether somebody may use an LDAP provider costs no more than knowing who asks', async () => {
  const { results } = await core.call<{ results: { pk: number; application_slug: string }[] }>(
    'GET',
    '/outposts/ldap/',
  );
  const [{ pk, application_slug } = { pk: 0, application_slug: '' }] = results;
  const asked = `/outposts/ldap/${pk}/check_access/?app_slug=${application_slug}`;
  expect(await statementsOf(() => core.call('GET', asked))).toHaveLength(1);
});

async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  const runs: string[][] = [];
  for (let times = 0; times < 5; times += 1) runs.push(await counted(work));
  return runs.toSorted((one, other) => one.length - other.length)[0] ?? [];
}

async function counted(work: () => Promise<unknown>): Promise<string[]> {
  core.statements.length = 0;
  await work();
  return core.statements.map((text) => /^insert into \w+|^.{0,60}/.exec(text.trim())?.[0] ?? '');
}

interface TokenClient {
  readonly client_id: string;
  readonly client_secret: string;
}

let made = 0;
async function makeClient(property_mappings: readonly string[]): Promise<TokenClient> {
  made += 1;
  const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
  const { results } = await core.call<{ results: { pk: string }[] }>('GET', '/crypto/certificatekeypairs/');
  const provider = await core.call<TokenClient & { pk: number }>('POST', '/providers/oauth2/', {
    name: `machine ${made}`,
    authorization_flow: await flow('default-provider-authorization-implicit-consent'),
    invalidation_flow: await flow('default-provider-invalidation-flow'),
    signing_key: results[0]?.pk,
    property_mappings,
  });
  const application = { name: `machine ${made}`, slug: `machine-${made}`, provider: provider.pk };
  await core.call('POST', '/core/applications/', application);
  return provider;
}

async function token({ client_id, client_secret }: TokenClient): Promise<void> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret });
  const answer = await fetch(`${core.url}application/o/token/`, { method: 'POST', body });
  expect(answer.status).toBe(200);
  await answer.arrayBuffer();
}
