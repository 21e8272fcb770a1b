// The command as it ships, in a few files, beside its modules. Every test that starts a process starts the shipped one.
import { describe, expect, test } from 'vitest';
import { commandFile, runTool, unbundledFile } from '../harness/index.ts';

describe('the bundled command', () => {
  test('prints the help and the settings that its modules print', async () => {
    for (const words of [['--help'], ['--version'], ['core', 'config', 'reference'], ['ldap', 'config', 'reference']]) {
      const [bundled, plain] = await Promise.all(
        [commandFile, unbundledFile].map((file) => runTool(process.execPath, [file, ...words])),
      );
      expect(bundled).toEqual(plain);
      expect(bundled?.code).toBe(0);
    }
  });
});
