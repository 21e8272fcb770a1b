import { Secret } from '@gatehouse/daemon/config';
import { captureLogger, fakeClock } from '@gatehouse/daemon/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, startRedis, type TestDatabase } from '../testing/database-servers.ts';
import { installed } from '../testing/installed.ts';
import { type StoreUnderTest, sessionStoreSuite } from '../testing/session-store-suite.ts';
import { sharedStoreSuite } from '../testing/shared-store-suite.ts';
import { openPostgresStore } from './postgres-store.ts';
import { openRedisStore } from './redis-store.ts';
import { defaultStoreLimits } from './store.ts';

for (const { name, start, open, tool } of [
  { name: 'redis', start: startRedis, open: openRedisStore, tool: 'redis-server' },
  { name: 'postgresql', start: startPostgres, open: openPostgresStore, tool: 'initdb' },
] as const) {
  describe.skipIf(!installed(tool))(name, () => {
    let database: TestDatabase;
    beforeAll(async () => {
      database = await start();
    }, 60_000);
    afterAll(() => database[Symbol.asyncDispose]());
    const under: StoreUnderTest = {
      name,
      async open(clock, limits) {
        const store = await open({ url: new Secret(database.url), clock, limits, log: captureLogger() });
        // The suite counts sessions, so each of its tests begins with none of its users'.
        for (const sub of ['alice', 'bob']) if (limits !== defaultStoreLimits) await store.deleteBySub(sub);
        return store;
      },
    };
    sessionStoreSuite(under);
    sharedStoreSuite(under);

    test('a store that cannot be reached fails at the start, with a hint', async () => {
      const url = new Secret(`${name}://127.0.0.1:1/x`);
      const opening = open({ url, clock: fakeClock(), limits: defaultStoreLimits, log: captureLogger() });
      await expect(opening).rejects.toMatchObject({ code: 'ERR_PROXY_SESSION_STORE' });
    });
  });
}
