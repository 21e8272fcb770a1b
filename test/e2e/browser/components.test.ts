// Each component of a challenge on the page (flow-executor.md §10–§12): shown in light, dark and at phone width, usable by
// everybody, and answered with the fields of the contract.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { expectAccessible } from './accessible.ts';
import { challenges, scriptExecutor } from './challenges.ts';
import { picture, type Site, startSite } from './site.ts';

const flowPath = '/if/flow/default-authentication-flow/';

describe.skipIf(skipWithout('chromium'))('components of flows', { timeout: 90_000 }, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  }, 120_000);
  afterAll(() => site?.[Symbol.asyncDispose]());

  for (const [component, challenge] of Object.entries(challenges))
    test(`flow-executor §12: ${component} is shown to everybody, light and dark, wide and narrow`, async () => {
      await using visit = await site.visit();
      const { page } = visit;
      await scriptExecutor(page, [challenge]);
      await page.goto(`${site.url}${flowPath}`);
      await page.locator(component).waitFor();
      await expectAccessible(page);
      await picture(page, `${component}-light`);
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.setViewportSize({ width: 360, height: 740 });
      await expectAccessible(page);
      await picture(page, `${component}-dark-phone`);
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
      expect(overflow).toBeLessThanOrEqual(0);
      expect(visit.complaints).toEqual([]);
    });

  test('a component nobody knows says so, and how to go on', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    const { flow_info } = challenges['ak-stage-dummy'];
    await scriptExecutor(page, [{ component: 'ak-stage-captcha', flow_info }]);
    await page.goto(`${site.url}${flowPath}`);
    await page.getByRole('heading', { name: 'This step cannot be shown here.' }).waitFor();
    expect(await page.getByRole('link', { name: 'Start again' }).getAttribute('href')).toBe('/flows/-/cancel/');
    await expectAccessible(page);
    await picture(page, 'unknown-component');
  });
});
