// core.md §22, 86: which codes of an authenticator app count, and how long a device refuses everything after failures.
import { createHmac } from 'node:crypto';
import {
  createVisitor,
  makeFlow,
  makeStage,
  makeUser,
  stageNamed,
  startTestCore,
  type TestCore,
} from '@gatehouse/core/testing';
import { type Clock, systemClock } from '@gatehouse/daemon/async';
import { afterAll, beforeAll, expect, test } from 'vitest';

const key = Buffer.from('12345678901234567890');
const stepMs = 30_000;
let core: TestCore;
/** Stands still, ten seconds into a step, until a test moves it. */
let atMs = Math.floor(systemClock.now() / stepMs) * stepMs + 10_000;
const clock: Clock = { ...systemClock, now: () => atMs as ReturnType<Clock['now']> }; // the brand of a moment

beforeAll(async () => {
  core = await startTestCore({ clock });
}, 60_000);
afterAll(() => core?.[Symbol.asyncDispose]());

/** RFC 4226 §5.3, apart from the core's own. */
function codeOf(step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', key).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
const step = () => Math.floor(atMs / stepMs);

/** A flow that asks for the second factor, and somebody who has one. */
async function prepare(settings: object = {}) {
  const identification = await stageNamed(core, 'identification', 'default-authentication-identification');
  const validate = await makeStage(core, 'authenticator/validate', { not_configured_action: 'deny', ...settings });
  const { slug } = await makeFlow(core, [identification, validate]);
  const { pk, username } = await makeUser(core);
  const device = { kind: 'totp', user_id: pk, settings: JSON.stringify({ key: key.toString('hex') }) };
  await core.deps.database.kysely.insertInto('devices').values(device).execute();
  return async (code: string) => {
    const visitor = createVisitor(core.url);
    await visitor.flow(slug);
    await visitor.flow(slug, { uid_field: username });
    return (await visitor.flow(slug, { code })).component === 'xak-flow-redirect';
  };
}

test.each([
  [-2, false],
  [-1, true],
  [0, true],
  [1, true],
  [2, false],
])('core 86: the code of %i steps from now is taken: %s', async (distance, taken) => {
  const enter = await prepare();
  expect(await enter(codeOf(step() + distance))).toBe(taken);
});

test('core 86: after two failures a right code is refused for two seconds, not longer', async () => {
  const enter = await prepare();
  expect(await enter('000000')).toBe(false);
  atMs += 1_000;
  expect(await enter('000000')).toBe(false);
  atMs += 1_900;
  expect(await enter(codeOf(step()))).toBe(false);
  atMs += 200;
  expect(await enter(codeOf(step()))).toBe(true);
});

test.each([
  [3, 2_900, false],
  [3, 3_000, true],
  [0, 0, true],
])(
  'flow-executor §11.3: with a throttling factor of %d the first wait after %d ms lets in: %s',
  async (factor, ms, open) => {
    const enter = await prepare({ totp_otp_throttling_factor: factor });
    expect(await enter('000000')).toBe(false);
    atMs += ms;
    expect(await enter(codeOf(step()))).toBe(open);
  },
);
