// The harness's own promises: a daemon that does not come up says why, and nothing is left behind.
import { expect, test } from 'vitest';
import { startDaemon } from './daemon.ts';

test('STYLE 50: a daemon that ends before it is ready rejects with its own complaint', async () => {
  await expect(startDaemon('nonsense')).rejects.toMatchObject({
    code: 'ERR_LIFECYCLE_CHILD_DIED',
    message: "nonsense ended with exit code 1: error: unknown command 'nonsense'",
  });
});
