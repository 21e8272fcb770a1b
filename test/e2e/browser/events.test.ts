// Events of a large installation in the browser (core.md §20.1): a search by words says how far it has looked, and looks further.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { expectAccessible } from './accessible.ts';
import { signIn } from './sign-in.ts';
import { picture, type Site, startSite } from './site.ts';

/** As many as one search looks at. */
const reach = 100_000;

describe.skipIf(skipWithout('chromium'))('events', { timeout: 120_000 }, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
    const event = (word: string) => ({ action: 'custom_needle', app: 'test', context: { word } });
    await site.core.call('POST', '/events/events/', event('needle-old'));
    const straw = `insert into events (action, app, "user", brand, expires) select 'custom_straw', 'test', '{}', '{}',
      now() + interval '1 day' from generate_series(1, ${reach})`;
    await site.core.deps.database.rows({ name: 'straw', text: straw }, []);
    await site.core.call('POST', '/events/events/', event('needle-new'));
  }, 120_000);
  afterAll(() => site?.[Symbol.asyncDispose]());

  test('core: what a search has not looked at is told, and found by looking further back', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'akadmin', '/if/admin/');
    await page.getByRole('link', { name: 'Events', exact: true }).click();
    const found = page.getByRole('status').filter({ hasText: /\d+ found/ });
    await found.filter({ hasText: /^\d+ found$/ }).waitFor();
    const further = page.getByRole('button', { name: 'Look further back' });
    expect(await further.isVisible()).toBe(false);
    const search = page.getByRole('searchbox', { name: 'Search events' });
    await search.fill('needle-new');
    await found.filter({ hasText: /^1 found, back to / }).waitFor();
    await search.fill('needle-old');
    await found.filter({ hasText: /^0 found, back to / }).waitFor();
    await expectAccessible(page);
    await picture(page, 'admin-events-searched');
    await further.focus();
    await page.keyboard.press('Enter');
    await found.filter({ hasText: /^1 found$/ }).waitFor();
    await page
      .getByRole('cell', { name: /custom.needle/i })
      .first()
      .waitFor();
    expect(await further.isVisible()).toBe(false);
    await expectAccessible(page);
    expect(visit.complaints).toEqual([]);
  });
});
