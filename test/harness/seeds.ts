// Set-up of a whole test run: a folder for what its tests make once and then copy (packages/core/src/testing/seeds.ts).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

/** @returns what removes it again */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const make = () => mkdtemp(join(tmpdir(), 'gatehouse-seeds-'));
  const remove = (folder: string | undefined) => rm(folder ?? '', { recursive: true, force: true });
  process.env['GATEHOUSE_TEST_SEEDS'] = await make(); // the processes of the tests inherit it
  // Under `vitest --watch` the code has changed: what was made by the code before is of no use.
  project.onTestsRerun(async () => {
    await remove(process.env['GATEHOUSE_TEST_SEEDS']);
    process.env['GATEHOUSE_TEST_SEEDS'] = await make();
  });
  return () => remove(process.env['GATEHOUSE_TEST_SEEDS']);
}
