// Signs a page in as a person would, for tests that are about what comes after.
import type { Locator, Page } from 'playwright-core';
import type { Site } from './site.ts';

/** Gives the name wherever the page stands now, and fills in the password; Enter sends it. */
export async function fillPassword(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel('E-mail address or user name').fill(name);
  await page.keyboard.press('Enter');
  await passwordOf(page).fill(password);
}

export function passwordOf(page: Page): Locator {
  return page.getByLabel('Password', { exact: true });
}

/** Fills in name and password wherever the page stands now, and sends them. */
export async function enterPassword(page: Page, name: string, password: string): Promise<void> {
  await fillPassword(page, name, password);
  await page.keyboard.press('Enter');
}

/** @returns once the address that was asked for is shown */
export async function signIn(page: Page, site: Site, name: string, path = '/if/user/'): Promise<void> {
  await page.goto(`${site.url}/flows/-/default/authentication/?${new URLSearchParams({ next: path })}`);
  await enterPassword(page, name, site.core.password);
  await page.waitForURL(`${site.url}${path}`);
}
