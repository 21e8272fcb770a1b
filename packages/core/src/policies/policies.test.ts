// core.md §22, "Policies, flows, expressions": against a whole core.
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  bind,
  createVisitor,
  makeFlow,
  makeStage,
  makeUser,
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

const make = async (kind: string, values: object): Promise<string> => {
  const policy = await core.call<{ pk: string }>('POST', `/policies/${kind}/`, {
    name: uniqueName('policy'),
    ...values,
  });
  return policy.pk;
};
const expression = (text: string) => make('expression', { expression: text });
const tryOut = (policy: string, values: object = {}) =>
  core.call<{ passing: boolean; messages: string[] }>('POST', `/policies/all/${policy}/test/`, values);
const passes = async (text: string, values: object = {}) => (await tryOut(await expression(text), values)).passing;
const events = async (action: string) =>
  (
    await core.call<{ results: { context: Record<string, unknown>; app: string }[] }>(
      'GET',
      `/events/events/?action=${action}`,
    )
  ).results;

/** A flow whose only stage is seen by those for whom its bindings pass. */
async function gate(mode: 'any' | 'all' = 'any', settings: object = {}) {
  const dummy = await makeStage(core, 'dummy');
  const flow = await makeFlow(core, [dummy], {
    policy_engine_mode: mode,
    designation: 'stage_configuration',
    ...settings,
  });
  const opens = async (visitor = createVisitor(core.url)) =>
    (await visitor.flow(flow.slug)).component === 'ak-stage-dummy';
  return { target: flow.policybindingmodel_ptr_id, opens };
}

describe('engine', () => {
  test('core 70: any and all, over bindings to groups and policies', async () => {
    const groups = [await newGroup(), await newGroup()];
    const { username } = await makeUser(core, { groups: [groups[1]] });
    const visitor = await visitorAs(core, username);
    const failing = await expression('return False');
    for (const [mode, alone, withPolicy] of [
      ['any', true, true],
      ['all', false, false],
    ] as const) {
      const { target, opens } = await gate(mode);
      for (const group of groups) await bind(core, target, { group });
      expect(await opens(visitor)).toBe(alone);
      await bind(core, target, { policy: failing, order: 5 });
      expect(await opens(visitor)).toBe(withPolicy);
    }
  });

  test('core 71: a negated group binding passes for others; nobody holds none', async () => {
    const { target, opens } = await gate();
    const group = await newGroup();
    const { pk } = await bind(core, target, { group, negate: true });
    const { username } = await makeUser(core);
    expect(await opens(await visitorAs(core, username))).toBe(true);
    expect(await opens()).toBe(false);
    await core.call('PATCH', `/policies/bindings/${pk}/`, { negate: false });
    expect(await opens()).toBe(false);
  });

  test('core 72: an error gives the failure result and an event; what is too slow is aborted', async () => {
    const broken = await expression('return 1 / 0');
    for (const failure_result of [true, false]) {
      const { target, opens } = await gate();
      await bind(core, target, { policy: broken, failure_result });
      expect(await opens()).toBe(failure_result);
    }
    expect((await events('policy_exception'))[0]?.context).toMatchObject({
      policy_uuid: broken,
      message: expect.stringContaining('ZeroDivisionError'),
    });
    const slow = await make('dummy', { result: true, wait_min: 600, wait_max: 601 });
    const { target, opens } = await gate();
    await bind(core, target, { policy: slow, timeout: 1, failure_result: false });
    const started = performance.now();
    expect(await opens()).toBe(false);
    expect(performance.now() - started).toBeLessThan(60_000);
  });

  test('core 73: disabled bindings do not count', async () => {
    const { target, opens } = await gate();
    const { pk } = await bind(core, target, { policy: await expression('return False'), enabled: false });
    expect(await opens()).toBe(true);
    await core.call('PATCH', `/policies/bindings/${pk}/`, { enabled: true });
    expect(await opens()).toBe(false);
  });

  test('core 74: messages reach whoever tests a policy, and the visitor who is denied', async () => {
    const policy = await expression('ak_message("x")\nreturn False');
    expect(await tryOut(policy)).toEqual({ passing: false, messages: ['x'], log_messages: [] });
    const { target } = await gate();
    await bind(core, target, { policy });
  });

  test('core 80: a binding that is never evaluated is refused; one that is sees the plan', async () => {
    const stage = await makeStage(core, 'dummy');
    const flow = await makeFlow(core, []);
    const never = { target: flow.pk, stage, order: 1, evaluate_on_plan: false, re_evaluate_policies: false };
    await expect(core.call('POST', '/flows/bindings/', never)).rejects.toThrow(/answered 400/);
    const prompt = await core.call<{ pk: string }>('POST', '/stages/prompt/prompts/', {
      name: uniqueName('prompt'),
      field_key: 'town',
      label: '',
      type: 'text',
    });
    const asked = await makeStage(core, 'prompt/stages', { fields: [prompt.pk] });
    const { slug, bindings } = await makeFlow(core, [asked, stage]);
    const text = 'return request.context["flow_plan"].context["prompt_data"]["town"] == "Graz"';
    await bind(core, bindings[1]?.policybindingmodel_ptr_id, { policy: await expression(text) });
    for (const [town, component] of [
      ['Graz', 'ak-stage-dummy'],
      ['Wien', 'xak-flow-redirect'],
    ]) {
      const visitor = createVisitor(core.url);
      await visitor.flow(slug);
      expect((await visitor.flow(slug, { town })).component).toBe(component);
    }
  });

  test('core 81: requirements of flows', async () => {
    const visitor = await visitorAs(core, 'grace');
    const admin = await visitorAs(core, 'akadmin');
    const open = async (authentication: string, who = createVisitor(core.url)) =>
      (await gate('any', { authentication })).opens(who);
    expect([await open('require_unauthenticated'), await open('require_unauthenticated', visitor)]).toEqual([
      true,
      false,
    ]);
    expect([await open('require_authenticated'), await open('require_authenticated', visitor)]).toEqual([false, true]);
    expect([await open('require_superuser', visitor), await open('require_superuser', admin)]).toEqual([false, true]);
    expect(await open('require_redirect')).toBe(false);
    const dummy = await makeStage(core, 'dummy');
    const target = await makeFlow(core, [dummy], { authentication: 'require_redirect' });
    const redirect = await makeStage(core, 'redirect', { mode: 'flow', target_flow: target.pk });
    const { slug } = await makeFlow(core, [redirect]);
    const led = createVisitor(core.url);
    expect(await led.flow(slug)).toMatchObject({ component: 'xak-flow-redirect', to: `/if/flow/${target.slug}/` });
    expect((await led.flow(target.slug)).component).toBe('ak-stage-dummy');
  });

  test('core 82: a relative next is gone to, an absolute one refused', async () => {
    const { slug } = await makeFlow(core, []);
    const to = async (next: string) =>
      createVisitor(core.url).flow(slug, undefined, new URLSearchParams({ next }).toString());
    expect(await to('/here')).toEqual({ component: 'xak-flow-redirect', to: '/here' });
    expect((await to('https://elsewhere.example/')).component).toBe('ak-stage-access-denied');
  });

  test('core 83: an unknown name and a wrong password look the same', async () => {
    const answer = async (username: string) => {
      const visitor = createVisitor(core.url);
      const login = 'default-authentication-flow';
      const steps = [await visitor.flow(login), await visitor.flow(login, { uid_field: username })];
      const last = await visitor.flow(login, { password: 'wrong' });
      return JSON.stringify([...steps, last])
        .replaceAll(username, 'NAME')
        .replace(/"data:image[^"]*"/g, '"…"');
    };
    const known = (await answer('grace')).replaceAll('/static/dist/assets/images/user_default.png', '…');
    const unknown = (await answer('nobody-here')).replaceAll('/static/dist/assets/images/user_default.png', '…');
    expect(unknown).toBe(known);
  });
});

describe('kinds', () => {
  test('core 77: minimum length, and a guessed password at the threshold fails', async () => {
    const short = await make('password', { length_min: 8, error_message: 'Too short.' });
    expect(await tryOut(short, { context: { password: 'seven77' } })).toMatchObject({
      passing: false,
      messages: ['Too short.'],
    });
    expect((await tryOut(short, { context: { prompt_data: { password: 'eight888' } } })).passing).toBe(true);
    expect((await tryOut(short)).messages).toEqual(['Password not set in context']);
    const two = { context: { password: 'Tr0ub4dour&3' } };
    expect((await tryOut(await make('password', { check_zxcvbn: true, zxcvbn_score_threshold: 2 }), two)).passing).toBe(
      false,
    );
    expect((await tryOut(await make('password', { check_zxcvbn: true, zxcvbn_score_threshold: 1 }), two)).passing).toBe(
      true,
    );
    const signs = await make('password', { amount_digits: 1, amount_uppercase: 1, amount_symbols: 1 });
    expect((await tryOut(signs, { context: { password: 'Abc1' } })).passing).toBe(false);
    expect((await tryOut(signs, { context: { password: 'Abc1!' } })).passing).toBe(true);
  });

  test('a breached password is found without a way out; an unreadable list lets nobody through', async () => {
    const policy = await make('password', { check_static_rules: false, check_have_i_been_pwned: true });
    const hash = createHash('sha1').update('letmein').digest('hex').toUpperCase();
    await writeFile(
      join(core.folder, `${hash.slice(0, 5)}.txt`),
      `0000000000000000000000000000000000A:3\r\n${hash.slice(5)}:41\r\n`,
    );
    expect(await tryOut(policy, { context: { password: 'letmein' } })).toMatchObject({
      passing: false,
      messages: ['Password exists on 41 online lists.'],
    });
    expect((await tryOut(policy, { context: { password: 'of a range that is not there' } })).passing).toBe(false);
  });

  test('core 78: failures lower the reputation to the limit, a success raises it', async () => {
    const { username, pk } = await makeUser(core);
    const headers = { 'X-Forwarded-For': '198.51.100.78' };
    const login = 'default-authentication-flow';
    const attempt = async (password: string) => {
      const visitor = createVisitor(core.url, headers);
      await visitor.flow(login);
      await visitor.flow(login, { uid_field: username });
      await visitor.flow(login, { password });
    };
    const policy = await make('reputation', { check_ip: false, threshold: -5 });
    for (let n = 0; n < 6; n += 1) {
      expect((await tryOut(policy, { user: pk })).passing).toBe(n >= 5);
      await attempt('wrong');
    }
    const scores = async () =>
      (
        await core.call<{ results: { score: number }[] }>('GET', `/policies/reputation/scores/?identifier=${username}`)
      ).results.map(({ score }) => score);
    expect(await scores()).toEqual([-5]);
    await attempt(testPassword);
    expect(await scores()).toEqual([-4]);
  });

  test('core 79: an expired password opens nothing any more, unless the policy only denies', async () => {
    const { username, pk } = await makeUser(core);
    await core.deps.database.kysely
      .updateTable('users')
      .set({ password_change_date: new Date(Date.now() - 10 * 86_400_000) })
      .where('id', '=', pk)
      .execute();
    const check = async (values: object) => tryOut(await make('password_expiry', values), { user: pk });
    expect((await check({ days: 11 })).passing).toBe(true);
    expect((await check({ days: 10, deny_only: true })).passing).toBe(false);
    await visitorAs(core, username);
    expect((await check({ days: 10 })).passing).toBe(false);
    await expect(visitorAs(core, username)).rejects.toThrow(/was not logged in/);
  });
});

describe('expressions', () => {
  test('core 75: what is no expression is refused, and what cannot be run never passes', async () => {
    const post = (text: string) =>
      core.call('POST', '/policies/expression/', { name: uniqueName('policy'), expression: text });
    await expect(post('return (')).rejects.toThrow(/"expression":\["A bracket is never closed.*line 1/);
    await expect(post('if False:\n    import os\nreturn True')).rejects.toThrow(/The module os cannot be used.*line 2/);
    await expect(post('class A:\n    pass')).rejects.toThrow(/The statement class cannot be used.*line 1/);
    // As a blueprint stores it.
    const stored = await expression('return True');
    await core.deps.database.kysely
      .updateTable('policies')
      .set({ settings: JSON.stringify({ expression: 'import os\nreturn True' }) })
      .where('uuid', '=', stored)
      .execute();
    expect(await tryOut(stored)).toMatchObject({ passing: false, messages: [expect.stringContaining('module os')] });
  });

  test('core 76: an endless loop is stopped', async () => {
    const policy = await expression('while True:\n    pass');
    expect(await tryOut(policy)).toMatchObject({
      passing: false,
      messages: [expect.stringMatching(/steps|ran for more than/)],
    });
  });

  test('users, groups, requests and functions are as the contract names them', async () => {
    const parent = await newGroup();
    const child = await core.call<{ pk: string; name: string }>('POST', '/core/groups/', {
      name: uniqueName('group'),
      parents: [parent],
      attributes: { floor: 3, list: [1] },
    });
    const { pk, username } = await makeUser(core, {
      email: 'x@corp.test',
      groups: [child.pk],
      attributes: { list: [2], settings: { locale: 'de' } },
    });
    const user = { user: pk };
    const holds = [
      `request.user.username == "${username}" and request.user.pk == ${pk}`,
      'request.user.email.endswith("@corp.test")',
      `[g.name for g in request.user.groups.all()] == ["${child.name}"]`,
      `request.user.groups.filter(name__icontains="${child.name.toUpperCase()}").exists()`,
      'len(request.user.all_groups()) == 2',
      `ak_is_group_member(request.user, group_uuid="${parent}")`,
      'request.user.group_attributes()["floor"] == 3 and request.user.group_attributes()["list"] == [1, 2]',
      'request.user.locale() == "de" and request.user.has_usable_password()',
      `ak_user_by(username="${username}") == request.user and ak_user_by(username="nope") is None`,
      'not ak_user_has_authenticator(request.user)',
      'ip_address("10.1.2.3") in ip_network("10.0.0.0/8") and ip_address("10.1.2.3").is_private',
      'regex_match("corp-7", "^corp-[0-9]$") and regex_replace("a-b", "-", "+") == "a+b"',
      'slugify("Ärger & Mehr") == "arger-mehr" and list_flatten(["x"]) == "x" and list_flatten([]) is None',
      '"goauthentik.io" in __import_constant()',
    ];
    const prelude =
      'def __import_constant():\n    from authentik.core.models import USER_ATTRIBUTE_SOURCES\n    return USER_ATTRIBUTE_SOURCES\n';
    for (const text of holds) expect([text, await passes(`${prelude}return ${text}`, user)]).toEqual([text, true]);
  });

  test('imports of the small selection work, and patterns take linear time', async () => {
    const holds = [
      'import re\nreturn re.match(r"(?P<user>\\w+)@", "ada@x").group("user") == "ada"',
      'import re\nreturn re.sub(r"(\\d)", r"<\\1>", "a1b2") == "a<1>b<2>" and re.findall("[a-z]", "a1b") == ["a", "b"]',
      'import json\nreturn json.loads(json.dumps({"a": [1, None]})) == {"a": [1, None]}',
      'from datetime import datetime, timedelta\nreturn datetime(2026, 5, 1) + timedelta(days=1) > datetime(2026, 5, 1, 23)',
      'import hashlib\nreturn hashlib.sha256("a".encode()).hexdigest().startswith("ca978112")',
      'import base64\nreturn base64.b64encode(b"hi").decode() == "aGk="',
      'return not regex_match("a" * 30 + "!", "^(a+)+$")',
    ];
    for (const text of holds) expect([text, await passes(text)]).toEqual([text, true]);
    expect((await tryOut(await expression('return regex_match("x", "(?=x)")'))).passing).toBe(false);
  });

  test('what the expressions of authentik’s own blueprints look at is there', async () => {
    const settings = 'from authentik.admin.utils import get_system_settings\nreturn get_system_settings()';
    const holds = [
      `${settings}.default_user_change_name is True`,
      `${settings}.default_user_change_email is False`,
      'return request.http_request.build_absolute_uri("/a?b=c").endswith("/a?b=c")',
      'return request.http_request.build_absolute_uri("/").rstrip("/").startswith("http://")',
      'return not hasattr(request.user, "backend")',
    ];
    const gated = async (text: string) => {
      const { target, opens } = await gate();
      await bind(core, target, { policy: await expression(text) });
      return opens();
    };
    for (const text of holds) expect([text, await gated(text)]).toEqual([text, true]);
  });

  test('who has given the password together with the name has a backend, as authentik’s own policy asks', async () => {
    const text = 'return not hasattr(context["flow_plan"].context.get("pending_user"), "backend")';
    const { username } = await makeUser(core);
    const password = await makeStage(core, 'password', { backends: ['authentik.core.auth.InbuiltBackend'] });
    const stages = async (embedded: object) => {
      const who = await makeStage(core, 'identification', { user_fields: ['username'], ...embedded });
      const flow = await makeFlow(
        core,
        [who, password, await makeStage(core, 'dummy')],
        {},
        { re_evaluate_policies: true },
      );
      await bind(core, flow.bindings[1]?.policybindingmodel_ptr_id, { policy: await expression(text) });
      return flow.slug;
    };
    const apart = await stages({});
    const visitor = createVisitor(core.url);
    expect((await visitor.flow(apart, { uid_field: username })).component).toBe('ak-stage-password');
    const together = await stages({ password_stage: password });
    const other = createVisitor(core.url);
    const answer = { uid_field: username, password: testPassword };
    expect((await other.flow(together, answer)).component).toBe('ak-stage-dummy');
  });

  test('a policy can ask another one, but not for ever', async () => {
    const name = uniqueName('policy');
    await core.call('POST', '/policies/expression/', { name, expression: 'return context["n"] > 1' });
    expect(await passes(`return ak_call_policy("${name}", n=2).passing`)).toBe(true);
    expect(await passes(`return ak_call_policy("${name}", n=1).passing`)).toBe(false);
    const own = uniqueName('policy');
    const { pk } = await core.call<{ pk: string }>('POST', '/policies/expression/', {
      name: own,
      expression: `return ak_call_policy("${own}").passing`,
    });
    expect((await tryOut(pk)).passing).toBe(false);
  });

  test('the shipped user settings flow offers what is there, and refuses what is not the user’s to change', async () => {
    const { username } = await makeUser(core, { email: 'mine@corp.test', name: 'Mine' });
    const visitor = await visitorAs(core, username);
    const flow = 'default-user-settings-flow';
    const { fields } = await visitor.flow(flow);
    expect(fields).toMatchObject([
      { field_key: 'username', initial_value: username },
      { field_key: 'name', initial_value: 'Mine' },
      { field_key: 'email', initial_value: 'mine@corp.test' },
      { field_key: 'attributes.settings.locale', initial_value: '' },
    ]);
    const values = { username, name: 'Other', email: 'mine@corp.test', 'attributes.settings.locale': 'de' };
    const refused = await visitor.flow(flow, { ...values, email: 'other@corp.test' });
    expect(refused.response_errors?.['non_field_errors']?.[0]?.string).toBe('Not allowed to change email address.');
    expect((await visitor.flow(flow, values)).component).toBe('xak-flow-redirect');
    const user = (await core.call<{ results: object[] }>('GET', `/core/users/?username=${username}`)).results[0];
    expect(user).toMatchObject({ name: 'Other', attributes: { settings: { locale: 'de' } } });
  });

  test('the shipped initial set-up is open only while akadmin has no password', async () => {
    const setup = 'initial-setup';
    expect((await createVisitor(core.url).flow(setup)).component).toBe('ak-stage-access-denied');
    const stored = await core.deps.database.kysely
      .selectFrom('users')
      .select('password')
      .where('username', '=', 'akadmin')
      .executeTakeFirstOrThrow();
    await core.deps.database.kysely
      .updateTable('users')
      .set({ password: '!' })
      .where('username', '=', 'akadmin')
      .execute();
    const visitor = createVisitor(core.url);
    expect((await visitor.flow(setup)).component).toBe('ak-stage-prompt');
    const password = 'chosen at first start';
    const done = await visitor.flow(setup, { email: 'root@corp.test', password, password_repeat: password });
    expect(done.component).toBe('xak-flow-redirect');
    const me = await (await visitor.fetch('/api/v3/core/users/me/')).json();
    expect(me).toMatchObject({ user: { username: 'akadmin', email: 'root@corp.test' } });
    expect((await createVisitor(core.url).flow(setup)).component).toBe('ak-stage-access-denied');
    await core.deps.database.kysely.updateTable('users').set(stored).where('username', '=', 'akadmin').execute();
  });
});

describe('mappings', () => {
  const mapping = async (kind: 'scope' | 'radius', values: object): Promise<string> => {
    const given = { name: uniqueName('mapping'), ...(kind === 'scope' ? { scope_name: 'x' } : {}), ...values };
    return (await core.call<{ pk: string }>('POST', `/propertymappings/provider/${kind}/`, given)).pk;
  };
  const tryMapping = (pk: string, values: object = {}) =>
    core.call<{ result: string; successful: boolean }>('POST', `/propertymappings/all/${pk}/test/`, values);

  test('core 88: the shipped mappings give what the contract says', async () => {
    const group = await core.call<{ pk: string; name: string }>('POST', '/core/groups/', {
      name: uniqueName('group'),
      attributes: { a: 1 },
    });
    const { pk, username } = await makeUser(core, {
      name: 'Full Name',
      email: 'f@n.test',
      groups: [group.pk],
      attributes: { b: 2 },
    });
    const { results } = await core.call<{ results: { pk: string; scope_name: string; managed: string }[] }>(
      'GET',
      '/propertymappings/provider/scope/?managed__isnull=false',
    );
    const result = async (scope: string) => {
      const found = results.find(({ scope_name }) => scope_name === scope);
      return JSON.parse(
        (await tryMapping(found?.pk ?? '', { user: pk, context: { provider: { application: null } } })).result,
      );
    };
    expect(await result('openid')).toEqual({});
    expect(await result('offline_access')).toEqual({});
    expect(await result('goauthentik.io/api')).toEqual({});
    expect(await result('email')).toEqual({ email: 'f@n.test', email_verified: false });
    expect(await result('profile')).toEqual({
      name: 'Full Name',
      given_name: 'Full Name',
      preferred_username: username,
      nickname: username,
      groups: [group.name],
    });
    expect(await result('ak_proxy')).toEqual({ ak_proxy: { user_attributes: { a: 1, b: 2 }, is_superuser: false } });
  });

  test('core 63: RADIUS mappings fill a packet; one that throws gives null and an event', async () => {
    const good = await mapping('radius', {
      name: 'a good mapping',
      expression: [
        'define_attribute(9, "Cisco", "AV-Pair", 1, "string")',
        'packet["Cisco-AV-Pair"] = "shell:priv-lvl=15"',
        'packet[64] = [b"\\x01\\x00\\x00\\x0d"]',
        'packet["Session-Timeout"] = 3600',
        'packet["Filter-Id"] = "group-" + user.username',
        'packet["Service-Type"] = "Administrative-User"',
        'packet["Class"] = b"authentik"',
        'packet.AddAttribute("Reply-Message", "a")',
        'packet.AddAttribute("Reply-Message", "b")',
      ].join('\n'),
    });
    const provider = (await core.call<{ results: { pk: number }[] }>('GET', '/providers/radius/')).results[0];
    const patch = (mappings: string[]) =>
      core.call('PATCH', `/providers/radius/${provider?.pk}/`, { property_mappings: mappings });
    const visitor = await visitorAs(core, 'grace');
    const ask = async (): Promise<{ attributes: string | null; access: { passing: boolean } }> =>
      (await visitor.fetch(`/api/v3/outposts/radius/${provider?.pk}/check_access/?app_slug=network`)).json() as never;
    await patch([good]);
    const { attributes, access } = await ask();
    expect(access.passing).toBe(true);
    const packet = Buffer.from(attributes ?? '', 'base64');
    expect([packet[0], packet.readUInt16BE(2)]).toEqual([1, packet.length]);
    expect(packet.subarray(20).toString('hex')).toBe(
      '1a190000000901137368656c6c3a707269762d6c766c3d3135' +
        '40060100000d' +
        '1b0600000e10' +
        `0b0d${Buffer.from('group-grace').toString('hex')}` +
        '060600000006' +
        '190b61757468656e74696b' +
        '120361120362',
    );
    const bad = await mapping('radius', { name: 'b bad mapping', expression: 'packet["No-Such-Attribute"] = 1' });
    await patch([good, bad]);
    expect(await ask()).toMatchObject({ attributes: null, access: { passing: true } });
    expect((await events('property_mapping_exception'))[0]?.context).toMatchObject({
      mapping: { name: 'b bad mapping' },
      message: expect.stringContaining('No-Such-Attribute'),
    });
    await patch([]);
    expect(Buffer.from((await ask()).attributes ?? '', 'base64')).toHaveLength(20);
  });

  test('core 75: a mapping that is no expression is refused; one that fails says why', async () => {
    await expect(mapping('scope', { expression: 'return {' })).rejects.toThrow(/"expression"/);
    const failing = await mapping('scope', { expression: 'return {"a": nope}' });
    expect(await tryMapping(failing)).toEqual({
      result: expect.stringContaining("name 'nope' is not defined"),
      successful: false,
    });
  });
});

async function newGroup(): Promise<string> {
  return (await core.call<{ pk: string }>('POST', '/core/groups/', { name: uniqueName('group') })).pk;
}
