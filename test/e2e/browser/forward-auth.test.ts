// Forward authentication end to end: a browser, a real server with the printed recipe, the outpost that it asks, the core's
// pages.
import { afterAll, beforeAll, describe } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { type ProtectedSite, startProtectedSite } from './protected-site.ts';
import { protectedSiteSuite } from './protected-site-suite.ts';
import { type Site, startSite } from './site.ts';

describe.skipIf(skipWithout('chromium'))('a site that asks the outpost', { timeout: 90_000 }, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  }, 120_000);
  afterAll(() => site?.[Symbol.asyncDispose]());

  for (const server of ['nginx', 'caddy', 'haproxy'] as const) {
    describe.skipIf(skipWithout(server))(`from behind ${server}`, () => {
      let board: ProtectedSite;
      beforeAll(async () => {
        board = await startProtectedSite(site, server);
      }, 60_000);
      afterAll(() => board?.[Symbol.asyncDispose]());
      protectedSiteSuite(() => ({ site, board }));
    });
  }
});
