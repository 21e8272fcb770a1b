// What every installation has; the first certificate may come later than the rest.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { generateKeys } from './crypto/generate.ts';
import { seedInstallation } from './seed.ts';
import { startTestCore, type TestCore } from './testing/index.ts';

let core: TestCore;
beforeAll(async () => {
  core = await startTestCore();
}, 60_000);
afterAll(() => core[Symbol.asyncDispose]());

const certificates = async () =>
  (
    await core.deps.database.kysely
      .selectFrom('certificates')
      .select('uuid')
      .where('managed', '=', 'goauthentik.io/crypto/self-signed')
      .execute()
  ).length;

test('core 1: the first certificate is made once, on whatever database, and need not be waited for', async () => {
  expect(await certificates()).toBe(1);
  await core.deps.database.kysely
    .deleteFrom('certificates')
    .where('managed', '=', 'goauthentik.io/crypto/self-signed')
    .execute();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const keys = held.then(() => generateKeys({ algorithm: 'rsa', rsaBits: 2048 }));
  await seedInstallation(core.deps, { rsaBits: 2048, keys, inBackground: true });
  expect(await certificates()).toBe(0);
  release();
  await vi.waitFor(async () => expect(await certificates()).toBe(1), 20_000);
  await seedInstallation(core.deps, { rsaBits: 2048 });
  expect(await certificates()).toBe(1);
});
