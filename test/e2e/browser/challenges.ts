// One challenge of each component, as flow-executor.md §10–§12 writes them; for what has to be looked at without a flow that
// leads there.
import type { Challenge } from '@gatehouse/contract/flow';
import type { Page } from 'playwright-core';

const flow_info = {
  title: 'Welcome to gatehouse',
  background: '/static/dist/assets/images/flow_background.jpg',
  background_themed_urls: null,
  cancel_url: '/flows/-/cancel/',
  layout: 'stacked',
};
const user = { flow_info, pending_user: 'ada', pending_user_avatar: '/static/dist/assets/images/user_default.png' };
const field = (type: string, label: string, more: object = {}) => ({
  field_key: type,
  label,
  type,
  required: true,
  placeholder: '',
  initial_value: '',
  order: 0,
  sub_text: '',
  choices: null,
  ...more,
});
const colours = [
  { value: 'r', label: 'Red' },
  { value: 'g', label: 'Green' },
];

export const challenges = {
  'ak-stage-identification': {
    component: 'ak-stage-identification',
    flow_info,
    user_fields: ['email', 'username'],
    password_fields: true,
    allow_show_password: true,
    application_pre: 'Notice board',
    flow_designation: 'authentication',
    captcha_stage: null,
    primary_action: 'Log in',
    sources: [],
    show_source_labels: false,
    enable_remember_me: true,
    passkey_challenge: null,
    enroll_url: '/if/flow/enroll/',
    recovery_url: '/if/flow/recovery/',
  },
  'ak-stage-password': {
    ...user,
    component: 'ak-stage-password',
    allow_show_password: true,
    recovery_url: '/if/flow/recovery/',
  },
  'ak-stage-authenticator-validate': {
    ...user,
    component: 'ak-stage-authenticator-validate',
    device_challenges: [
      { device_class: 'static', device_uid: '3', challenge: {}, last_used: null },
      { device_class: 'totp', device_uid: '17', challenge: {}, last_used: null },
      { device_class: 'webauthn', device_uid: '4', challenge: {}, last_used: null },
    ],
    configuration_stages: [],
  },
  'ak-stage-user-login': { ...user, component: 'ak-stage-user-login' },
  'ak-stage-access-denied': {
    ...user,
    component: 'ak-stage-access-denied',
    error_message: 'This application is for engineers only.',
  },
  'ak-stage-flow-error': {
    flow_info,
    component: 'ak-stage-flow-error',
    request_id: '0f6b5e2c9a7d4b1c8e3f0a1b2c3d4e5f',
  },
  'ak-stage-dummy': { flow_info, component: 'ak-stage-dummy', name: 'rehearsal' },
  'ak-stage-consent': {
    ...user,
    component: 'ak-stage-consent',
    header_text: "You're about to sign into Notice board.",
    permissions: [
      { id: 'openid', name: '' },
      { id: 'profile', name: 'General Profile Information' },
    ],
    additional_permissions: [{ id: 'email', name: '' }],
    token: 'once',
  },
  'ak-stage-authenticator-totp': {
    ...user,
    component: 'ak-stage-authenticator-totp',
    config_url:
      'otpauth://totp/gatehouse:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=30&issuer=gatehouse',
  },
  'ak-stage-authenticator-static': {
    ...user,
    component: 'ak-stage-authenticator-static',
    codes: ['q8hd02nfk3la', 'z0o2mcu8rt51', 'pw93jf74hx0s', 'm2la90dke8vb', 'r5tq1yn7c4ge', 'u8w6xb3oz2kj'],
  },
  'ak-stage-prompt': {
    flow_info: { ...flow_info, title: 'Tell us about yourself' },
    component: 'ak-stage-prompt',
    fields: [
      field('static', 'Before you start', { initial_value: 'This takes <b>one minute</b>.<script>x</script>' }),
      field('text', 'Full name', { placeholder: 'Ada Lovelace', sub_text: 'As in your passport.' }),
      field('username', 'User name', { initial_value: 'ada' }),
      field('email', 'E-mail address'),
      field('password', 'New password', { sub_text: 'At least <b>eight</b> characters.' }),
      field('text_read_only', 'Department', { initial_value: 'Engines' }),
      field('separator', 'More'),
      field('number', 'Desk', { required: false }),
      field('text_area', 'About you', { required: false }),
      field('text_area_read_only', 'Terms', { initial_value: 'Be kind.' }),
      field('checkbox', 'I agree'),
      field('radio-button-group', 'Colour', { choices: colours, initial_value: 'g' }),
      field('dropdown', 'Second colour', { choices: colours }),
      field('date', 'First day'),
      field('date-time', 'First meeting', { initial_value: '2026-11-26 10:30:00' }),
      field('file', 'Photograph', { required: false }),
      field('ak-locale', 'Language', { required: false }),
      field('hidden', 'Hidden', { initial_value: 'x' }),
    ],
  },
  'ak-stage-session-end': {
    ...user,
    component: 'ak-stage-session-end',
    brand_name: 'gatehouse',
    application_name: 'Notice board',
    application_launch_url: 'http://demo.localhost:9000/',
    invalidation_flow_url: '/flows/-/default/invalidation/',
  },
  'ak-stage-email': { flow_info, component: 'ak-stage-email' },
  'ak-provider-oauth2-device-code': { flow_info, component: 'ak-provider-oauth2-device-code' },
  'ak-provider-oauth2-device-code-finish': { flow_info, component: 'ak-provider-oauth2-device-code-finish' },
} satisfies Partial<{ [C in Challenge['component']]: Extract<Challenge, { component: C }> }>;

/** Answers the executor's calls of a page with these, in turn; the last one stays. @returns the bodies of answers */
export async function scriptExecutor(page: Page, replies: readonly object[]): Promise<readonly unknown[]> {
  const answers: unknown[] = [];
  let at = 0;
  await page.route('**/api/v3/flows/executor/**', (route) => {
    const body = route.request().postDataJSON();
    if (body !== null) answers.push(body);
    const reply = replies[Math.min(at, replies.length - 1)] ?? {};
    at += 1;
    return route.fulfill({ json: reply });
  });
  return answers;
}
