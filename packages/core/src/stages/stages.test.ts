// What stages show and do to data (core.md §15.3, flow-executor.md §11, §12): against a whole core.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOfStep, stepAt } from '../devices/totp.ts';
import {
  bind,
  createVisitor,
  makeFlow,
  makeStage,
  makeUser,
  stageNamed,
  startTestCore,
  type TestCore,
  testPassword,
  uniqueName,
  visitorAs,
} from '../testing/index.ts';

let core: TestCore;
beforeAll(async () => {
  core = await startTestCore();
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

const prompt = async (values: object): Promise<string> => {
  const given = { name: uniqueName('prompt'), label: 'Label', type: 'text', ...values };
  return (await core.call<{ pk: string }>('POST', '/stages/prompt/prompts/', given)).pk;
};
const userOf = async (username: string) =>
  (await core.call<{ results: Record<string, unknown>[] }>('GET', `/core/users/?username=${username}`)).results[0];
const codeNow = (secret: Buffer, digits = 6) => {
  const parameters = { key: secret, step: 30, t0: 0, digits };
  return codeOfStep(parameters, stepAt(parameters, Date.now()));
};

describe('prompt', () => {
  test('flow-executor 12: a prompt challenge has every field of the contract', async () => {
    const key = uniqueName('field');
    const pk = await prompt({ field_key: key, label: 'Town', placeholder: 'Where', initial_value: 'Graz', order: 3 });
    const choice = await prompt({ field_key: 'size', type: 'dropdown', placeholder: 'small', order: 4 });
    const { slug } = await makeFlow(core, [await makeStage(core, 'prompt/stages', { fields: [choice, pk] })]);
    const { component, fields } = await createVisitor(core.url).flow(slug);
    expect(component).toBe('ak-stage-prompt');
    expect(fields).toEqual([
      {
        field_key: key,
        label: 'Town',
        type: 'text',
        required: true,
        placeholder: 'Where',
        initial_value: 'Graz',
        order: 3,
        sub_text: '',
        choices: null,
      },
      expect.objectContaining({ initial_value: 'small', choices: [{ value: 'small', label: 'small' }] }),
    ]);
  });

  test.each([
    ['text', {}, undefined, 'required'],
    ['text', {}, '', 'blank'],
    ['text', {}, 5, 'invalid'],
    ['email', {}, 'nobody', 'invalid'],
    ['number', {}, 'many', 'invalid'],
    ['date', {}, '2026-02-30', 'invalid'],
    ['date-time', {}, 'tomorrow', 'invalid'],
    ['checkbox', {}, 'maybe', 'invalid'],
    ['dropdown', { placeholder: 'a' }, 'b', 'invalid_choice'],
    ['radio-button-group', { placeholder: 'a' }, 'b', 'invalid_choice'],
    ['file', {}, 'no data', 'invalid'],
    ['username', {}, 'ada', 'invalid'],
  ])('a %s that is %j is told %j', async (type, settings, value, code) => {
    const pk = await prompt({ field_key: 'asked', type, ...settings });
    const { slug } = await makeFlow(core, [await makeStage(core, 'prompt/stages', { fields: [pk] })]);
    const visitor = createVisitor(core.url);
    await visitor.flow(slug);
    const { response_errors } = await visitor.flow(slug, { asked: value });
    expect(response_errors?.['asked']?.[0]?.code).toBe(code);
  });

  test.each([
    ['text_area', 'two\nlines'],
    ['email', 'a@b.example'],
    ['number', '12'],
    ['date', '2026-02-28'],
    ['date-time', '2026-02-28T10:00:00Z'],
    ['checkbox', true],
    ['file', 'data:text/plain;base64,aGk='],
    ['ak-locale', 'de'],
    ['username', 'nobody-has-this'],
  ])('a %s may be %j', async (type, value) => {
    const pk = await prompt({ field_key: 'asked', type });
    const { slug } = await makeFlow(core, [await makeStage(core, 'prompt/stages', { fields: [pk] })]);
    const visitor = createVisitor(core.url);
    await visitor.flow(slug);
    expect((await visitor.flow(slug, { asked: value })).component).toBe('xak-flow-redirect');
  });

  test('values of hidden, static and read-only prompts are the core’s own; two passwords must match', async () => {
    const username = uniqueName('user');
    const fields = [
      await prompt({ field_key: 'username', type: 'hidden', initial_value: username }),
      await prompt({ field_key: 'name', type: 'text_read_only', initial_value: 'As given' }),
      await prompt({ field_key: 'password', type: 'password' }),
      await prompt({ field_key: 'password_repeat', type: 'password' }),
    ];
    const stages = [await makeStage(core, 'prompt/stages', { fields }), await makeStage(core, 'user_write')];
    const { slug } = await makeFlow(core, stages);
    const visitor = createVisitor(core.url);
    await visitor.flow(slug);
    const forged = { username: 'forged', name: 'Forged', password: 'one', password_repeat: 'two' };
    const { response_errors } = await visitor.flow(slug, forged);
    expect(response_errors).toEqual({ non_field_errors: [{ string: "Passwords don't match.", code: 'invalid' }] });
    await visitor.flow(slug, { ...forged, password_repeat: 'one' });
    expect(await userOf(username)).toMatchObject({ name: 'As given', type: 'external', path: 'users' });
    expect(await userOf('forged')).toBeUndefined();
  });

  test('core 14: validation policies judge all values together', async () => {
    const policy = await core.call<{ pk: string }>('POST', '/policies/password/', {
      name: uniqueName('policy'),
      length_min: 8,
      error_message: 'Too short.',
    });
    const fields = [await prompt({ field_key: 'password', type: 'password' })];
    const stage = await makeStage(core, 'prompt/stages', { fields, validation_policies: [policy.pk] });
    const { slug } = await makeFlow(core, [stage]);
    const visitor = createVisitor(core.url);
    await visitor.flow(slug);
    const { response_errors } = await visitor.flow(slug, { password: 'short' });
    expect(response_errors).toEqual({ non_field_errors: [{ string: 'Too short.', code: 'invalid' }] });
    expect((await visitor.flow(slug, { password: 'long enough' })).component).toBe('xak-flow-redirect');
  });
});

describe('user write', () => {
  test('core 84: nested attributes are set; rights, groups and keys are not', async () => {
    const { username } = await makeUser(core, { attributes: { settings: { theme: 'dark' }, kept: 1 } });
    const keys = { locale: 'attributes.settings.locale', flat: 'attributes_flat', rights: 'is_superuser' };
    const fields = [
      await prompt({ field_key: keys.locale }),
      await prompt({ field_key: keys.flat }),
      await prompt({ field_key: keys.rights, type: 'checkbox' }),
      await prompt({ field_key: 'groups', required: false }),
      await prompt({ field_key: 'pk', type: 'number' }),
      await prompt({ field_key: 'attributes.__proto__.polluted' }),
    ];
    const stages = [await makeStage(core, 'prompt/stages', { fields }), await makeStage(core, 'user_write')];
    const { slug } = await makeFlow(core, stages, { designation: 'stage_configuration' });
    const before = await userOf(username);
    const visitor = await visitorAs(core, username);
    await visitor.flow(slug);
    const answer = {
      [keys.locale]: 'de',
      [keys.flat]: 'value',
      is_superuser: true,
      groups: 'authentik Admins',
      pk: 1,
      'attributes.__proto__.polluted': 'yes',
    };
    expect((await visitor.flow(slug, answer)).component).toBe('xak-flow-redirect');
    expect(await userOf(username)).toMatchObject({
      pk: before?.['pk'],
      is_superuser: false,
      groups: [],
      attributes: { settings: { theme: 'dark', locale: 'de' }, kept: 1, flat: 'value' },
    });
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  test('a new user joins the group of the stage, on the path and of the type it names', async () => {
    const username = uniqueName('user');
    const group = await core.call<{ pk: string }>('POST', '/core/groups/', { name: uniqueName('group') });
    const fields = [await prompt({ field_key: 'username', type: 'username' })];
    const write = {
      user_creation_mode: 'always_create',
      create_users_group: group.pk,
      user_type: 'internal_service_account',
      user_path_template: 'guests/here',
      create_users_as_inactive: true,
    };
    const stages = [await makeStage(core, 'prompt/stages', { fields }), await makeStage(core, 'user_write', write)];
    const { slug } = await makeFlow(core, stages, { designation: 'enrollment' });
    const visitor = createVisitor(core.url);
    await visitor.flow(slug);
    expect((await visitor.flow(slug, { username })).component).toBe('xak-flow-redirect');
    expect(await userOf(username)).toMatchObject({
      groups: [group.pk],
      path: 'guests/here',
      type: 'service_account',
      is_active: false,
    });
  });

  test('without data, and without anybody to change, it refuses', async () => {
    const alone = await makeFlow(core, [await makeStage(core, 'user_write')]);
    expect((await createVisitor(core.url).flow(alone.slug))['error_message']).toBe('No Pending data.');
    const fields = [await prompt({ field_key: 'name' })];
    const never = await makeStage(core, 'user_write', { user_creation_mode: 'never_create' });
    const { slug } = await makeFlow(core, [await makeStage(core, 'prompt/stages', { fields }), never]);
    const visitor = createVisitor(core.url);
    await visitor.flow(slug);
    expect((await visitor.flow(slug, { name: 'x' })).component).toBe('ak-stage-access-denied');
  });

  test('the shipped password change keeps this session under a new key and ends the others', async () => {
    const { username } = await makeUser(core);
    const [here, there] = [await visitorAs(core, username), await visitorAs(core, username)];
    const before = here.cookies.get('authentik_session');
    const change = 'default-password-change';
    await here.flow(change);
    const weak = { password: 'password1', password_repeat: 'password1' };
    expect((await here.flow(change, weak)).component).toBe('ak-stage-prompt');
    const password = 'quite unusual turnip orchestra';
    expect(await here.flow(change, { password, password_repeat: password })).toMatchObject({ to: '/' });
    expect(here.cookies.get('authentik_session')).not.toBe(before);
    expect((await here.fetch('/api/v3/core/users/me/')).status).toBe(200);
    expect((await there.fetch('/api/v3/core/users/me/')).status).toBe(403);
  });
});

describe('second factors', () => {
  test('core 86: an authenticator app is set up by proving a code, which counts once', async () => {
    const { username } = await makeUser(core);
    const visitor = await visitorAs(core, username);
    const setup = 'default-authenticator-totp-setup';
    const first = await visitor.flow(setup);
    const url = new URL(String(first['config_url']));
    expect([url.protocol, url.host, url.searchParams.get('issuer'), url.searchParams.get('algorithm')]).toEqual([
      'otpauth:',
      'totp',
      'gatehouse',
      'SHA1',
    ]);
    expect((await visitor.flow(setup))['config_url']).toBe(first['config_url']);
    const key = decodeBase32(url.searchParams.get('secret') ?? '');
    const wrong = await visitor.flow(setup, { code: '000000' });
    expect(wrong.response_errors?.['code']?.[0]?.string).toBe('Code does not match');
    expect((await visitor.flow(setup, { code: codeNow(key) })).component).toBe('xak-flow-redirect');
    const login = createVisitor(core.url);
    await login.flow('default-authentication-flow');
    await login.flow('default-authentication-flow', { uid_field: username });
    const asked = await login.flow('default-authentication-flow', { password: testPassword });
    expect(asked.component).toBe('ak-stage-authenticator-validate');
    const again = await login.flow('default-authentication-flow', { code: codeNow(key) });
    expect(again.response_errors?.['code']).toHaveLength(1);
  });

  test('codes on paper are shown once, work once, and do not suffer from codes of the app', async () => {
    const { username, pk } = await makeUser(core);
    const visitor = await visitorAs(core, username);
    const setup = 'default-authenticator-static-setup';
    const { codes, component } = await visitor.flow(setup);
    expect([component, Array.isArray(codes) && codes.length]).toEqual(['ak-stage-authenticator-static', 6]);
    expect((await visitor.flow(setup))['codes']).toEqual(codes);
    expect((await visitor.flow(setup, {})).component).toBe('xak-flow-redirect');
    const key = Buffer.from('12345678901234567890');
    await core.deps.database.kysely
      .insertInto('devices')
      .values({ kind: 'totp', user_id: pk, settings: JSON.stringify({ key: key.toString('hex') }) })
      .execute();
    const enter = async (code: string) => {
      const login = createVisitor(core.url);
      await login.flow('default-authentication-flow');
      await login.flow('default-authentication-flow', { uid_field: username });
      await login.flow('default-authentication-flow', { password: testPassword });
      return (await login.flow('default-authentication-flow', { code })).component;
    };
    const [paper] = Array.isArray(codes) ? codes.map(String) : [];
    expect(await enter(codeNow(key))).toBe('xak-flow-redirect');
    expect(await enter(paper ?? '')).toBe('xak-flow-redirect');
    expect(await enter(paper ?? '')).toBe('ak-stage-authenticator-validate');
  });

  test('flow-executor 39: "configure" leads to the only set-up stage, and offers several', async () => {
    const identification = await stageNamed(core, 'identification', 'default-authentication-identification');
    const setups = [
      await stageNamed(core, 'authenticator/totp', 'default-authenticator-totp-setup'),
      await stageNamed(core, 'authenticator/static', 'default-authenticator-static-setup'),
    ];
    const component = async (stages: readonly string[], answer?: object) => {
      const { username } = await makeUser(core);
      const validate = { not_configured_action: 'configure', configuration_stages: stages };
      const { slug } = await makeFlow(core, [
        identification,
        await makeStage(core, 'authenticator/validate', validate),
      ]);
      const visitor = createVisitor(core.url);
      await visitor.flow(slug);
      const shown = await visitor.flow(slug, { uid_field: username });
      return answer === undefined ? shown : visitor.flow(slug, answer);
    };
    expect((await component([])).component).toBe('ak-stage-access-denied');
    expect((await component(setups.slice(0, 1))).component).toBe('ak-stage-authenticator-totp');
    expect((await component(setups))['configuration_stages']).toEqual([
      {
        pk: setups[0],
        name: 'TOTP Device',
        verbose_name: expect.any(String),
        meta_model_name: 'authentik_stages_authenticator_totp.authenticatortotpstage',
      },
      expect.objectContaining({ pk: setups[1] }),
    ]);
    expect((await component(setups, { selected_stage: setups[1] })).component).toBe('ak-stage-authenticator-static');
    const foreign = await component(setups, { selected_stage: identification });
    expect(foreign.response_errors?.['selected_stage']).toHaveLength(1);
  });

  test('within the threshold a browser that showed a second factor is not asked again', async () => {
    const { pk, username } = await makeUser(core);
    const key = Buffer.from('09876543210987654321');
    await core.deps.database.kysely
      .insertInto('devices')
      .values({ kind: 'totp', user_id: pk, settings: JSON.stringify({ key: key.toString('hex') }) })
      .execute();
    const validate = await makeStage(core, 'authenticator/validate', { last_auth_threshold: 'hours=1' });
    const identification = await stageNamed(core, 'identification', 'default-authentication-identification');
    const { slug } = await makeFlow(core, [identification, validate]);
    const visitor = createVisitor(core.url);
    await visitor.flow(slug);
    await visitor.flow(slug, { uid_field: username });
    expect((await visitor.flow(slug, { code: codeNow(key) })).component).toBe('xak-flow-redirect');
    expect(visitor.cookies.has('authentik_mfa')).toBe(true);
    await visitor.flow(slug);
    expect((await visitor.flow(slug, { uid_field: username })).component).toBe('xak-flow-redirect');
    await visitor.flow(slug);
    const other = await makeUser(core);
    await core.deps.database.kysely
      .insertInto('devices')
      .values({ kind: 'totp', user_id: other.pk, settings: JSON.stringify({ key: key.toString('hex') }) })
      .execute();
    expect((await visitor.flow(slug, { uid_field: other.username })).component).toBe('ak-stage-authenticator-validate');
  });
});

describe('login', () => {
  test('core 51: a bound session ends when its address changes, and an event says why', async () => {
    const { username } = await makeUser(core);
    const stages = [
      await stageNamed(core, 'identification', 'default-authentication-identification'),
      await stageNamed(core, 'password', 'default-authentication-password'),
      await makeStage(core, 'user_login', { network_binding: 'bind_asn' }),
    ];
    const { slug } = await makeFlow(core, stages);
    const home = { 'X-Forwarded-For': '192.0.2.1' };
    const visitor = createVisitor(core.url);
    for (const answer of [undefined, { uid_field: username }, { password: testPassword }])
      await visitor.flow(slug, answer, '', home);
    const me = async (address: string) =>
      (await visitor.fetch('/api/v3/core/users/me/', { headers: { 'X-Forwarded-For': address } })).status;
    expect([await me('192.0.2.1'), await me('198.51.100.1'), await me('192.0.2.1')]).toEqual([200, 403, 403]);
    const { results } = await core.call<{ results: { context: object; user: object }[] }>(
      'GET',
      '/events/events/?action=logout',
    );
    expect(results[0]).toMatchObject({ user: { username }, context: { binding: 'bind_asn' } });
  });

  test('a known device is recognised by its cookie', async () => {
    const { pk, username } = await makeUser(core);
    const visitor = await visitorAs(core, username, { 'X-Forwarded-For': '192.0.2.10' });
    expect(visitor.cookies.has('authentik_device')).toBe(true);
    const { results } = await core.call<{ results: { context: { auth_method_args: object } }[] }>(
      'GET',
      '/events/events/?action=login',
    );
    expect(results[0]?.context.auth_method_args).toEqual({ known_device: false });
    await core.call('DELETE', `/core/authenticated_sessions/bulk_delete/?user_pks=${pk}`);
    const later = createVisitor(core.url, { 'X-Forwarded-For': '192.0.2.11' });
    later.setCookie('authentik_device', visitor.cookies.get('authentik_device') ?? '');
    for (const answer of [undefined, { uid_field: username }, { password: testPassword }])
      await later.flow('default-authentication-flow', answer);
    const again = await core.call<{ results: { context: { auth_method_args: object } }[] }>(
      'GET',
      `/events/events/?action=login&username=${username}`,
    );
    expect(again.results[0]?.context.auth_method_args).toEqual({ known_device: true });
  });

  test('guessing is braked for an account at an address, not for others', async () => {
    const { username } = await makeUser(core);
    const headers = { 'X-Forwarded-For': '203.0.113.5' };
    const login = 'default-authentication-flow';
    const attempt = async (password: string, from = headers) => {
      const visitor = createVisitor(core.url, from);
      await visitor.flow(login);
      await visitor.flow(login, { uid_field: username });
      const answer = await visitor.flow(login, { password });
      return answer.response_errors?.['password']?.[0]?.code ?? answer.component;
    };
    for (let n = 0; n < 11; n += 1) expect(await attempt('wrong')).toBe('invalid');
    expect(await attempt(testPassword)).toBe('throttled');
    expect(await attempt(testPassword, { 'X-Forwarded-For': '203.0.113.6' })).toBe('xak-flow-redirect');
  });
});

describe('the brake', () => {
  test('an address is slowed down as a whole, but not one that an outpost speaks for', async () => {
    const { attemptOf, loginFailed, loginWaitSeconds } = await import('../policies/login-brake.ts');
    const clientIp = '203.0.113.77';
    const direct = { clientIp, outpost: undefined };
    const led = { clientIp, outpost: { username: 'ak-outpost' } };
    for (let n = 0; n < 201; n += 1) await loginFailed(core.deps, attemptOf(`guess-${n}`, direct));
    expect(await loginWaitSeconds(core.deps, attemptOf('somebody', direct))).toBeGreaterThan(0);
    expect(await loginWaitSeconds(core.deps, attemptOf('somebody', led))).toBe(0);
    expect(
      await loginWaitSeconds(core.deps, attemptOf('somebody', { clientIp: '203.0.113.78', outpost: undefined })),
    ).toBe(0);
  });
});

describe('consent', () => {
  test('flow-executor 12: the answer must carry the token that was shown', async () => {
    const { slug } = await makeFlow(core, [await makeStage(core, 'consent', { mode: 'always_require' })]);
    const visitor = createVisitor(core.url);
    const { token } = await visitor.flow(slug);
    expect((await visitor.flow(slug, { token: '' })).response_errors?.['token']).toHaveLength(1);
    expect((await visitor.flow(slug, { token })).response_errors?.['token']).toHaveLength(1);
  });
});

describe('leaving', () => {
  test('a configured stage is set up by its address; cancelling drops the plan', async () => {
    const { username } = await makeUser(core);
    const visitor = await visitorAs(core, username);
    const stage = await stageNamed(core, 'authenticator/static', 'default-authenticator-static-setup');
    const start = await visitor.fetch(`/flows/-/configure/${stage}/`);
    expect(start.headers.get('Location')).toBe('/if/flow/default-authenticator-static-setup/');
    expect((await visitor.flow('default-authenticator-static-setup'))['pending_user']).toBe(username);
    expect((await visitor.fetch('/flows/-/cancel/?next=/x')).headers.get('Location')).toBe('/x');
    const out = await visitor.fetch('/flows/-/cancel/?next=https://evil.example');
    expect(out.headers.get('Location')).toBe('/flows/-/default/invalidation/');
    const nobody = await createVisitor(core.url).fetch(`/flows/-/configure/${stage}/`);
    expect(nobody.headers.get('Location')).toMatch(/^\/flows\/-\/default\/authentication\/\?next=/);
    const login = await stageNamed(core, 'user_login', 'default-authentication-login');
    expect((await visitor.fetch(`/flows/-/configure/${login}/`)).status).toBe(404);
  });

  test('core 87: the brand’s flow, else the first by slug whose policies pass, else 404', async () => {
    const brand = (await core.call<{ results: { pk: string; flow_authentication: string }[] }>('GET', '/core/brands/'))
      .results[0];
    const target = async () =>
      (await createVisitor(core.url).fetch('/flows/-/default/authentication/?x=1')).headers.get('Location');
    expect(await target()).toBe('/if/flow/default-authentication-flow/?x=1');
    const first = await makeFlow(core, [], { slug: 'a-first', name: 'a-first' });
    const group = await core.call<{ pk: string }>('POST', '/core/groups/', { name: uniqueName('group') });
    await bind(core, first.policybindingmodel_ptr_id, { group: group.pk });
    await core.call('PATCH', `/core/brands/${brand?.pk}/`, { flow_authentication: null });
    expect(await target()).toBe('/if/flow/default-authentication-flow/?x=1');
    await core.call('PATCH', `/core/brands/${brand?.pk}/`, { flow_authentication: first.pk });
    expect(await target()).toBe('/if/flow/a-first/?x=1');
    await core.call('PATCH', `/core/brands/${brand?.pk}/`, { flow_authentication: brand?.flow_authentication });
    await core.call('DELETE', '/flows/instances/a-first/');
  });

  test('flow-executor 13: the inspector shows a plan to those who may see it, secrets masked', async () => {
    const admin = await visitorAs(core, 'akadmin');
    const change = 'default-password-change';
    const see = (who: typeof admin) => who.fetch(`/api/v3/flows/inspector/${change}/`);
    expect((await see(await visitorAs(core, 'grace'))).status).toBe(404);
    await admin.flow(change);
    expect(await (await see(admin)).json()).toMatchObject({
      plans: [],
      is_completed: false,
      current_plan: {
        current_stage: { stage_obj: { name: 'default-password-change-prompt' } },
        next_planned_stage: { stage_obj: { name: 'default-password-change-write' } },
      },
    });
    const twice = { password: 'a secret of the plan', password_repeat: 'a secret of the plan' };
    const write = await makeStage(core, 'dummy');
    const prompts = await core.call<{ results: { pk: string; field_key: string }[] }>(
      'GET',
      '/stages/prompt/prompts/?type=password&page_size=100',
    );
    const fields = ['password', 'password_repeat'].flatMap(
      (name) => prompts.results.find(({ field_key }) => field_key === name)?.pk ?? [],
    );
    const { slug } = await makeFlow(core, [await makeStage(core, 'prompt/stages', { fields }), write]);
    await admin.flow(slug);
    expect((await admin.flow(slug, twice)).component).toBe('ak-stage-dummy');
    const shown = JSON.stringify(await (await admin.fetch(`/api/v3/flows/inspector/${slug}/`)).json());
    expect([shown.includes('password_repeat'), shown.includes('a secret of the plan')]).toEqual([true, false]);
  });
});

function decodeBase32(text: string): Buffer {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...text].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}
