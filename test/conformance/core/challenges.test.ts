// flow-executor.md §10–§12: the JSON of each challenge that this core shows, with exactly the fields of the contract.
import {
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
} from '@gatehouse/core/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

let core: TestCore;
beforeAll(async () => {
  core = await startTestCore();
}, 60_000);
afterAll(() => core?.[Symbol.asyncDispose]());

const info = (slug: string) => ({
  title: slug,
  background: expect.stringContaining('flow_background.jpg'),
  background_themed_urls: null,
  cancel_url: '/flows/-/cancel/',
  layout: 'stacked',
});
const of = (username: string) => ({ pending_user: username, pending_user_avatar: expect.any(String) });

async function identified(stages: readonly string[], settings: object = {}) {
  const identification = await stageNamed(core, 'identification', 'default-authentication-identification');
  const { slug } = await makeFlow(core, [identification, ...stages], settings);
  const { username, pk } = await makeUser(core);
  const visitor = createVisitor(core.url);
  await visitor.flow(slug);
  return { visitor, slug, username, pk, shown: await visitor.flow(slug, { uid_field: username }) };
}

test('flow-executor §11.1: identification, plain and with everything', async () => {
  const { slug } = await makeFlow(core, [
    await stageNamed(core, 'identification', 'default-authentication-identification'),
  ]);
  const plain = {
    flow_info: info(slug),
    component: 'ak-stage-identification',
    user_fields: ['email', 'username'],
    password_fields: false,
    allow_show_password: false,
    flow_designation: 'authentication',
    captcha_stage: null,
    primary_action: 'Log in',
    sources: [],
    show_source_labels: false,
    enable_remember_me: false,
    passkey_challenge: null,
  };
  expect(await createVisitor(core.url).flow(slug)).toEqual(plain);
  const recovery = await makeFlow(core, [], { designation: 'recovery' });
  const stage = await makeStage(core, 'identification', {
    user_fields: ['upn'],
    password_stage: await stageNamed(core, 'password', 'default-authentication-password'),
    recovery_flow: recovery.pk,
    enrollment_flow: recovery.pk,
    passwordless_flow: recovery.pk,
    show_source_labels: true,
    enable_remember_me: true,
  });
  const whole = await makeFlow(core, [stage], { designation: 'recovery' });
  const address = `/if/flow/${recovery.slug}/`;
  expect(await createVisitor(core.url).flow(whole.slug)).toEqual({
    ...plain,
    flow_info: info(whole.slug),
    user_fields: ['upn'],
    password_fields: true,
    flow_designation: 'recovery',
    primary_action: 'Continue',
    show_source_labels: true,
    enable_remember_me: true,
    recovery_url: address,
    enroll_url: address,
    passwordless_url: address,
  });
});

test('flow-executor §10, §11.2: password, and the errors of an answer', async () => {
  const { visitor, slug, username, shown } = await identified([
    await stageNamed(core, 'password', 'default-authentication-password'),
  ]);
  const password = {
    flow_info: info(slug),
    component: 'ak-stage-password',
    ...of(username),
    allow_show_password: false,
  };
  expect(shown).toEqual(password);
  const errors = (string: string, code: string) => ({ ...password, response_errors: { password: [{ string, code }] } });
  expect(await visitor.flow(slug, { password: '' })).toEqual(errors('This field may not be blank.', 'blank'));
  expect(await visitor.flow(slug, {})).toEqual(errors('This field is required.', 'required'));
  expect(await visitor.flow(slug, { password: 'wrong' })).toEqual(errors('Invalid password', 'invalid'));
});

test('flow-executor §11.3: validation of a second factor', async () => {
  const validate = await makeStage(core, 'authenticator/validate');
  const { visitor, slug, username, pk } = await identified([validate, await makeStage(core, 'dummy')]);
  const device = { kind: 'totp', user_id: pk, settings: JSON.stringify({ key: '00' }) };
  const { id } = await core.deps.database.kysely
    .insertInto('devices')
    .values(device)
    .returning('id')
    .executeTakeFirstOrThrow();
  await visitor.fetch('/flows/-/cancel/');
  await visitor.flow(slug);
  expect(await visitor.flow(slug, { uid_field: username })).toEqual({
    flow_info: info(slug),
    component: 'ak-stage-authenticator-validate',
    ...of(username),
    device_challenges: [{ device_class: 'totp', device_uid: String(id), challenge: {}, last_used: null }],
    configuration_stages: [],
  });
});

test('flow-executor §11.4, §11.6, §11.8: login that offers to remember, denial, dummy', async () => {
  const login = await makeStage(core, 'user_login', { remember_me_offset: 'days=3' });
  const asked = await identified([login]);
  expect(asked.shown).toEqual({
    flow_info: info(asked.slug),
    component: 'ak-stage-user-login',
    ...of(asked.username),
  });
  const denied = await identified([await makeStage(core, 'deny', { deny_message: 'Not here.' })]);
  expect(denied.shown).toEqual({
    flow_info: info(denied.slug),
    component: 'ak-stage-access-denied',
    ...of(denied.username),
    error_message: 'Not here.',
  });
  const nobody = await makeFlow(core, [await makeStage(core, 'deny')]);
  expect(await createVisitor(core.url).flow(nobody.slug)).toEqual({
    flow_info: info(nobody.slug),
    component: 'ak-stage-access-denied',
    pending_user: '',
    pending_user_avatar: expect.stringContaining('user_default.png'),
    error_message: 'Unknown error',
  });
  const name = uniqueName('dummy');
  const dummy = await makeFlow(core, [await makeStage(core, 'dummy', { name })]);
  expect(await createVisitor(core.url).flow(dummy.slug)).toEqual({
    flow_info: info(dummy.slug),
    component: 'ak-stage-dummy',
    name,
  });
});

test('flow-executor §11.7, §11.9: redirect of a finished flow and of a stage, and a flow that breaks', async () => {
  const { slug } = await makeFlow(core, []);
  expect(await createVisitor(core.url).flow(slug)).toEqual({ component: 'xak-flow-redirect', to: '/' });
  const stage = await makeStage(core, 'redirect', { mode: 'static', target_static: 'https://some.test/' });
  const led = await makeFlow(core, [stage]);
  expect(await createVisitor(core.url).flow(led.slug)).toEqual({
    flow_info: info(led.slug),
    component: 'xak-flow-redirect',
    to: 'https://some.test/',
  });
  const broken = await makeFlow(core, [await makeStage(core, 'dummy', { throw_error: true })]);
  expect(await createVisitor(core.url).flow(broken.slug)).toEqual({
    component: 'ak-stage-flow-error',
    request_id: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
});

test('flow-executor §12: set-up of an authenticator app and of recovery codes', async () => {
  const { username } = await makeUser(core);
  const visitor = await visitorAs(core, username);
  const titled = { ...info(''), title: expect.any(String) };
  expect(await visitor.flow('default-authenticator-totp-setup')).toEqual({
    flow_info: titled,
    component: 'ak-stage-authenticator-totp',
    ...of(username),
    config_url: expect.stringMatching(/^otpauth:\/\/totp\//),
  });
  expect(await visitor.flow('default-authenticator-static-setup')).toEqual({
    flow_info: titled,
    component: 'ak-stage-authenticator-static',
    ...of(username),
    codes: expect.arrayContaining([expect.stringMatching(/^\w{12}$/)]),
  });
});

test('flow-executor §12: prompt and consent', async () => {
  const { pk } = await core.call<{ pk: string }>('POST', '/stages/prompt/prompts/', {
    name: uniqueName('prompt'),
    field_key: 'town',
    label: 'Town',
    type: 'dropdown',
    required: false,
    placeholder: 'Graz',
    placeholder_expression: false,
    initial_value: 'Graz',
    order: 3,
    sub_text: 'Where you live.',
  });
  const asked = await makeFlow(core, [await makeStage(core, 'prompt/stages', { fields: [pk] })]);
  expect(await createVisitor(core.url).flow(asked.slug)).toEqual({
    flow_info: info(asked.slug),
    component: 'ak-stage-prompt',
    fields: [
      {
        field_key: 'town',
        label: 'Town',
        type: 'dropdown',
        required: false,
        placeholder: '', // it holds the choices
        initial_value: 'Graz',
        order: 3,
        sub_text: 'Where you live.',
        choices: [{ value: 'Graz', label: 'Graz' }],
      },
    ],
  });
  const { visitor, slug, username } = await identified([
    await stageNamed(core, 'password', 'default-authentication-password'),
    await makeStage(core, 'consent', { mode: 'always_require' }),
  ]);
  expect(await visitor.flow(slug, { password: testPassword })).toEqual({
    flow_info: info(slug),
    component: 'ak-stage-consent',
    ...of(username),
    permissions: [],
    additional_permissions: [],
    token: expect.any(String),
  });
});
