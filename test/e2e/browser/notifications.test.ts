// Notifications in the browser (core.md §1.5 `/ws/client/`, §20.2): told as they are made, seen, and removed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { skipWithout, until } from '../../harness/index.ts';
import { expectAccessible } from './accessible.ts';
import { signIn } from './sign-in.ts';
import { picture, type Site, startSite } from './site.ts';

describe.skipIf(skipWithout('chromium'))('notifications', { timeout: 90_000 }, () => {
  let site: Site;
  let key: string;
  beforeAll(async () => {
    site = await startSite();
    const made = await site.core.call<{ pk: string }>('POST', '/events/transports/', { name: 'page', mode: 'local' });
    key = made.pk;
  }, 120_000);
  afterAll(() => site?.[Symbol.asyncDispose]());

  /** One for the administrator, whose token the call carries. */
  const notify = () => site.core.call('POST', `/events/transports/${key}/test/`);

  test('core: a notification rings the bell of a page that is open, and is read by keyboard', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    const line = page.waitForEvent('websocket');
    await signIn(page, site, 'akadmin');
    expect((await line).url()).toBe(`${site.url.replace('http', 'ws')}/ws/client/`);
    const bell = page.getByRole('button', { name: /^Notifications/ });
    await bell.waitFor();
    const before = Number(/\d+/.exec((await bell.textContent()) ?? '')?.[0] ?? 0);
    await notify();
    await page.getByRole('button', { name: `Notifications, ${before + 1} not seen` }).waitFor();
    await page.getByRole('status').filter({ hasText: 'New notification: Test of the notification' }).waitFor();
    await expectAccessible(page);
    await bell.focus();
    await page.keyboard.press('Enter');
    const drawer = page.getByRole('region', { name: 'Notifications' });
    await drawer.getByText('Test of the notification transport page').first().waitFor();
    await expectAccessible(page);
    await picture(page, 'user-notifications-drawer');
    await drawer.getByRole('button', { name: 'Seen Test of' }).first().press('Enter');
    await page
      .getByRole('button', { name: before === 0 ? 'Notifications' : `Notifications, ${before} not seen`, exact: true })
      .waitFor();
    await page.keyboard.press('Escape');
    expect(await drawer.isVisible()).toBe(false);
    expect(visit.complaints).toEqual([]);
  });

  test('core: the page of notifications follows, marks and deletes them', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await notify();
    await signIn(page, site, 'akadmin');
    await page.getByRole('button', { name: /^Notifications, \d+ not seen/ }).click();
    await page.getByRole('link', { name: 'All notifications' }).click();
    const rows = page.locator('.gh-rows .gh-notification');
    await rows.first().waitFor();
    const before = await rows.count();
    await notify();
    await expect.poll(() => rows.count()).toBe(before + 1);
    await expectAccessible(page);
    await picture(page, 'user-notifications');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 360, height: 740 });
    await expectAccessible(page);
    await picture(page, 'user-notifications-dark-phone');
    await page.getByRole('button', { name: 'Mark all as seen' }).click();
    await page.getByText('Everything is marked as seen.').waitFor();
    await page.getByRole('button', { name: 'Notifications', exact: true }).waitFor();
    await rows
      .first()
      .getByRole('button', { name: /^Delete/ })
      .click();
    await expect.poll(() => rows.count()).toBe(before);
    expect(visit.complaints).toEqual([]);
  });

  test('core: the line is only for sessions, from our own pages, tells nothing of others, and ends with its session', async () => {
    const url = `${site.url.replace('http', 'ws')}/ws/client/`;
    const outcome = (headers: Record<string, string>) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(url, { headers });
        socket.on('open', () => {
          resolve('open');
          socket.close();
        });
        socket.on('error', ({ message }) => resolve(message));
      });
    const refused = 'Unexpected server response: 403';
    await using visit = await site.visit();
    const { page } = visit;
    const [line] = await Promise.all([page.waitForEvent('websocket'), signIn(page, site, 'ada')]);
    const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
    expect(await outcome({ cookie, origin: site.url })).toBe('open');
    expect(await outcome({ cookie, origin: 'https://elsewhere.example' })).toBe(refused);
    expect(await outcome({ cookie })).toBe(refused);
    expect(await outcome({ origin: site.url })).toBe(refused);
    expect(await outcome({ origin: site.url, authorization: `Bearer ${site.core.adminToken}` })).toBe(refused);
    await page.getByText('Ada Lovelace').waitFor();
    await notify();
    const { results } = await site.core.call<{ results: { uuid: string; user: number }[] }>(
      'GET',
      '/core/authenticated_sessions/?user__username=ada',
    );
    for (const { uuid } of results) await site.core.call('DELETE', `/core/authenticated_sessions/${uuid}/`);
    await until(() => line.isClosed());
    expect(await page.getByRole('button', { name: 'Notifications', exact: true }).count()).toBe(1);
  });
});
