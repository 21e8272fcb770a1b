// What the core remembers of its configuration: a change made anywhere holds everywhere, whether or not notifications
// arrive (packages/core/src/database/remembered.ts). Asked by tokens, whose every issue asks the application's bindings.
import { createVisitor, startTestCore, type TestCore } from '@gatehouse/core/testing';
import { describe, expect, test } from 'vitest';

describe('the configuration', () => {
  test('core: a binding made in one process is obeyed by the other, and by itself at once', async () => {
    await using core = await startTestCore();
    await using twin = await core.twin();
    const client = await makeClient(core);
    expect(await tokenStatus(core.url, client)).toBe(200);
    expect(await tokenStatus(twin.url, client)).toBe(200);
    await core.call('PATCH', `/policies/bindings/${client.binding}/`, { enabled: true });
    expect(await tokenStatus(core.url, client)).toBe(400);
    await expect.poll(() => tokenStatus(twin.url, client), { timeout: 5_000 }).toBe(400);
    await core.call('PATCH', `/policies/bindings/${client.binding}/`, { enabled: false });
    expect(await tokenStatus(core.url, client)).toBe(200);
    await expect.poll(() => tokenStatus(twin.url, client), { timeout: 5_000 }).toBe(200);
  });

  test('core: without notifications nothing is remembered, and what was is forgotten', async () => {
    await using core = await startTestCore();
    const { kysely } = core.deps.database;
    const client = await makeClient(core);
    expect(await tokenStatus(core.url, client)).toBe(200);
    await connections(core, false);
    await core.deps.database.rows(
      {
        name: 'end listeners',
        text: "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'gatehouse listen'",
      },
      [],
    );
    const enable = (enabled: boolean) =>
      kysely.updateTable('policy_bindings').set({ enabled }).where('uuid', '=', client.binding).execute();
    await enable(true);
    await expect.poll(() => tokenStatus(core.url, client), { timeout: 5_000 }).toBe(400);
    for (const enabled of [false, true, false]) {
      await enable(enabled);
      expect(await tokenStatus(core.url, client)).toBe(enabled ? 400 : 200);
    }
    await connections(core, true);
    await expect.poll(async () => (await core.deps.database.caughtUp()) === true, { timeout: 10_000 }).toBe(true);
    expect(await tokenStatus(core.url, client)).toBe(200);
    await core.call('PATCH', `/policies/bindings/${client.binding}/`, { enabled: true });
    expect(await tokenStatus(core.url, client)).toBe(400);
  });
});

describe('an outpost', () => {
  test('flow-executor 44: speaks for nobody once its account is deactivated or its token deleted', async () => {
    await using core = await startTestCore();
    await using twin = await core.twin();
    const { pk: flow, slug } = await core.call<{ pk: string; slug: string }>('POST', '/flows/instances/', {
      name: 'outposts',
      slug: 'outposts',
      title: 'outposts',
      designation: 'authentication',
      authentication: 'require_outpost',
    });
    const { results } = await core.call<{ results: { pk: string }[] }>('GET', '/stages/identification/');
    await core.call('POST', '/flows/bindings/', { target: flow, stage: results[0]?.pk, order: 0 });
    const key = await core.outpostToken('ldap');
    const headers = { 'X-authentik-remote-ip': '192.0.2.7', 'X-authentik-outpost-token': key };
    const admitted = async (url: string) =>
      (await createVisitor(url, headers).flow(slug)).component === 'ak-stage-identification';
    const both = async () => [await admitted(core.url), await admitted(twin.url)];
    expect(await both()).toEqual([true, true]);
    const token = await core.deps.database.kysely
      .selectFrom('tokens')
      .select(['user_id', 'identifier'])
      .where('key', '=', key)
      .executeTakeFirstOrThrow();
    const activate = (is_active: boolean) =>
      core.deps.database.kysely.updateTable('users').set({ is_active }).where('id', '=', token.user_id).execute();
    await activate(false);
    await expect.poll(both, { timeout: 5_000 }).toEqual([false, false]);
    await activate(true);
    await expect.poll(both, { timeout: 5_000 }).toEqual([true, true]);
    const expires = (at: Date) =>
      core.deps.database.kysely
        .updateTable('tokens')
        .set({ expiring: true, expires: at })
        .where('key', '=', key)
        .execute();
    await expires(new Date(Date.now() + 1_000));
    await expect.poll(both, { timeout: 5_000 }).toEqual([false, false]);
    await expires(new Date(Date.now() + 3_600_000));
    await expect.poll(both, { timeout: 5_000 }).toEqual([true, true]);
    await core.call('DELETE', `/core/tokens/${token.identifier}/`);
    expect(await admitted(core.url)).toBe(false);
    await expect.poll(both, { timeout: 5_000 }).toEqual([false, false]);
  });
});

/** Whether the database takes new ones; `alter database` does not do that to the one it is asked in. */
async function connections({ deps }: TestCore, allowed: boolean): Promise<void> {
  const text = "update pg_database set datallowconn = $1 where datname = 'postgres'";
  await deps.database.rows({ name: 'allow connections', text }, [allowed]);
}

interface TokenClient {
  readonly client_id: string;
  readonly client_secret: string;
  /** Shuts everybody out, once it is enabled. */
  readonly binding: string;
}

async function makeClient(core: TestCore): Promise<TokenClient> {
  const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
  const provider = await core.call<{ pk: number; client_id: string; client_secret: string }>(
    'POST',
    '/providers/oauth2/',
    {
      name: 'machine',
      authorization_flow: await flow('default-provider-authorization-implicit-consent'),
      invalidation_flow: await flow('default-provider-invalidation-flow'),
    },
  );
  const { pk: target } = await core.call<{ pk: string }>('POST', '/core/applications/', {
    name: 'machine',
    slug: 'machine',
    provider: provider.pk,
  });
  const group = await core.call<{ pk: string }>('POST', '/core/groups/', { name: 'chosen' });
  const binding = { target, group: group.pk, order: 0, enabled: false };
  const { pk } = await core.call<{ pk: string }>('POST', '/policies/bindings/', binding);
  return { ...provider, binding: pk };
}

async function tokenStatus(url: string, { client_id, client_secret }: TokenClient): Promise<number> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret });
  const answer = await fetch(`${url}application/o/token/`, { method: 'POST', body });
  await answer.arrayBuffer();
  return answer.status;
}
