// What a person meets at a protected site, whatever stands in front of it: our own proxy, or a server that asks the outpost.
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { until } from '../../harness/index.ts';
import type { ProtectedSite } from './protected-site.ts';
import { enterPassword, fillPassword, passwordOf } from './sign-in.ts';
import type { Site } from './site.ts';

export interface Places {
  readonly site: Site;
  readonly board: ProtectedSite;
}

const mostUntilRefusedMs = 1000;

/** Its WebSocket answers and its events arrive. */
export async function live(page: Page): Promise<void> {
  await page.getByText('pong to ping').waitFor();
  await page.waitForFunction('Number(document.getElementById("events").textContent) > 3');
}

/** A stranger opens the site and logs in as ada. */
export async function openAsAda(page: Page, { site, board }: Places, path = '/'): Promise<void> {
  await page.goto(`${board.url}${path}`);
  await enterPassword(page, 'ada', site.core.password);
  await page.waitForURL(`${board.url}${path}`);
  await page.getByText('Hello ada').waitFor();
}

/** @returns when that was asked for, as the browser's clock has it */
export async function endSessionsOfAda({ core }: Site): Promise<number> {
  const sessions = '/core/authenticated_sessions/';
  const { results } = await core.call<{ results: { uuid: string }[] }>('GET', `${sessions}?user__username=ada`);
  const endedAt = Date.now();
  await Promise.all(results.map(({ uuid }) => core.call('DELETE', `${sessions}${uuid}/`)));
  return endedAt;
}

/** @param places read when a test runs */
export function protectedSiteSuite(places: () => Places): void {
  test('a password leads to the very address that was asked for, with WebSocket and events', async () => {
    const { site, board } = places();
    await using visit = await site.visit();
    await openAsAda(visit.page, { site, board }, '/notes?day=3&order=up');
    await live(visit.page);
    expect(board.seen()['x-authentik-email']).toContain('ada');
    expect(visit.complaints).toEqual([]);
  });

  test('what a page says about its user does not reach the application', async () => {
    const { site, board } = places();
    await using visit = await site.visit();
    await openAsAda(visit.page, { site, board });
    const told = await visit.page.evaluate<string>(
      "fetch('/who', { headers: { 'X-Authentik-Username': 'root' } }).then((answer) => answer.text())",
    );
    expect(told).toBe('ada');
  });

  test('two tabs that stand at the login each come back to their own address', async () => {
    const { site, board } = places();
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto(`${board.url}/one`);
    await fillPassword(page, 'ada', site.core.password);
    const other = await page.context().newPage();
    await other.goto(`${board.url}/two`);
    await passwordOf(other).fill(site.core.password);
    await passwordOf(page).press('Enter');
    await page.waitForURL(`${board.url}/one`);
    await passwordOf(other).press('Enter');
    await other.waitForURL(`${board.url}/two`);
    await other.getByText('Hello ada').waitFor();
  });

  test('a tab that is opened while the password of another is checked takes nothing away from it', async () => {
    const { site, board } = places();
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto(`${board.url}/one`);
    await fillPassword(page, 'ada', site.core.password);
    const other = await page.context().newPage();
    await Promise.all([page.keyboard.press('Enter'), other.goto(`${board.url}/two`)]);
    await page.waitForURL(`${board.url}/one`);
    await page.getByText('Hello ada').waitFor();
    await until(() => other.goto(`${board.url}/two`)); // its own page may just be on the way there
    await other.getByText('Hello ada').waitFor();
  });

  test('signing out ends it for every tab, and the site asks again', async () => {
    const { site, board } = places();
    await using visit = await site.visit();
    const { page } = visit;
    await openAsAda(page, { site, board });
    const other = await page.context().newPage();
    await other.goto(`${board.url}/`);
    await other.getByText('Hello ada').waitFor();
    await page.getByRole('link', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'You are signed out.' }).waitFor();
    expect(page.url()).toContain(site.url);
    expect(await other.evaluate<number>("fetch('/who').then(({ status }) => status)")).toBe(401);
    await other.goto(`${board.url}/`);
    await other.getByLabel('E-mail address or user name').waitFor();
  });

  test('a session that ends in the core is refused within a second', async () => {
    const { site, board } = places();
    await using visit = await site.visit();
    const { page } = visit;
    await openAsAda(page, { site, board });
    await page.evaluate(
      "setInterval(() => fetch('/who').then(({ status }) => { if (status === 401) window.refusedAt ??= Date.now(); }), 50)",
    );
    const endedAt = await endSessionsOfAda(site);
    await page.waitForFunction('window.refusedAt !== undefined');
    expect((await page.evaluate<number>('window.refusedAt')) - endedAt).toBeLessThan(mostUntilRefusedMs);
    await page.goto(`${board.url}/`);
    await page.getByLabel('E-mail address or user name').waitFor();
  });
}
