// The proxy end to end: a browser, the core's pages, the outpost as a process, an application with live connections.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { codeOf, setUpAuthenticator } from './authenticator-app.ts';
import { addApplication, type ProtectedSite, startProtectedSite } from './protected-site.ts';
import { endSessionsOfAda, live, openAsAda, protectedSiteSuite } from './protected-site-suite.ts';
import { enterPassword, fillPassword, passwordOf } from './sign-in.ts';
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

  protectedSiteSuite(() => ({ site, board }));

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

  test('two tabs that stand at the login of two applications each come to their own', async () => {
    const wiki = await addApplication(site, board, 'wiki');
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto(`${board.url}/one`);
    await fillPassword(page, 'ada', site.core.password);
    const other = await page.context().newPage();
    await other.goto(`${wiki}/two?a=1&b=2`);
    await enterPassword(other, 'ada', site.core.password);
    await other.waitForURL(`${wiki}/two?a=1&b=2`);
    await passwordOf(page).press('Enter');
    await page.waitForURL(`${board.url}/one`);
    for (const tab of [page, other]) await tab.getByText('Hello ada').waitFor();
  });

  test('WISHES P23: who is logged in opens an application of another cookie domain without a question', async () => {
    const shop = await addApplication(site, board, 'shop');
    await using visit = await site.visit();
    const { page } = visit;
    await openAsAda(page, { site, board });
    const met: string[] = [];
    page.on('response', (response) => {
      if (response.request().isNavigationRequest())
        met.push(`${response.status()} ${new URL(response.url()).pathname}`);
    });
    await page.goto(`${shop}/three?a=1`);
    await page.waitForURL(`${shop}/three?a=1`);
    await page.getByText('Hello ada').waitFor();
    expect(met).toEqual([
      '302 /three',
      '302 /outpost.goauthentik.io/start',
      '302 /application/o/authorize/',
      '302 /outpost.goauthentik.io/callback',
      '200 /three',
    ]);
  });

  test('a tab sends its password after another was opened for another application, and both arrive', async () => {
    const news = await addApplication(site, board, 'news');
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto(`${board.url}/one`);
    await fillPassword(page, 'ada', site.core.password);
    const other = await page.context().newPage();
    await other.goto(`${news}/two`);
    await other.getByLabel('E-mail address or user name').waitFor();
    await passwordOf(page).press('Enter');
    await page.waitForURL(`${board.url}/one`);
    await other.getByLabel('E-mail address or user name').fill('ada');
    await other.keyboard.press('Enter');
    await other.waitForURL(`${news}/two`);
    for (const tab of [page, other]) await tab.getByText('Hello ada').waitFor();
  });

  test('tabs that open two applications from their tiles each come to their own', async () => {
    const mail = await addApplication(site, board, 'mail');
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto(`${site.url}/application/launch/board/`);
    await fillPassword(page, 'ada', site.core.password);
    const other = await page.context().newPage();
    await other.goto(`${site.url}/application/launch/mail/`);
    await other.getByLabel('E-mail address or user name').waitFor();
    await passwordOf(page).press('Enter');
    await page.waitForURL(`${board.url}/`);
    await other.getByLabel('E-mail address or user name').fill('ada');
    await other.keyboard.press('Enter');
    await other.waitForURL(`${mail}/`);
    for (const tab of [page, other]) await tab.getByText('Hello ada').waitFor();
    expect(visit.complaints).toEqual([]);
  });

  test('signing out closes the live connections of every tab', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await openAsAda(page, { site, board });
    const other = await page.context().newPage();
    await other.goto(`${board.url}/`);
    await live(other);
    await page.getByRole('link', { name: 'Sign out' }).click();
    await other.waitForFunction('window.closedAt !== undefined');
  });

  test('a session that ends in the core closes open sockets within a second', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await openAsAda(page, { site, board });
    await live(page);
    const endedAt = await endSessionsOfAda(site);
    await page.waitForFunction('window.closedAt !== undefined');
    expect((await page.evaluate<number>('window.closedAt')) - endedAt).toBeLessThan(mostUntilClosedMs);
  });
});
