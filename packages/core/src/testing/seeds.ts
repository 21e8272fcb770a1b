// The data folder of a core that was started for the first time: made by the first test of a run that wants one, copied by all
// others. It lasts for one run, whose set-up names the folder for it (test/harness/seeds.ts), so that none is older than the
// code, the migrations and the blueprints that it comes from. Where nobody names one, each core starts from nothing.
import { execFile } from 'node:child_process';
import { access, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const waitMs = 50;

/**
 * Copies the seed of this run.
 * @param make leaves one in the folder that it is given; called once in a run, unless it fails
 * @returns false where this run has none
 */
export async function copySeed(into: string, make: (folder: string) => Promise<void>): Promise<boolean> {
  const seeds = process.env['GATEHOUSE_TEST_SEEDS'];
  if (seeds === undefined) return false;
  await copyFolder(await seedIn(seeds, make), into);
  return true;
}

/** With owners and rights, which PostgreSQL insists on; as a program, since a copy by Node takes ten times as long. */
export async function copyFolder(from: string, into: string): Promise<void> {
  await run('cp', ['-a', from, into]);
}

async function seedIn(seeds: string, make: (folder: string) => Promise<void>): Promise<string> {
  const seed = join(seeds, 'core');
  while (!(await exists(seed))) {
    if (await lock(seeds)) await makeOnce(seeds, seed, make);
    else await new Promise((again) => setTimeout(again, waitMs));
  }
  return seed;
}

/** Is there as a whole or not at all. */
async function makeOnce(seeds: string, seed: string, make: (folder: string) => Promise<void>): Promise<void> {
  const unfinished = `${seed}.unfinished`;
  try {
    if (await exists(seed)) return; // made while we came here
    await rm(unfinished, { recursive: true, force: true });
    await make(unfinished);
    await rename(unfinished, seed);
  } finally {
    await rm(lockOf(seeds), { force: true });
  }
}

const lockOf = (seeds: string) => join(seeds, 'lock');

/** @returns whether it is ours now; one whose process is gone is taken away first */
async function lock(seeds: string): Promise<boolean> {
  try {
    const file = await open(lockOf(seeds), 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    const owner = Number(await readFile(lockOf(seeds), 'utf8').catch(() => ''));
    if (owner > 0 && !isAlive(owner)) await rm(lockOf(seeds), { force: true });
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !hasCode(error, 'ESRCH');
  }
}

const hasCode = (error: unknown, code: string) => error instanceof Error && 'code' in error && error.code === code;

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
