// Logging in as people do (flow-executor.md §13): a real browser on the core's pages, by keyboard and by mouse.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { expectAccessible } from './accessible.ts';
import { picture, type Site, startSite } from './site.ts';

const login = '/if/flow/default-authentication-flow/';

describe.skipIf(skipWithout('chromium'))('logging in', { timeout: 90_000 }, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  }, 120_000);
  afterAll(() => site?.[Symbol.asyncDispose]());

  const focused = (page: Page) => page.evaluate<string>('document.activeElement?.getAttribute("name") ?? ""');

  test('name and password by keyboard alone end at the applications', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto(`${site.url}/`);
    expect(new URL(page.url()).pathname).toBe(login);
    await page.getByLabel('E-mail address or user name').waitFor();
    expect(await focused(page)).toBe('uid_field');
    await expectAccessible(page);
    await picture(page, 'identification');
    await page.keyboard.type('ada');
    await page.keyboard.press('Enter');
    await page.getByLabel('Password', { exact: true }).waitFor();
    expect(await focused(page)).toBe('password');
    await expectAccessible(page);
    await picture(page, 'password');
    await page.keyboard.type(site.core.password);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${site.url}/if/user/`);
    expect(visit.complaints).toEqual([]);
  });

  test('the first look at the login takes less than a photograph', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto(`${site.url}${login}`, { waitUntil: 'networkidle' });
    const bytes = await page.evaluate<number>(
      'performance.getEntries().reduce((sum, entry) => sum + (entry.transferSize ?? 0), 0)',
    );
    expect(bytes).toBeGreaterThan(50_000); // it was counted
    expect(bytes).toBeLessThan(220_000);
    await page.reload({ waitUntil: 'networkidle' });
    const again = await page.evaluate<number>(
      'performance.getEntries().reduce((sum, entry) => sum + (entry.transferSize ?? 0), 0)',
    );
    expect(again).toBeLessThan(60_000);
  });

  test('flow-executor 34: a wrong password is told at its field, which has the focus and keeps the page', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto(`${site.url}${login}`);
    await page.getByLabel('E-mail address or user name').fill('ada');
    await page.getByRole('button', { name: 'Log in' }).click();
    const password = page.getByLabel('Password', { exact: true });
    await password.fill('wrong');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('Invalid password').waitFor();
    expect(await password.getAttribute('aria-invalid')).toBe('true');
    expect(await page.locator(`#${await password.getAttribute('aria-describedby')}`).textContent()).toContain(
      'Invalid',
    );
    expect(await focused(page)).toBe('password');
    await expectAccessible(page);
    await picture(page, 'wrong-password');
    await password.fill(site.core.password);
    await password.press('Enter');
    await page.waitForURL(`${site.url}/if/user/`);
  });
});
