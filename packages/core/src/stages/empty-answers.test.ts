// CVE-2026-49448 (authentik): an empty POST passed a stage that had not been answered.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOfStep, stepAt } from '../devices/totp.ts';
import {
  createVisitor,
  makeFlow,
  makeStage,
  makeUser,
  stageNamed,
  startTestCore,
  type TestCore,
  testPassword,
  type Visitor,
} from '../testing/index.ts';

const key = Buffer.from('12345678901234567890');
let core: TestCore;
beforeAll(async () => {
  core = await startTestCore();
}, 60_000);
afterAll(() => core?.[Symbol.asyncDispose]());

/** What says nothing, or says it of the wrong type. */
const nothings: readonly (object | string)[] = [
  '',
  '{}',
  '[]',
  'null',
  '""',
  {},
  { component: '' },
  { component: 'xak-flow-redirect', to: '/' },
  { uid_field: null, password: null, code: null },
  { uid_field: '', password: '', code: '' },
  { uid_field: [], password: {}, code: 0 },
  { uid_field: true, password: true, code: true },
];

test('CVE-2026-49448: no stage of a login is passed by an answer that says nothing', async () => {
  const { slug, username } = await prepare();
  const parameters = { key, step: 30, t0: 0, digits: 6 };
  const code = codeOfStep(parameters, stepAt(parameters, Date.now()));
  const answers = [
    ['ak-stage-identification', { uid_field: username }],
    ['ak-stage-password', { password: testPassword }],
    ['ak-stage-authenticator-validate', { code }],
  ] as const;
  const visitor = createVisitor(core.url);
  await visitor.flow(slug);
  for (const [component, answer] of answers) {
    for (const nothing of nothings) {
      await visitor.flow(slug, nothing).catch(() => undefined); // a refusal may be no challenge
      expect([nothing, (await visitor.flow(slug)).component]).toEqual([nothing, component]);
      expect(await isSignedIn(visitor)).toBe(false);
    }
    await visitor.flow(slug, answer);
  }
  expect(await isSignedIn(visitor)).toBe(true);
});

/** A flow with a second factor, whose brake is out of the way, and somebody who has one. */
async function prepare() {
  const { pk, username } = await makeUser(core);
  const device = { kind: 'totp', user_id: pk, settings: JSON.stringify({ key: key.toString('hex') }) };
  await core.deps.database.kysely.insertInto('devices').values(device).execute();
  const { slug } = await makeFlow(core, [
    await stageNamed(core, 'identification', 'default-authentication-identification'),
    await makeStage(core, 'password', {
      backends: ['authentik.core.auth.InbuiltBackend'],
      failed_attempts_before_cancel: 99,
    }),
    await makeStage(core, 'authenticator/validate', { not_configured_action: 'deny', totp_otp_throttling_factor: 0 }),
    await makeStage(core, 'user_login'),
  ]);
  return { slug, username };
}

async function isSignedIn(visitor: Visitor): Promise<boolean> {
  return (await visitor.fetch('/api/v3/core/users/me/')).ok;
}
