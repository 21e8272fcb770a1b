// The inspector beside a flow (flow-executor.md §13): what is planned, known and passed, for whoever may see it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { expectAccessible } from './accessible.ts';
import { makeFlow } from './make-flow.ts';
import { signIn } from './sign-in.ts';
import { picture, type Site, startSite } from './site.ts';

describe.skipIf(skipWithout('chromium'))('the flow inspector', { timeout: 90_000 }, () => {
  let site: Site;
  let path: string;
  beforeAll(async () => {
    site = await startSite();
    path = await makeFlow(site, {
      slug: 'inspected',
      title: 'Three steps',
      stages: [['dummy'], ['dummy'], ['dummy']],
    });
  }, 120_000);
  afterAll(() => site?.[Symbol.asyncDispose]());

  test('flow-executor 13: it follows the flow from stage to stage and holds the redirect at its end', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'akadmin', '/if/admin/');
    await page.getByRole('link', { name: 'Flows', exact: true }).click();
    await page.getByLabel('Search flows').fill('inspected');
    await page.getByRole('link', { name: 'Inspect Three steps' }).click();
    await page.waitForURL(`${site.url}${path}?inspector`);
    const inspector = page.getByRole('complementary', { name: 'Flow inspector' });
    const now = inspector.getByRole('status');
    await now.getByText('inspected-0').waitFor();
    expect(await now.textContent()).toMatch(/Current stage\s*inspected-0[\s\S]*Next stage\s*inspected-1/);
    await inspector.getByText('No stage has been passed.').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Continue' }).click();
    await now.getByText('inspected-2').waitFor();
    expect(await now.textContent()).toMatch(/Current stage\s*inspected-1/);
    expect(await inspector.locator('summary').allTextContents()).toEqual(['inspected-0']);
    await picture(page, 'flow-inspector');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 360, height: 740 });
    await expectAccessible(page);
    await picture(page, 'flow-inspector-dark-phone');
    await page.getByRole('button', { name: 'Continue' }).click();
    await now.getByText('The flow ends after this stage.').waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    await now.getByText('The flow is complete.').waitFor();
    await page.getByRole('heading', { name: 'The flow leads elsewhere.' }).waitFor();
    expect(await inspector.locator('summary').allTextContents()).toEqual(['inspected-0', 'inspected-1', 'inspected-2']);
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Go there' }).click();
    await page.waitForURL(`${site.url}/if/user/`);
    expect(visit.complaints).toEqual([]);
  });

  test('flow-executor 13: others see the flow, and that its plan is not theirs to see', async () => {
    for (const name of [undefined, 'grace']) {
      await using visit = await site.visit();
      const { page } = visit;
      if (name !== undefined) await signIn(page, site, name);
      await page.goto(`${site.url}${path}?inspector`);
      await page.getByText('This flow is not yours to inspect.').waitFor();
      expect(await page.getByText('Plan context').count()).toBe(0);
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Close the inspector' }).click();
      await page.waitForURL(site.url + path);
      await page.getByRole('button', { name: 'Continue' }).waitFor();
      expect(await page.getByText('Flow inspector').count()).toBe(0);
    }
  });
});
