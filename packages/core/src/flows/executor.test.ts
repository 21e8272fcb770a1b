// flow-executor.md §16, part B: against a whole core on a real database.
import { createHash } from 'node:crypto';
import { jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { codeOfStep, stepAt } from '../devices/totp.ts';
import { createVisitor, startTestCore, type TestCore, testPassword, type Visitor } from '../testing/index.ts';

const login = 'default-authentication-flow';
let core: TestCore;

beforeAll(async () => {
  core = await startTestCore();
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

async function logIn(visitor: Visitor, username = 'ada', password = testPassword) {
  await visitor.flow(login);
  await visitor.flow(login, { uid_field: username });
  return visitor.flow(login, { password });
}

const stageOf = async (name: string, path: string) => {
  const { results } = await core.call<{ results: { pk: string; name: string }[] }>(
    'GET',
    `/stages/${path}/?name=${name}`,
  );
  return results[0]?.pk ?? '';
};

let flows = 0;
/** A flow of its own with these stages, in order. */
async function makeFlow(stages: readonly string[], settings: object = {}, bindings: object = {}) {
  flows += 1;
  const slug = `test-flow-${flows}`;
  const flow = await core.call<{ pk: string; slug: string; policybindingmodel_ptr_id: string }>(
    'POST',
    '/flows/instances/',
    { name: slug, slug, title: slug, designation: 'authentication', ...settings },
  );
  const bound: { pk: string; policybindingmodel_ptr_id: string }[] = [];
  for (const [at, stage] of stages.entries())
    bound.push(await core.call('POST', '/flows/bindings/', { target: flow.pk, stage, order: at * 10, ...bindings }));
  return { ...flow, bindings: bound };
}

const claimsOf = async (visitor: Visitor) => {
  const key = new TextEncoder().encode(createHash('sha512').update('secret key of the tests').digest('hex'));
  return (await jwtVerify(visitor.cookies.get('authentik_session') ?? '', key)).payload;
};

describe('sessions', () => {
  test('flow-executor 27: the cookie is a JWT under the hex SHA-512 of the secret key with exactly five claims', async () => {
    const visitor = createVisitor(core.url);
    await visitor.flow(login);
    const claims = await claimsOf(visitor);
    expect(Object.keys(claims).sort()).toEqual(['acr', 'authenticated', 'iss', 'sid', 'sub']);
    expect(claims).toMatchObject({ iss: 'authentik', sub: 'anonymous', authenticated: false });
    expect(claims['sid']).toMatch(/^[a-z0-9]{32}$/);
  });

  test('flow-executor 28: a tampered cookie gives a fresh anonymous session', async () => {
    const visitor = createVisitor(core.url);
    visitor.setCookie('authentik_session', 'eyJhbGciOiJub25lIn0.eyJzaWQiOiJ4In0.');
    expect((await visitor.flow(login)).component).toBe('ak-stage-identification');
    expect((await claimsOf(visitor))['authenticated']).toBe(false);
  });

  test('flow-executor 29: the key changes at login and the old one is dead', async () => {
    const visitor = createVisitor(core.url);
    await visitor.flow(login);
    const before = visitor.cookies.get('authentik_session') ?? '';
    expect(await logIn(visitor)).toMatchObject({ component: 'xak-flow-redirect', to: '/' });
    expect((await claimsOf(visitor))['authenticated']).toBe(true);
    const old = createVisitor(core.url);
    old.setCookie('authentik_session', before);
    expect((await old.fetch('/api/v3/core/users/me/')).status).toBe(403);
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(200);
  });

  /** Sessions of a login are stored when the second of them is to be. */
  function whenBothAreLoggedIn() {
    const { sessions } = core.deps;
    const { save } = sessions;
    const waiting: (() => void)[] = [];
    return vi.spyOn(sessions, 'save').mockImplementation(async (...args) => {
      if (args[0].replaces !== undefined)
        await new Promise<void>((resume) => {
          if (waiting.push(resume) === 2) for (const one of waiting) one();
        });
      return save(...args);
    });
  }

  async function sessionsOfAda(): Promise<number> {
    const path = '/core/authenticated_sessions/?user__username=ada';
    const { pagination } = await core.call<{ pagination: { count: number } }>('GET', path);
    return pagination.count;
  }

  /** A look of another tab, whose session is read now and stored when `release` is called. */
  async function lateLook(visitor: Visitor) {
    const other = createVisitor(core.url);
    for (const [name, value] of visitor.cookies) other.setCookie(name, value);
    const { sessions } = core.deps;
    const { save } = sessions;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const spy = vi.spyOn(sessions, 'save').mockImplementationOnce(async (...args) => {
      await held;
      return save(...args);
    });
    const answer = other.fetch(`/api/v3/flows/executor/${login}/?query=next%3D%2Fother`);
    await vi.waitFor(() => expect(spy).toHaveBeenCalledOnce());
    spy.mockRestore();
    return { answer, release };
  }

  test('a tab that looks while another logs in does not bring its dead session back', async () => {
    const visitor = createVisitor(core.url);
    await visitor.flow(login);
    await visitor.flow(login, { uid_field: 'ada' });
    const { answer, release } = await lateLook(visitor);
    expect(await visitor.flow(login, { password: testPassword }, 'next=/mine')).toMatchObject({ to: '/mine' });
    release();
    expect((await answer).headers.getSetCookie()).toEqual([]);
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(200);
  });

  test('a tab whose question arrives just behind the login of another goes on, without a session of its own', async () => {
    const visitor = createVisitor(core.url);
    await visitor.flow(login);
    const late = createVisitor(core.url);
    for (const [name, value] of visitor.cookies) late.setCookie(name, value);
    await logIn(visitor);
    const path = `/api/v3/flows/executor/${login}/?query=next%3D%2Fmine`;
    for (const init of [{}, { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }]) {
      const answer = await late.fetch(path, init);
      expect(answer.headers.getSetCookie()).toEqual([]);
      expect(await answer.json()).toMatchObject({ component: 'xak-flow-redirect', to: '/mine' });
    }
    expect((await late.fetch('/api/v3/core/users/me/')).status).toBe(403);
    expect(await visitor.flow(login, undefined, 'next=/mine')).toMatchObject({ to: '/mine' });
    expect(await visitor.flow(login)).toMatchObject({ component: 'ak-stage-identification' });
  });

  test('two tabs that finish one login at the same time make one session', async () => {
    const visitor = createVisitor(core.url);
    await visitor.flow(login);
    await visitor.flow(login, { uid_field: 'ada' });
    const other = createVisitor(core.url);
    for (const [name, value] of visitor.cookies) other.setCookie(name, value);
    const before = await sessionsOfAda();
    const spy = whenBothAreLoggedIn();
    const both = [visitor, other].map((tab) => tab.flow(login, { password: testPassword }, 'next=/mine'));
    for (const last of await Promise.all(both)) expect(last).toMatchObject({ to: '/mine' });
    expect(spy.mock.calls.filter(([{ replaces }]) => replaces !== undefined)).toHaveLength(2);
    spy.mockRestore();
    expect(await sessionsOfAda()).toBe(before + 1);
  });

  test('a tab that looks while another answers takes no answer back', async () => {
    const visitor = createVisitor(core.url);
    await visitor.flow(login);
    const { answer, release } = await lateLook(visitor);
    expect(await visitor.flow(login, { uid_field: 'ada' })).toMatchObject({ component: 'ak-stage-password' });
    release();
    await answer;
    expect(await visitor.flow(login)).toMatchObject({ component: 'ak-stage-password' });
  });

  test('flow-executor 30: a session without duration has no Max-Age; one of an hour has 3600', async () => {
    const lasting = await core.call<{ pk: string }>('POST', '/stages/user_login/', {
      name: 'login for an hour',
      session_duration: 'hours=1',
    });
    const stages = [
      await stageOf('default-authentication-identification', 'identification'),
      await stageOf('default-authentication-password', 'password'),
    ];
    const { slug } = await makeFlow([...stages, lasting.pk]);
    const visitor = createVisitor(core.url);
    const first = await visitor.fetch(`/api/v3/flows/executor/${slug}/?query=`);
    expect(first.headers.getSetCookie().join()).not.toMatch(/Max-Age/);
    await visitor.flow(slug, { uid_field: 'ada' });
    await visitor.fetch(`/api/v3/flows/executor/${slug}/?query=`, {
      method: 'POST',
      body: JSON.stringify({ password: testPassword }),
      headers: { 'Content-Type': 'application/json' },
    });
    const last = await visitor.fetch(`/api/v3/flows/executor/${slug}/?query=`);
    expect(last.headers.getSetCookie().find((line) => line.startsWith('authentik_session'))).toMatch(/; Max-Age=3600;/);
  });

  test('flow-executor 31, 32: every answer sets the cookie; a solved stage redirects to the very same address', async () => {
    const visitor = createVisitor(core.url);
    const path = `/api/v3/flows/executor/${login}/?query=goauthentik.io%252Foutpost%252Fldap%3Dtrue`;
    const first = await visitor.fetch(path);
    expect(first.headers.getSetCookie()).toHaveLength(1);
    const second = await visitor.fetch(path, {
      method: 'POST',
      body: JSON.stringify({ uid_field: 'ada' }),
      headers: { 'Content-Type': 'application/json' },
    });
    expect([second.status, second.headers.get('location')]).toEqual([302, path]);
    expect(second.headers.getSetCookie()).toHaveLength(1);
  });

  test('flow-executor 53: logging out ends the session and tells outposts by its hashed id', async () => {
    const visitor = createVisitor(core.url);
    await logIn(visitor);
    const { sid } = await claimsOf(visitor);
    const told = new Promise<string>((resolve) => {
      const instance = core.deps.channels.connect({ outpost: 'any', name: 'any', uid: 'any' }, (text) => {
        if (!text.includes('session_id')) return;
        instance.detach();
        resolve(text);
      });
    });
    expect(await visitor.flow('default-invalidation-flow')).toMatchObject({ component: 'xak-flow-redirect' });
    const session_id = createHash('sha256').update(String(sid)).digest('hex');
    expect(JSON.parse(await told)).toEqual({ instruction: 4, args: { type: 'event.session.end', session_id } });
    expect((await visitor.fetch('/api/v3/core/users/me/')).status).toBe(403);
  });
});

describe('stages', () => {
  test('flow-executor 33: an empty flow ends in a redirect', async () => {
    const { slug } = await makeFlow([]);
    expect(await createVisitor(core.url).flow(slug)).toMatchObject({ component: 'xak-flow-redirect', to: '/' });
  });

  test('flow-executor 33: so does one whose stages are all dropped by policies', async () => {
    const dummy = await core.call<{ pk: string }>('POST', '/stages/dummy/', { name: 'never seen' });
    const { slug, bindings } = await makeFlow([dummy.pk]);
    const policy = await core.call<{ pk: string }>('POST', '/policies/expression/', {
      name: 'drops every stage',
      expression: 'return False',
    });
    const target = bindings[0]?.policybindingmodel_ptr_id;
    await core.call('POST', '/policies/bindings/', { target, policy: policy.pk, order: 0 });
    expect(await createVisitor(core.url).flow(slug)).toMatchObject({ component: 'xak-flow-redirect', to: '/' });
  });

  test('flow-executor 34: a wrong password is told on its field', async () => {
    const answer = await logIn(createVisitor(core.url), 'ada', 'wrong');
    expect(answer.component).toBe('ak-stage-password');
    expect(answer.response_errors).toEqual({ password: [{ string: 'Invalid password', code: 'invalid' }] });
  });

  test('flow-executor 35: combined identification refuses without saying what was wrong; F12: blanks count', async () => {
    const combined = await core.call<{ pk: string }>('POST', '/stages/identification/', {
      name: 'combined',
      user_fields: ['username'],
      password_stage: await stageOf('default-authentication-password', 'password'),
    });
    const { slug } = await makeFlow([combined.pk, await stageOf('default-authentication-login', 'user_login')]);
    const visitor = createVisitor(core.url);
    expect(await visitor.flow(slug)).toMatchObject({ component: 'ak-stage-identification', password_fields: true });
    for (const answer of [
      { uid_field: 'ada', password: 'wrong' },
      { uid_field: 'ada', password: `${testPassword} ` },
      { uid_field: 'nobody', password: testPassword },
    ]) {
      const { response_errors } = await visitor.flow(slug, answer);
      expect(response_errors?.['non_field_errors']?.[0]?.string).toBe('Failed to authenticate.');
    }
    const done = await visitor.flow(slug, { uid_field: 'ada', password: testPassword });
    expect(done.component).toBe('xak-flow-redirect');
  });

  test('flow-executor 36: an unknown user is asked for a password like anybody', async () => {
    const answer = await logIn(createVisitor(core.url), 'nobody');
    expect(answer).toMatchObject({ component: 'ak-stage-password', pending_user: 'nobody' });
    expect(answer.response_errors?.['password']?.[0]?.string).toBe('Invalid password');
  });

  test('flow-executor 37: the fifth wrong password ends the plan', async () => {
    const visitor = createVisitor(core.url);
    await visitor.flow(login);
    await visitor.flow(login, { uid_field: 'grace' });
    for (let attempt = 1; attempt < 5; attempt += 1)
      expect((await visitor.flow(login, { password: 'wrong' })).component).toBe('ak-stage-password');
    expect(await visitor.flow(login, { password: 'wrong' })).toMatchObject({
      component: 'ak-stage-access-denied',
      error_message: 'Invalid password',
    });
    expect((await visitor.flow(login)).component).toBe('ak-stage-identification');
  });

  test('flow-executor 38: "restart" begins the flow anew, without errors', async () => {
    const stages = [
      await stageOf('default-authentication-identification', 'identification'),
      await stageOf('default-authentication-password', 'password'),
    ];
    const { slug } = await makeFlow(stages, {}, { invalid_response_action: 'restart' });
    const visitor = createVisitor(core.url);
    await visitor.flow(slug);
    await visitor.flow(slug, { uid_field: 'ada' });
    const again = await visitor.flow(slug, { password: 'wrong' });
    expect(again.component).toBe('ak-stage-identification');
    expect(again.response_errors).toBeUndefined();
  });

  test('flow-executor 39: without a device, "skip" goes on and "deny" refuses', async () => {
    const strict = await core.call<{ pk: string }>('POST', '/stages/authenticator/validate/', {
      name: 'strict validation',
      not_configured_action: 'deny',
    });
    const stages = [await stageOf('default-authentication-identification', 'identification'), strict.pk];
    const { slug } = await makeFlow(stages);
    const visitor = createVisitor(core.url);
    await visitor.flow(slug);
    expect(await visitor.flow(slug, { uid_field: 'ada' })).toMatchObject({
      component: 'ak-stage-access-denied',
      error_message: 'No (allowed) MFA authenticator configured.',
    });
  });

  test('flow-executor 40, 41: codes of the offered device count once', async () => {
    const key = Buffer.from('12345678901234567890');
    const user = await core.call<{ pk: number }>('POST', '/core/users/', { username: 'twofactor', name: 'Two Factor' });
    await core.call('POST', `/core/users/${user.pk}/set_password/`, { password: testPassword });
    const device = await core.deps.database.kysely
      .insertInto('devices')
      .values({ kind: 'totp', user_id: user.pk, settings: JSON.stringify({ key: key.toString('hex') }) })
      .returning('id')
      .executeTakeFirstOrThrow();
    const parameters = { key, step: 30, t0: 0, digits: 6 };
    const code = codeOfStep(parameters, stepAt(parameters, Date.now()));
    const visitor = createVisitor(core.url);
    const challenge = await logIn(visitor, 'twofactor');
    expect(challenge).toMatchObject({
      component: 'ak-stage-authenticator-validate',
      device_challenges: [{ device_class: 'totp', device_uid: String(device.id), challenge: {}, last_used: null }],
    });
    const foreign = { device_class: 'totp', device_uid: '999', challenge: {}, last_used: null };
    const notOffered = await visitor.flow(login, { selected_challenge: foreign, code });
    expect(notOffered.response_errors?.['selected_challenge']?.[0]?.string).toBe('invalid challenge selected');
    const own = { ...foreign, device_uid: String(device.id) };
    const empty = await visitor.flow(login, { selected_challenge: own });
    expect(empty.response_errors?.['non_field_errors']?.[0]?.string).toBe('Empty response');
    expect(await visitor.flow(login, { selected_challenge: own, code })).toMatchObject({
      component: 'xak-flow-redirect',
    });
    const replay = createVisitor(core.url);
    await logIn(replay, 'twofactor');
    const refused = await replay.flow(login, { code });
    expect(refused.response_errors?.['code']).toHaveLength(1);
  });
});

describe('executor', () => {
  test('flow-executor 42: bad JSON is a flow error with a request id', async () => {
    const visitor = createVisitor(core.url);
    await visitor.flow(login);
    const answer = await visitor.flow(login, '{nonsense');
    expect(answer).toEqual({ component: 'ak-stage-flow-error', request_id: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });

  test('flow-executor 43: an unknown slug is 404', async () => {
    expect((await createVisitor(core.url).fetch('/api/v3/flows/executor/nothing/?query=')).status).toBe(404);
  });

  test('flow-executor 44, 45: require_outpost needs both headers of an internal service account', async () => {
    const { slug } = await makeFlow([await stageOf('default-authentication-identification', 'identification')], {
      authentication: 'require_outpost',
    });
    const token = await core.outpostToken('ldap');
    const component = async (headers: Record<string, string>) =>
      (await createVisitor(core.url, headers).flow(slug)).component;
    const both = { 'X-authentik-remote-ip': '192.0.2.7', 'X-authentik-outpost-token': token };
    expect(await component(both)).toBe('ak-stage-identification');
    expect(await component({ ...both, 'X-authentik-remote-ip': 'nonsense' })).toBe('ak-stage-identification');
    expect(await component({ 'X-authentik-outpost-token': token })).toBe('ak-stage-access-denied');
    expect(await component({ 'X-authentik-remote-ip': '192.0.2.7' })).toBe('ak-stage-access-denied');
    expect(await component({ ...both, 'X-authentik-outpost-token': core.adminToken })).toBe('ak-stage-access-denied');
  });

  test('flow-executor 46: another flow drops the plan', async () => {
    const visitor = createVisitor(core.url);
    await visitor.flow(login);
    await visitor.flow(login, { uid_field: 'ada' });
    await visitor.flow('default-invalidation-flow');
    expect((await visitor.flow(login)).component).toBe('ak-stage-identification');
  });

  test('flow-executor 47: a changed flow shows at once', async () => {
    const flow = await makeFlow([await stageOf('default-authentication-identification', 'identification')]);
    await createVisitor(core.url).flow(flow.slug);
    const deny = await core.call<{ pk: string }>('POST', '/stages/deny/', { name: 'first', deny_message: 'closed' });
    await core.call('POST', '/flows/bindings/', { target: flow.pk, stage: deny.pk, order: -1 });
    expect(await createVisitor(core.url).flow(flow.slug)).toMatchObject({ error_message: 'closed' });
  });

  test('flow-executor 48, 49: bindings to groups hold for child groups, can be negated, and "all" needs all', async () => {
    const group = async (name: string) =>
      (await core.call<{ results: { pk: string }[] }>('GET', `/core/groups/?name=${name}`)).results[0]?.pk;
    const dummy = await core.call<{ pk: string }>('POST', '/stages/dummy/', { name: 'seen by some' });
    const identification = await stageOf('default-authentication-identification', 'identification');
    const flow = await makeFlow([identification, dummy.pk]);
    const second = flow.bindings[1];
    const bind = (values: object) =>
      core.call<{ pk: string }>('POST', '/policies/bindings/', {
        target: second?.policybindingmodel_ptr_id,
        order: 0,
        ...values,
      });
    const sees = async (username: string) => {
      const visitor = createVisitor(core.url);
      await visitor.flow(flow.slug);
      return (await visitor.flow(flow.slug, { uid_field: username })).component === 'ak-stage-dummy';
    };
    const first = await bind({ group: await group('engineering') });
    expect([await sees('hedy'), await sees('tim')]).toEqual([true, false]);
    await core.call('PATCH', `/policies/bindings/${first.pk}/`, { negate: true });
    expect([await sees('hedy'), await sees('tim')]).toEqual([false, true]);
    await core.call('PATCH', `/policies/bindings/${first.pk}/`, { negate: false });
    await core.call('PATCH', `/flows/bindings/${second?.pk}/`, { policy_engine_mode: 'all' });
    await bind({ group: await group('sales'), order: 1 });
    expect([await sees('hedy'), await sees('radia')]).toEqual([false, true]);
  });

  test('flow-executor 50: a logged-in session needs the CSRF header for its answers', async () => {
    const visitor = createVisitor(core.url);
    await logIn(visitor);
    const dummy = await core.call<{ pk: string }>('POST', '/stages/dummy/', { name: 'after login' });
    const { slug } = await makeFlow([dummy.pk]);
    await visitor.flow(slug);
    const csrf = visitor.cookies.get('authentik_csrf') ?? '';
    visitor.setCookie('authentik_csrf', '');
    expect((await visitor.flow(slug, {})).component).toBe('ak-stage-flow-error');
    visitor.setCookie('authentik_csrf', csrf);
    expect((await visitor.flow(slug, {})).component).toBe('xak-flow-redirect');
  });

  test('flow-executor 51, F3: access follows the bindings of the application; anonymous sessions get 403', async () => {
    const visitor = createVisitor(core.url);
    const provider = (await core.call<{ results: { pk: number }[] }>('GET', '/outposts/ldap/')).results[0]?.pk;
    const check = (who: Visitor) => who.fetch(`/api/v3/outposts/ldap/${provider}/check_access/?app_slug=directory`);
    expect((await check(visitor)).status).toBe(403);
    await logIn(visitor);
    expect(await (await check(visitor)).json()).toEqual({
      has_search_permission: false,
      access: { passing: true, messages: [], log_messages: [] },
    });
    const application = await core.call<{ pk: string }>('GET', '/core/applications/directory/');
    const group = await core.call<{ pk: string }>('POST', '/core/groups/', { name: 'nobody is in here' });
    const binding = await core.call<{ pk: string }>('POST', '/policies/bindings/', {
      target: application.pk,
      group: group.pk,
      order: 0,
    });
    expect(await (await check(visitor)).json()).toMatchObject({ access: { passing: false } });
    await core.call('DELETE', `/policies/bindings/${binding.pk}/`);
    expect((await visitor.fetch(`/api/v3/outposts/ldap/${provider}/check_access/?app_slug=gone`)).status).toBe(404);
  });

  test.each(['//evil.example', 'https://evil.example', '/\\evil.example', '/\t/evil.example'])(
    'flow-executor 52: next=%j is refused',
    async (next) => {
      const { slug } = await makeFlow([]);
      const query = new URLSearchParams({ next }).toString();
      expect(await createVisitor(core.url).flow(slug, undefined, query)).toMatchObject({
        component: 'ak-stage-access-denied',
        error_message: 'Invalid next URL',
      });
    },
  );

  test('flow-executor 52: a relative next is honoured', async () => {
    const { slug } = await makeFlow([]);
    const answer = await createVisitor(core.url).flow(
      slug,
      undefined,
      new URLSearchParams({ next: '/x?y=1' }).toString(),
    );
    expect(answer).toEqual({ component: 'xak-flow-redirect', to: '/x?y=1' });
  });
});
