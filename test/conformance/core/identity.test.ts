// core.md §22, "Users, passwords, groups" and "Tokens and sessions".
import { createHash, pbkdf2Sync, randomBytes, scryptSync } from 'node:crypto';
import {
  bind,
  createClient,
  makeFlow,
  makeStage,
  makeUser,
  startTestCore,
  type TestCore,
  testPassword,
  visitorAs,
} from '@gatehouse/core/testing';
import { type Clock, systemClock } from '@gatehouse/daemon/async';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let core: TestCore;
let aheadMs = 0;
const clock: Clock = { ...systemClock, now: () => (systemClock.now() + aheadMs) as ReturnType<Clock['now']> };
const { ask, plainUser, logIn } = createClient(() => core);

beforeAll(async () => {
  core = await startTestCore({ clock });
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

const make = <T = { pk: number }>(path: string, body: object) => core.call<T>('POST', path, body);
const group = (name: string, more: object = {}) =>
  make<{ pk: string; num_pk: number }>('/core/groups/', { name, ...more });
const eventsOf = async (action: string) =>
  (
    await core.call<{ results: { context: Record<string, unknown>; user: { username: string } }[] }>(
      'GET',
      `/events/events/?actions=${action}&page_size=100`,
    )
  ).results;
const rowOf = async (username: string) => {
  const row = await core.deps.database.kysely
    .selectFrom('users')
    .selectAll()
    .where('username', '=', username)
    .executeTakeFirst();
  if (row === undefined) throw new Error(`no ${username}`);
  return row;
};

describe('users', () => {
  test('core 28: folders have no empty parts, and are listed', async () => {
    for (const path of ['/a', 'a/', 'a//b', ''])
      expect((await ask('POST', '/core/users/', { username: `p${path}`, name: 'P', path })).status).toBe(400);
    await make('/core/users/', { username: 'in-folder', name: 'F', path: 'staff/ops' });
    expect(await core.call('GET', '/core/users/paths/')).toMatchObject({
      paths: expect.arrayContaining(['staff/ops']),
    });
  });

  test('core 29: path_startswith finds folders below', async () => {
    await make('/core/users/', { username: 'at-top', name: 'T', path: 'staff' });
    const { results } = await core.call<{ results: { username: string }[] }>(
      'GET',
      '/core/users/?path_startswith=staff',
    );
    expect(results.map(({ username }) => username).sort()).toEqual(['at-top', 'in-folder']);
  });

  test('core 30: accounts of outposts are the core’s own', async () => {
    const body = { username: 'fake', name: 'F', type: 'internal_service_account' };
    expect(await ask('POST', '/core/users/', body)).toMatchObject({ status: 400, body: { type: expect.any(Array) } });
    const { results } = await core.call<{ results: { pk: number }[] }>(
      'GET',
      '/core/users/?type=internal_service_account',
    );
    expect((await ask('PATCH', `/core/users/${results[0]?.pk}/`, { name: 'Renamed' })).status).toBe(400);
  });

  test('core 35: uid is the SHA-256 of pk, dash and installation', async () => {
    const { user } = await core.call<{ user: { pk: number; uid: string } }>('GET', '/core/users/me/');
    expect(user.uid).toBe(createHash('sha256').update(`${user.pk}-${core.deps.installationId}`).digest('hex'));
  });

  test('the user that stands for nobody is in no list', async () => {
    expect(await core.call('GET', '/core/users/?username=AnonymousUser')).toMatchObject({ pagination: { count: 0 } });
  });
});

describe('passwords', () => {
  const salt = 'abcdefghijklmnopqrstuv';
  const password = 'an old password';
  const encodings = {
    pbkdf2_sha256: `pbkdf2_sha256$1000$${salt}$${pbkdf2Sync(password, salt, 1000, 32, 'sha256').toString('base64')}`,
    pbkdf2_sha1: `pbkdf2_sha1$1000$${salt}$${pbkdf2Sync(password, salt, 1000, 20, 'sha1').toString('base64')}`,
    scrypt: `scrypt$16384$${salt}$8$5$${scryptSync(password, salt, 64, { N: 16_384, r: 8, p: 5, maxmem: 2 ** 28 }).toString('base64')}`,
    // Of the text above, by the parameters that Django has.
    argon2:
      'argon2$argon2id$v=19$m=102400,t=2,p=8$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg$Q5JyMsYBWFe1xnn1k7dDJ45OUxxLZGNMzdQ203SeLrM',
    bcrypt_sha256: 'bcrypt_sha256$$2b$10$uF07qcWuF.qLCOCz1c0pTe68YV6PVtVSPjnhcnLME3RwvnA6ZXYli',
    directory: `ldap$SSHA512$${ssha(password)}`,
  };

  function ssha(text: string): string {
    const own = randomBytes(8);
    return Buffer.concat([createHash('sha512').update(text).update(own).digest(), own]).toString('base64');
  }

  for (const [name, encoded] of Object.entries(encodings))
    test(`core 31: ${name} lets in, and is renewed without anybody noticing`, async () => {
      const username = `hashed-${name}`;
      const { pk } = await make('/core/users/', { username, name: 'H' });
      await core.deps.database.kysely.updateTable('users').set({ password: encoded }).where('id', '=', pk).execute();
      const before = await rowOf(username);
      const events = (await eventsOf('password_set')).length;
      const visitor = await logIn(username, password);
      expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(200);
      const after = await rowOf(username);
      expect(after.password).toMatch(/^argon2\$argon2id\$/);
      expect(after.password).not.toBe(encoded);
      expect(after.password_change_date).toEqual(before.password_change_date);
      expect(await eventsOf('password_set')).toHaveLength(events);
    });

  test('core 32: unusable hashes match nothing', async () => {
    for (const encoded of ['!abc', '', 'plain', 'md5$x$y', 'unknown$$$'])
      for (const tried of ['', '!abc', 'abc', 'plain'])
        expect(await core.deps.passwords.check(tried, encoded)).toBe(false);
  });

  test('core 33: set_password needs its right; it is told, dated, and ends sessions', async () => {
    const { pk } = await make('/core/users/', { username: 'forgetful', name: 'F' });
    const other = await plainUser('meddler');
    const path = `/core/users/${pk}/set_password/`;
    expect((await ask('POST', path, { password: 'x' }, other.key)).status).toBe(403);
    expect(await ask('POST', path, {})).toMatchObject({ status: 400, body: { password: ['This field is required.'] } });
    const before = await rowOf('forgetful');
    expect((await ask('POST', path, { password: 'first one' })).status).toBe(204);
    const visitor = await logIn('forgetful', 'first one');
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(200);
    expect((await ask('POST', path, { password: 'second one' })).status).toBe(204);
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(403);
    expect((await rowOf('forgetful')).password_change_date.getTime()).toBeGreaterThan(
      before.password_change_date.getTime(),
    );
    expect((await eventsOf('password_set')).filter(({ user }) => user.username === 'forgetful')).toHaveLength(2);
  });

  test('core 34: an account for a service comes with a password that works and its group', async () => {
    const made = await make<{ username: string; token: string; user_pk: number; group_pk: string }>(
      '/core/users/service_account/',
      {
        name: 'backup',
        create_group: true,
        expiring: false,
      },
    );
    expect(await core.call('GET', `/core/users/${made.user_pk}/`)).toMatchObject({
      type: 'service_account',
      path: 'goauthentik.io/service-accounts',
      groups: [made.group_pk],
    });
    expect(await core.call('GET', '/core/tokens/service-account-backup-password/')).toMatchObject({
      intent: 'app_password',
      expiring: false,
    });
    const visitor = await logIn('backup', made.token);
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(200);
  });
});

describe('groups', () => {
  test('core 36: being a superuser is inherited from above; users/me lists both groups', async () => {
    const parent = await group('above', { is_superuser: true });
    const child = await group('below', { parents: [parent.pk] });
    const user = await plainUser('heir');
    await core.call('PATCH', `/core/users/${user.pk}/`, { groups: [child.pk] });
    const { body } = await ask('GET', '/core/users/me/', undefined, user.key);
    expect(body).toMatchObject({ user: { is_superuser: true, groups: [{ name: 'above' }, { name: 'below' }] } });
    expect(await core.call('GET', `/core/users/${user.pk}/`)).toMatchObject({ groups: [child.pk], is_superuser: true });
  });

  test('core 37: num_pk is the first five digits of the uuid as a number', async () => {
    const { pk, num_pk } = await group('numbered');
    expect(num_pk).toBe(
      Number(
        BigInt(`0x${pk.replaceAll('-', '')}`)
          .toString()
          .slice(0, 5),
      ),
    );
  });

  test('core 38: adding somebody unknown is 404, somebody known 204, also twice', async () => {
    const { pk } = await group('joined');
    const user = await make('/core/users/', { username: 'joiner', name: 'J' });
    expect((await ask('POST', `/core/groups/${pk}/add_user/`, { pk: 999_999 })).status).toBe(404);
    for (let times = 0; times < 2; times += 1)
      expect((await ask('POST', `/core/groups/${pk}/add_user/`, { pk: user.pk })).status).toBe(204);
    expect(await core.call('GET', `/core/groups/${pk}/`)).toMatchObject({ users: [user.pk] });
    expect((await ask('POST', `/core/groups/${pk}/remove_user/`, { pk: user.pk })).status).toBe(204);
    expect(await core.call('GET', `/core/groups/${pk}/`)).toMatchObject({ users: [] });
  });

  test('core 39: no group is above itself', async () => {
    const one = await group('ring 1');
    const two = await group('ring 2', { parents: [one.pk] });
    const three = await group('ring 3', { parents: [two.pk] });
    for (const parent of [one, two, three])
      expect(await ask('PATCH', `/core/groups/${one.pk}/`, { parents: [parent.pk] })).toMatchObject({
        status: 400,
        body: { parents: expect.any(Array) },
      });
  });

  test('core 40: is_superuser needs a right of its own, unless it stays', async () => {
    const user = await plainUser('group-manager');
    await core.deps.database.kysely
      .insertInto('grants')
      .values(
        ['view_group', 'change_group', 'add_group'].map((name) => ({
          user_id: user.pk,
          permission: `authentik_core.${name}`,
        })),
      )
      .execute();
    const { pk } = await group('managed');
    expect(await ask('PATCH', `/core/groups/${pk}/`, { is_superuser: true, name: 'x' }, user.key)).toMatchObject({
      status: 400,
      body: { is_superuser: expect.any(Array) },
    });
    expect(await core.call('GET', `/core/groups/${pk}/`)).toMatchObject({ name: 'managed', is_superuser: false });
    expect((await ask('PATCH', `/core/groups/${pk}/`, { is_superuser: false, name: 'renamed' }, user.key)).status).toBe(
      200,
    );
    expect((await ask('POST', '/core/groups/', { name: 'mighty', is_superuser: true }, user.key)).status).toBe(400);
  });

  test('core 41: attributes of the brand, then of groups by name, then the user’s own; lists add up', async () => {
    const above = await group('z above', { attributes: { floor: 3, desk: { kind: 'standing' }, keys: ['z'] } });
    const first = await group('a first', { attributes: { floor: 1, keys: ['a'] }, parents: [above.pk] });
    const { pk, username } = await makeUser(core, {
      groups: [first.pk],
      attributes: { desk: { place: 'window' }, keys: ['own'] },
    });
    const brand = await make('/core/brands/', {
      domain: '127.0.0.1',
      attributes: { floor: 0, house: 'east', keys: ['brand'] },
    });
    const policy = await make('/policies/expression/', {
      name: 'effective attributes',
      expression: `return request.user.group_attributes(request) == {
        "floor": 3, "house": "east", "desk": {"kind": "standing", "place": "window"},
        "keys": ["brand", "a", "z", "own"]}`,
    });
    const flow = await makeFlow(core, [await makeStage(core, 'dummy')], { designation: 'stage_configuration' });
    await bind(core, flow.policybindingmodel_ptr_id, { policy: policy.pk });
    const seen = async () => (await (await visitorAs(core, username)).flow(flow.slug)).component;
    expect(await seen()).toBe('ak-stage-dummy');
    await core.call('PATCH', `/core/users/${pk}/`, { attributes: { floor: 9 } });
    expect(await seen()).toBe('ak-stage-access-denied');
    await core.call('DELETE', `/core/brands/${brand.pk}/`);
  });
});

describe('tokens', () => {
  test('core 42: no token to verify with; API tokens live as long as the settings say', async () => {
    expect(await ask('POST', '/core/tokens/', { identifier: 'v', intent: 'verification' })).toMatchObject({
      status: 400,
      body: { intent: ['Invalid intent verification'] },
    });
    const far = new Date(Date.now() + 10 * 365 * 86_400_000).toISOString();
    const { expires } = await make<{ expires: string }>('/core/tokens/', {
      identifier: 'long',
      intent: 'api',
      expires: far,
    });
    expect(Date.parse(expires) - Date.now()).toBeLessThan(86_400_000 + 60_000);
    const permanent = await make('/core/tokens/', { identifier: 'permanent', intent: 'api', expiring: false });
    expect(permanent).toMatchObject({ expiring: false });
  });

  test('core 43: others make tokens for themselves only', async () => {
    const user = await plainUser('tokenist');
    const answer = await ask('POST', '/core/tokens/', { identifier: 'for-admin', user: 1, expiring: false }, user.key);
    expect(answer).toMatchObject({ status: 201, body: { user: user.pk, expiring: true } });
    expect((await ask('GET', '/core/tokens/for-admin/view_key/', undefined, user.key)).status).toBe(200);
    expect((await ask('PATCH', '/core/tokens/for-admin/', { user: 1 }, user.key)).status).toBe(400);
  });

  test('core 44: only view_key shows a key, and says so', async () => {
    const row = await make<object>('/core/tokens/', { identifier: 'secretive' });
    expect(row).not.toHaveProperty('key');
    const { key } = await core.call<{ key: string }>('GET', '/core/tokens/secretive/view_key/');
    for (const path of ['/core/tokens/', '/core/tokens/secretive/'])
      expect(JSON.stringify(await core.call('GET', path))).not.toContain(key);
    expect(JSON.stringify(await eventsOf('secret_view'))).toContain('secretive');
    await core.call('POST', '/core/tokens/secretive/set_key/', { key: 'chosen-by-hand' });
    expect((await ask('GET', '/core/users/me/', undefined, 'chosen-by-hand')).status).toBe(200);
    expect(JSON.stringify(await core.call('GET', '/events/events/?page_size=100'))).not.toContain('chosen-by-hand');
  });

  test('core 45: an expired API token gets another key, an expired app password goes', async () => {
    const user = await plainUser('expiring');
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    await ask('POST', '/core/tokens/', { identifier: 'short', intent: 'app_password', expires: soon }, user.key);
    aheadMs = 2 * 86_400_000;
    try {
      expect((await ask('GET', '/core/users/me/', undefined, user.key)).status).toBe(403);
      await core.call(
        'POST',
        `/tasks/schedules/${await scheduleOf('authentik.core.tasks.clean_expired_models')}/send/`,
      );
      await core.worker.drain();
      expect(await ask('GET', '/core/tokens/short/')).toMatchObject({ status: 404 });
      const { key } = await core.call<{ key: string }>('GET', '/core/tokens/expiring-api/view_key/');
      expect(key).not.toBe(user.key);
      expect((await ask('GET', '/core/users/me/', undefined, key)).status).toBe(200);
      expect(JSON.stringify(await eventsOf('secret_rotate'))).toContain('expiring-api');
    } finally {
      aheadMs = 0;
    }
  });

  test('core 46: app passwords live no longer than the user’s own limit', async () => {
    const user = await plainUser('limited');
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
    const ask46 = (identifier: string, days: number) =>
      ask('POST', '/core/tokens/', { identifier, intent: 'app_password', expires: inDays(days) }, user.key);
    expect(await ask46('too-long', 2)).toMatchObject({ status: 400, body: { expires: expect.any(Array) } });
    await core.call('PATCH', `/core/users/${user.pk}/`, {
      attributes: { 'goauthentik.io/user/token-maximum-lifetime': 'days=5' },
    });
    expect((await ask46('allowed', 2)).status).toBe(201);
    expect((await ask46('still-too-long', 6)).status).toBe(400);
  });

  const scheduleOf = async (actor: string) => {
    const { results } = await core.call<{ results: { id: string }[] }>('GET', `/tasks/schedules/?actor_name=${actor}`);
    return results[0]?.id;
  };
});

describe('sessions', () => {
  test('core 49: a session deleted over the API is over at once, for outposts too', async () => {
    const visitor = await logIn('grace');
    const { results } = await core.call<{ results: { uuid: string; current: boolean; user_agent: object }[] }>(
      'GET',
      '/core/authenticated_sessions/?user__username=grace',
    );
    const [session] = results;
    expect(session).toMatchObject({ current: false, user_agent: { user_agent: {}, os: {}, device: {} } });
    const mine = await (await visitor.fetch('/api/v3/core/authenticated_sessions/')).json();
    expect(mine).toMatchObject({ results: [{ uuid: session?.uuid, current: true }] });
    await core.call('DELETE', `/core/authenticated_sessions/${session?.uuid}/`);
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(403);
  });

  test('core 50: deactivating somebody ends sessions and OAuth tokens', async () => {
    const visitor = await logIn('alan');
    const { id } = await rowOf('alan');
    await core.call('PATCH', `/core/users/${id}/`, { is_active: false });
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(403);
    const grants = await core.deps.database.kysely
      .selectFrom('oauth_grants')
      .select('hash')
      .where('user_id', '=', id)
      .execute();
    expect(grants).toEqual([]);
    await core.call('PATCH', `/core/users/${id}/`, { is_active: true });
  });

  test('bulk_delete ends all sessions of the users it names', async () => {
    const visitors = [await logIn('hedy'), await logIn('hedy')];
    const { id } = await rowOf('hedy');
    expect(await core.call('DELETE', `/core/authenticated_sessions/bulk_delete/?user_pks=${id}`)).toEqual({
      deleted: 2,
    });
    for (const visitor of visitors) expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(403);
  });

  test('core 52: a recovery link logs in once', async () => {
    const { id } = await rowOf('radia');
    const key = 'recovery-key-of-the-test';
    await core.deps.database.kysely
      .insertInto('tokens')
      .values({
        identifier: 'rec',
        key,
        intent: 'recovery',
        user_id: id,
        managed: null,
        expires: new Date(Date.now() + 60_000),
      })
      .execute();
    const first = await fetch(`${core.url}recovery/use-token/${key}/`, { redirect: 'manual' });
    expect(first.status).toBe(302);
    const cookies = first.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    const me = await fetch(`${core.url}api/v3/core/users/me/`, { headers: { Cookie: cookies } });
    expect(await me.json()).toMatchObject({ user: { username: 'radia' } });
    expect((await fetch(`${core.url}recovery/use-token/${key}/`, { redirect: 'manual' })).status).toBe(404);
    const { key: api } = await core.call<{ key: string }>('GET', '/core/tokens/authentik-bootstrap-token/view_key/');
    expect((await fetch(`${core.url}recovery/use-token/${api}/`)).status).toBe(404);
  });
});

test('no password and no key ever reached the log', () => {
  const log = JSON.stringify(core.lines);
  for (const secret of [
    'an old password',
    'first one',
    'second one',
    'chosen-by-hand',
    'recovery-key-of-the-test',
    testPassword,
    core.adminToken,
  ])
    expect([secret, log.includes(secret)]).toEqual([secret, false]);
});
