// core.md §22, "Events, tasks, notifications", and the settings that rule them.
import { createClient, startTestCore, type TestCore } from '@gatehouse/core/testing';
import { type Clock, systemClock } from '@gatehouse/daemon/async';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let core: TestCore;
let aheadMs = 0;
const clock: Clock = { ...systemClock, now: () => (systemClock.now() + aheadMs) as ReturnType<Clock['now']> };
const { ask, plainUser } = createClient(() => core);

beforeAll(async () => {
  core = await startTestCore({ clock });
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

interface EventRow {
  readonly pk: string;
  readonly action: string;
  readonly expires: string;
  readonly created: string;
  readonly client_ip: string;
  readonly user: { readonly username: string };
  readonly brand: { readonly name: string };
  readonly context: Record<string, unknown>;
}
const events = async (query: string) =>
  (await core.call<{ results: EventRow[] }>('GET', `/events/events/?page_size=100&${query}`)).results;
const schedule = async (actor: string) => {
  const { results } = await core.call<{
    results: { id: string; next_run: string; crontab: string; paused: boolean }[];
  }>('GET', `/tasks/schedules/?actor_name=${actor}`);
  if (results[0] === undefined) throw new Error(`no schedule ${actor}`);
  return results[0];
};
const clean = 'authentik.core.tasks.clean_expired_models';
const runNow = async (actor: string) => {
  await core.call('POST', `/tasks/schedules/${(await schedule(actor)).id}/send/`);
  await core.worker.drain();
};

describe('events', () => {
  test('core 122: what sounds secret is masked before it is stored', async () => {
    const context = { password: 'x', nested: { api_key: 'y', n: 1 }, auth_method: 'password' };
    const { pk } = await core.call<EventRow>('POST', '/events/events/', {
      action: 'custom_masked',
      app: 'test',
      context,
    });
    const mask = '*'.repeat(20);
    expect((await core.call<EventRow>('GET', `/events/events/${pk}/`)).context).toMatchObject({
      password: mask,
      nested: { api_key: mask, n: 1 },
      auth_method: 'password',
    });
  });

  test('core 123: making, changing and deleting a group are three events, with user, address, brand and values', async () => {
    const { pk } = await core.call<{ pk: string }>('POST', '/core/groups/', { name: 'watched' });
    await core.call('PATCH', `/core/groups/${pk}/`, { attributes: { a: 1 } });
    await core.call('PATCH', `/core/groups/${pk}/`, { attributes: { a: 1 } });
    await core.call('DELETE', `/core/groups/${pk}/`);
    const rows = await events(`context_model_pk=${pk}&ordering=created`);
    expect(rows.map(({ action }) => action)).toEqual(['model_created', 'model_updated', 'model_deleted']);
    expect(rows[1]).toMatchObject({
      client_ip: '127.0.0.1',
      user: { username: 'akadmin' },
      brand: { name: 'authentik-default' },
      context: {
        model: { app: 'authentik_core', model_name: 'group', name: 'watched' },
        diff: { attributes: { previous_value: {}, new_value: { a: 1 } } },
        http_request: { method: 'PATCH', path: `/api/v3/core/groups/${pk}/` },
      },
    });
  });

  test('secrets in what changed are masked', async () => {
    const { pk } = await core.call<{ pk: number }>('POST', '/core/users/', { username: 'masked', name: 'M' });
    await core.call('POST', `/core/users/${pk}/set_password/`, { password: 'never-told-anywhere' });
    const [row] = await events(`context_model_pk=${pk}&actions=model_updated`);
    expect(row?.context['diff']).toMatchObject({ password: { new_value: '*'.repeat(20) } });
    expect(JSON.stringify(await events(''))).not.toContain('never-told-anywhere');
    expect(JSON.stringify(await events(''))).not.toContain('argon2');
  });

  test('core 124: an event lives as long as the settings said; those of a deleted user go', async () => {
    await core.call('PATCH', '/admin/settings/', { event_retention: 'days=2' });
    const { pk, created, expires } = await core.call<EventRow>('POST', '/events/events/', {
      action: 'custom_short',
      app: 't',
    });
    expect(Date.parse(expires) - Date.parse(created)).toBeGreaterThan(1.9 * 86_400_000);
    expect(Date.parse(expires) - Date.parse(created)).toBeLessThan(2.1 * 86_400_000);
    await core.call('PATCH', '/admin/settings/', { event_retention: 'days=365' });
    const { expires: still } = await core.call<EventRow>('GET', `/events/events/${pk}/`);
    expect(still).toBe(expires);
    const user = await plainUser('forgotten');
    await ask('GET', `/core/tokens/forgotten-api/view_key/`, undefined, user.key);
    expect(await events('username=forgotten')).not.toEqual([]);
    await core.call('DELETE', `/core/users/${user.pk}/`);
    await core.worker.drain();
    expect(await events('username=forgotten')).toEqual([]);
    aheadMs = 3 * 86_400_000;
    try {
      await core.deps.database.kysely.updateTable('tokens').set({ expiring: false }).execute();
      await runNow(clean);
      expect((await ask('GET', `/events/events/${pk}/`)).status).toBe(404);
    } finally {
      aheadMs = 0;
    }
  });

  test('core 125: an outpost may report, and may not read', async () => {
    const token = await core.outpostToken('radius');
    const body = { action: 'custom_radius', app: 'authentik.providers.radius', context: { nas: 1 } };
    expect((await ask('POST', '/events/events/', body, token)).status).toBe(201);
    expect(await ask('GET', '/events/events/', undefined, token)).toMatchObject({ status: 200, body: { results: [] } });
    expect(await ask('POST', '/events/events/', { ...body, action: 'made_up' }, token)).toMatchObject({
      status: 400,
      body: { action: ['"made_up" is not a valid choice.'] },
    });
  });

  test('volumes, tops and counts', async () => {
    for (const pk of ['a', 'b', 'a'])
      await core.call('POST', '/events/events/', {
        action: 'authorize_application',
        app: 'test',
        context: { authorized_application: { pk, name: pk } },
      });
    const top = await core.call('GET', '/events/events/top_per_user/?action=authorize_application');
    expect(top).toMatchObject([{ application: { name: 'a' }, counted_events: 2 }, { counted_events: 1 }]);
    const volume = await core.call<{ action: string; count: number }[]>(
      'GET',
      '/events/events/volume/?actions=authorize_application',
    );
    expect(volume.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    expect(
      await core.call('GET', '/events/events/stats/?count_steps=hours=1&actions=authorize_application'),
    ).toMatchObject({
      count_step: { 'hours=1': 3 },
      unique_users: 1,
    });
  });
});

describe('tasks', () => {
  test('core 126: send runs a paused schedule and leaves next_run; an edited crontab survives a start', async () => {
    const actor = 'authentik.admin.tasks.update_latest_version';
    const before = await schedule(actor);
    expect(before.paused).toBe(true);
    await runNow(actor);
    expect((await schedule(actor)).next_run).toBe(before.next_run);
    expect(await core.call('GET', `/tasks/tasks/?actor_name=${actor}`)).toMatchObject({
      results: [{ state: 'done', aggregated_status: 'info', logs: expect.any(Array), description: expect.any(String) }],
    });
    await core.call('PATCH', `/tasks/schedules/${before.id}/`, { crontab: '5 4 * * *' });
    await core.restart();
    expect(await schedule(actor)).toMatchObject({ crontab: '5 4 * * *', paused: true });
    for (const crontab of ['nonsense', '99 * * * *', '* * * *', ''])
      expect(await ask('PATCH', `/tasks/schedules/${before.id}/`, { crontab })).toMatchObject({
        status: 400,
        body: { crontab: expect.any(Array) },
      });
  });

  test('core 127: a task that throws is tried again up to five times, then given up; each throw is an event', async () => {
    const { kysely } = core.deps.database;
    const { message_id } = await kysely
      .insertInto('tasks')
      .values({
        actor_name: 'tests.no_such_actor',
        uid: 'tests.no_such_actor',
        rel_obj_app_label: null,
        rel_obj_model: null,
        rel_obj_id: null,
        worker: null,
      })
      .returning('message_id')
      .executeTakeFirstOrThrow();
    try {
      for (let attempt = 0; attempt < 6; attempt += 1) {
        await core.worker.drain();
        aheadMs += 2 * 3_600_000;
      }
      const task = await core.call<{ state: string; retries: number }>('GET', `/tasks/tasks/${message_id}/`);
      expect(task).toMatchObject({ state: 'rejected', retries: 5, aggregated_status: 'rejected' });
    } finally {
      aheadMs = 0;
    }
    const thrown = (await events('actions=system_task_exception')).filter(
      ({ context }) => context['actor'] === 'tests.no_such_actor',
    );
    expect(thrown).toHaveLength(6);
    expect(await core.call('GET', '/tasks/tasks/status/')).toMatchObject({ rejected: 1 });
    expect((await ask('POST', `/tasks/tasks/${message_id}/retry/`)).status).toBe(204);
    await kysely.updateTable('tasks').set({ state: 'done' }).where('message_id', '=', message_id).execute();
    expect((await ask('POST', `/tasks/tasks/${message_id}/retry/`)).status).toBe(400);
  });

  test('core 128: a change that is rolled back leaves no task', async () => {
    const { kysely } = core.deps.database;
    const count = async () =>
      Number(
        (
          await kysely
            .selectFrom('tasks')
            .select(({ fn }) => fn.countAll().as('n'))
            .executeTakeFirst()
        )?.n,
      );
    const user = await plainUser('kept');
    const before = await count();
    // Deleting somebody queues the removal of his events; the entry behind it fails.
    const form = new FormData();
    const yaml = `version: 1
entries:
  - {model: authentik_core.user, state: absent, identifiers: {username: kept}}
  - {model: authentik_core.user, identifiers: {username: ""}}
`;
    form.set('file', new Blob([yaml]), 'half.yaml');
    const answer = await fetch(`${core.url}api/v3/managed/blueprints/import/`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${core.adminToken}` },
      body: form,
    });
    expect(await answer.json()).toMatchObject({ success: false });
    expect((await ask('GET', `/core/users/${user.pk}/`)).status).toBe(200);
    expect(await count()).toBe(before);
    await core.call('DELETE', `/core/users/${user.pk}/`);
    expect(await count()).toBe(before + 1);
  });

  test('core 129: a task whose process died is run again', async () => {
    const { kysely } = core.deps.database;
    const { message_id } = await kysely
      .insertInto('tasks')
      .values({
        actor_name: 'authentik.admin.tasks.update_latest_version',
        uid: 'died',
        state: 'running',
        worker: '00000000-0000-4000-8000-000000000000',
        rel_obj_app_label: null,
        rel_obj_model: null,
        rel_obj_id: null,
      })
      .returning('message_id')
      .executeTakeFirstOrThrow();
    await core.worker.drain();
    expect(await core.call('GET', `/tasks/tasks/${message_id}/`)).toMatchObject({ state: 'done' });
  });

  test('several workers on one database run a task once', async () => {
    const { kysely } = core.deps.database;
    const rows = Array.from({ length: 20 }, (_, at) => ({
      actor_name: 'authentik.admin.tasks.update_latest_version',
      uid: `shared ${at}`,
      rel_obj_app_label: null,
      rel_obj_model: null,
      rel_obj_id: null,
      worker: null,
    }));
    await kysely.insertInto('tasks').values(rows).execute();
    await Promise.all([core.worker.drain(), core.worker.drain(), core.worker.drain()]);
    const done = await kysely
      .selectFrom('tasks')
      .select(['uid', 'logs', 'state'])
      .where('uid', 'like', 'shared %')
      .execute();
    expect(done).toHaveLength(20);
    for (const { state, logs } of done) {
      expect(state).toBe('done');
      expect(logs.filter(({ event }) => event === 'Task is being processed')).toHaveLength(1);
    }
  });

  test('the process lists itself', async () => {
    expect(await core.call('GET', '/tasks/workers/')).toMatchObject([
      { version_matching: true, worker_id: expect.stringContaining('@') },
    ]);
  });
});

describe('settings', () => {
  test('wrong values are told on their fields, and change nothing', async () => {
    const answer = await ask('PATCH', '/admin/settings/', {
      event_retention: 'soon',
      reputation_lower_limit: 5,
      avatars: 3,
    });
    expect(answer).toMatchObject({
      status: 400,
      body: {
        event_retention: [expect.stringContaining('hours=3')],
        reputation_lower_limit: expect.any(Array),
        avatars: expect.any(Array),
      },
    });
    expect(await core.call('GET', '/admin/settings/')).toMatchObject({ event_retention: 'days=365' });
  });

  test('the size of pages follows them', async () => {
    await core.call('PATCH', '/admin/settings/', { pagination_default_page_size: 3 });
    const { results } = await core.call<{ results: unknown[] }>('GET', '/core/users/');
    expect(results).toHaveLength(3);
    await core.call('PATCH', '/admin/settings/', { pagination_default_page_size: 20 });
  });

  test('core 55: core_default_app_access rules over applications without bindings', async () => {
    const user = await plainUser('visitor');
    await core.call('POST', '/core/applications/', { name: 'Open', slug: 'open-app' });
    const mine = async () => {
      const { body } = await ask('GET', '/core/applications/', undefined, user.key);
      return (body as { results: { slug: string }[] }).results.map(({ slug }) => slug);
    };
    expect(await mine()).toContain('open-app');
    const flags = { flows_refresh_others: false, flows_continuous_login: false };
    await core.call('PATCH', '/admin/settings/', { flags: { ...flags, core_default_app_access: false } });
    expect(await mine()).not.toContain('open-app');
    const { pk } = await core.call<{ pk: string }>('GET', '/core/applications/open-app/');
    await core.call('POST', '/policies/bindings/', { target: pk, user: user.pk, order: 0 });
    expect(await mine()).toContain('open-app');
    await core.call('PATCH', '/admin/settings/', { flags: { ...flags, core_default_app_access: true } });
  });
});
