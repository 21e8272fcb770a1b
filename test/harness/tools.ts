// Foreign programs that tests drive: a missing one skips the test by name, except under CI, where it is a failure.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * For `test.skipIf(skipWithout('ldapsearch'))`.
 * @returns true when the tool is missing and the test may be skipped
 * @throws when the tool is missing under CI
 */
export function skipWithout(tool: string): boolean {
  return !isInstalled(tool) && mayBeMissing(tool, '.ci/packages');
}

/** As `skipWithout`, for a module of Python that has no program of its own. Costs the start of an interpreter. */
export function skipWithoutPython(module: string): boolean {
  const question = `import sys, importlib.util; sys.exit(importlib.util.find_spec(${JSON.stringify(module)}) is None)`;
  return spawnSync('python3', ['-c', question]).status !== 0 && mayBeMissing(module, '.ci/wheels');
}

function mayBeMissing(what: string, list: string): true {
  if (process.env['CI'] === undefined) return true;
  throw new Error(`${what} is missing, and CI must have it: add it to ${list}.`);
}

function isInstalled(tool: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false; // not here; the next folder may have it
    }
  });
}
