// Foreign programs that tests drive: a missing one skips the test by name, except under CI, where it is a failure.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * For `test.skipIf(skipWithout('ldapsearch'))`.
 * @returns true when the tool is missing and the test may be skipped
 * @throws when the tool is missing under CI
 */
export function skipWithout(tool: string): boolean {
  if (isInstalled(tool)) return false;
  if (process.env['CI'] === undefined) return true;
  throw new Error(`${tool} is missing, and CI must have it: add its package to .ci/packages.`);
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
