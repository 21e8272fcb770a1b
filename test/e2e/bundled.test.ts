// The command as it ships, in a few files: every daemon is in it, and finds what lies beside its modules.
import { describe, expect, test } from 'vitest';
import { bundledFile, commandFile, runTool, startDaemon } from '../harness/index.ts';

describe('the bundled command', () => {
  test('prints the help and the settings that the command prints', async () => {
    for (const words of [['--help'], ['--version'], ['core', 'config', 'reference'], ['ldap', 'config', 'reference']]) {
      const [bundled, plain] = await Promise.all(
        [bundledFile, commandFile].map((file) => runTool(process.execPath, [file, ...words])),
      );
      expect(bundled).toEqual(plain);
      expect(bundled?.code).toBe(0);
    }
  });

  test.each(['ldap', 'radius', 'proxy'])('%s listens without its core', async (name) => {
    const env = { AUTHENTIK_HOST: 'http://127.0.0.1:9', AUTHENTIK_TOKEN: 'none' };
    await using daemon = await startDaemon(name, { file: bundledFile, env });
    expect(daemon.lines.some(({ event }) => event === 'ready')).toBe(true);
    expect((await daemon.stop()).code).toBe(0);
  });
});
