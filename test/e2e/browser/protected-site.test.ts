// The proxy end to end (issue: identity-aware proxy): a browser, the core's pages, the outpost as a process, an application
// with live connections.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { codeOf, setUpAuthenticator } from './authenticator-app.ts';
import { type ProtectedSite, startProtectedSite } from './protected-site.ts';
import { enterPassword } from './sign-in.ts';
import { type Site, startSite } from './site.ts';

const mostUntilClosedMs = 1000;

describe.skipIf(skipWithout('chromium'))('a site behind the proxy', { timeout: 90_000 }, () => {
  let site: Site;
  let board: ProtectedSite;
  let secret: string;
  beforeAll(async () => {
    site = await startSite();
    board = await startProtectedSite(site);
    secret = await setUpAuthenticator(site, 'grace');
  }, 120_000);
  afterAll(async () => {
    await board?.[Symbol.asyncDispose]();
    await site?.[Symbol.asyncDispose]();
  });

  const live = async (page: Page) => {
    await page.getByText('pong to ping').waitFor();
    await page.waitForFunction('Number(document.getElementById("events").textContent) > 3');
  };
  const open = async (page: Page, path = '/') => {
    await page.goto(`${board.url}${path}`);
    await enterPassword(page, 'ada', site.core.password);
    await page.getByRole('heading', { name: 'Notice board' }).waitFor();
  };

  test('password and one-time code lead to the very address that was asked for, with WebSocket and events', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto(`${board.url}/notes?day=3&order=up`);
    await enterPassword(page, 'grace', site.core.password);
    await page.getByLabel('Code from your authenticator app').fill(codeOf(secret, 1));
    await page.keyboard.press('Enter');
    await page.waitForURL(`${board.url}/notes?day=3&order=up`);
    await page.getByText('Hello grace').waitFor();
    await live(page);
    expect(visit.complaints).toEqual([]);
  });

  test('a wrong code opens nothing', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto(`${board.url}/`);
    await enterPassword(page, 'grace', site.core.password);
    await page.getByLabel('Code from your authenticator app').fill('000000');
    await page.keyboard.press('Enter');
    await page.getByText('Invalid Token').waitFor();
    await page.goto(`${board.url}/`);
    await page.getByRole('heading', { name: 'Welcome to gatehouse' }).waitFor();
  });

  test('signing out closes the live connections of every tab, and the site asks again', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page);
    const other = await page.context().newPage();
    await other.goto(`${board.url}/`);
    await live(other);
    await page.getByRole('link', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'You are signed out.' }).waitFor();
    expect(page.url()).toContain(site.url);
    await other.waitForFunction('window.closedAt !== undefined');
    await page.goto(`${board.url}/`);
    await page.getByLabel('E-mail address or user name').waitFor();
  });

  test('a session that ends in the core closes open sockets within a second', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page);
    await live(page);
    const sessions = '/core/authenticated_sessions/';
    const { results } = await site.core.call<{ results: { uuid: string }[] }>('GET', `${sessions}?user__username=ada`);
    const endedAt = Date.now();
    await Promise.all(results.map(({ uuid }) => site.core.call('DELETE', `${sessions}${uuid}/`)));
    await page.waitForFunction('window.closedAt !== undefined');
    const closedAt = await page.evaluate<number>('window.closedAt');
    expect(closedAt - endedAt).toBeLessThan(mostUntilClosedMs);
    await page.goto(`${board.url}/`);
    await page.getByLabel('E-mail address or user name').waitFor();
  });
});
