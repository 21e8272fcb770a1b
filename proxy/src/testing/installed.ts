// Whether a foreign program is there; a missing one skips its tests by name, except under CI, where it is a failure.
import { spawnSync } from 'node:child_process';

export function installed(tool: string): boolean {
  const found = spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined;
  if (found || process.env['CI'] === undefined) return found;
  throw new Error(`${tool} is missing, and CI must have it: add its package to .ci/packages.`);
}
