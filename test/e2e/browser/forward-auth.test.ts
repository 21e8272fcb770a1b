// Forward authentication end to end: a browser, nginx with the printed recipe, the outpost that it asks, the core's pages.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { codeOf, setUpAuthenticator } from './authenticator-app.ts';
import { type ProtectedSite, startProtectedSite } from './protected-site.ts';
import { enterPassword } from './sign-in.ts';
import { type Site, startSite } from './site.ts';

const mostUntilRefusedMs = 1000;

describe.skipIf(skipWithout('chromium') || skipWithout('nginx'))(
  'a site behind nginx and forward-auth',
  { timeout: 90_000 },
  () => {
    let site: Site;
    let board: ProtectedSite;
    beforeAll(async () => {
      site = await startSite();
      board = await startProtectedSite(site, 'nginx');
    }, 120_000);
    afterAll(async () => {
      await board?.[Symbol.asyncDispose]();
      await site?.[Symbol.asyncDispose]();
    });

    test('password and one-time code lead to the very address that was asked for, with WebSocket and events', async () => {
      const secret = await setUpAuthenticator(site, 'grace');
      await using visit = await site.visit();
      const { page } = visit;
      await page.goto(`${board.url}/notes?day=3&order=up`);
      await enterPassword(page, 'grace', site.core.password);
      await page.getByLabel('Code from your authenticator app').fill(codeOf(secret, 1));
      await page.keyboard.press('Enter');
      await page.waitForURL(`${board.url}/notes?day=3&order=up`);
      await page.getByText('Hello grace').waitFor();
      await page.getByText('pong to ping').waitFor();
      await page.waitForFunction('Number(document.getElementById("events").textContent) > 3');
      expect(board.seen()['x-authentik-email']).toContain('grace');
      expect(visit.complaints).toEqual([]);
    });

    test('what a page says about its user does not reach the application', async () => {
      await using visit = await site.visit();
      const { page } = visit;
      await page.goto(`${board.url}/`);
      await enterPassword(page, 'ada', site.core.password);
      await page.getByText('Hello ada').waitFor();
      const told = await page.evaluate<string>(
        "fetch('/who', { headers: { 'X-Authentik-Username': 'root' } }).then((answer) => answer.text())",
      );
      expect(told).toBe('ada');
    });

    test('signing out ends it for every tab, and the site asks again', async () => {
      await using visit = await site.visit();
      const { page } = visit;
      await page.goto(`${board.url}/`);
      await enterPassword(page, 'ada', site.core.password);
      await page.getByText('Hello ada').waitFor();
      const other = await page.context().newPage();
      await other.goto(`${board.url}/`);
      await other.getByText('Hello ada').waitFor();
      await page.getByRole('link', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: 'You are signed out.' }).waitFor();
      expect(await other.evaluate<number>("fetch('/who').then(({ status }) => status)")).toBe(401);
      await other.goto(`${board.url}/`);
      await other.getByLabel('E-mail address or user name').waitFor();
    });

    test('a session that ends in the core is refused within a second', async () => {
      await using visit = await site.visit();
      const { page } = visit;
      await page.goto(`${board.url}/`);
      await enterPassword(page, 'ada', site.core.password);
      await page.getByText('Hello ada').waitFor();
      await page.evaluate(
        "setInterval(() => fetch('/who').then(({ status }) => { if (status === 401) window.refusedAt ??= Date.now(); }), 50)",
      );
      const sessions = '/core/authenticated_sessions/';
      const { results } = await site.core.call<{ results: { uuid: string }[] }>(
        'GET',
        `${sessions}?user__username=ada`,
      );
      const endedAt = Date.now();
      await Promise.all(results.map(({ uuid }) => site.core.call('DELETE', `${sessions}${uuid}/`)));
      await page.waitForFunction('window.refusedAt !== undefined');
      expect((await page.evaluate<number>('window.refusedAt')) - endedAt).toBeLessThan(mostUntilRefusedMs);
      await page.goto(`${board.url}/`);
      await page.getByLabel('E-mail address or user name').waitFor();
    });
  },
);
