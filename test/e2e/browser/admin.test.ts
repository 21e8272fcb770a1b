// The page of administrators: files above all (files.md §8), and what else it lists.
import { Buffer } from 'node:buffer';
import { browserFolder } from '@gatehouse/web/manifest';
import type { Page, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { expectAccessible } from './accessible.ts';
import { signIn } from './sign-in.ts';
import { picture, type Site, startSite } from './site.ts';

const svg = (colour: string) =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 10"><rect width="16" height="10" fill="${colour}"/><circle cx="8" cy="5" r="3" fill="white"/></svg>`,
  );
const svgFile = (name: string, colour: string) => ({ name, mimeType: 'image/svg+xml', buffer: svg(colour) });

describe.skipIf(skipWithout('chromium'))('the page of administrators', { timeout: 90_000 }, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite({ web: { assets_dist: browserFolder } });
  }, 120_000);
  afterAll(() => site?.[Symbol.asyncDispose]());

  const open = async (page: Page, tab: string) => {
    await signIn(page, site, 'akadmin', '/if/admin/');
    await page.getByRole('link', { name: tab, exact: true }).click();
    await page.getByRole('heading', { name: tab, level: 1 }).waitFor();
    await page.getByRole('progressbar', { name: 'Loading' }).waitFor({ state: 'hidden' });
  };

  test('files are uploaded with progress, listed with a picture, found and sorted', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page, 'Files');
    await page
      .getByLabel('Choose files')
      .setInputFiles([
        svgFile('wiki logo.svg', 'teal'),
        svgFile('mail.svg', 'crimson'),
        svgFile('night sky.svg', 'navy'),
      ]);
    await page.getByText('3 of 3 files stored.').waitFor();
    const names = page.locator('.gh-file-tile strong');
    await expect.poll(() => names.allTextContents()).toEqual(['mail.svg', 'night-sky.svg', 'wiki-logo.svg']);
    await expect
      .poll(() => page.evaluate('[...document.querySelectorAll(".gh-thumb img")].map((one) => one.naturalWidth > 0)'))
      .toEqual([true, true, true]);
    await expectAccessible(page);
    await picture(page, 'admin-files');
    await page.getByLabel('Search files').fill('MAIL');
    await expect.poll(() => names.allTextContents()).toEqual(['mail.svg']);
    await page.getByLabel('Search files').fill('');
    await page.getByLabel('Packaged, too').check();
    await expect.poll(() => names.allTextContents()).toContain('/static/dist/assets/icons/icon.svg');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 360, height: 740 });
    await expectAccessible(page);
    expect(visit.complaints).toEqual([]);
  });

  test('a file can be dropped on the page; a name that is taken says so at its row', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page, 'Files');
    const drop = (name: string) =>
      page.evaluate(
        `(() => {
          const data = new DataTransfer();
          data.items.add(new File(['<svg xmlns="http://www.w3.org/2000/svg"></svg>'], '${name}', { type: 'image/svg+xml' }));
          document.querySelector('.gh-drop').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true }));
        })()`,
      );
    await drop('dropped.svg');
    await page.getByText('1 of 1 files stored.').waitFor();
    await drop('dropped.svg');
    await page.getByText('A file with this name already exists.').waitFor();
    await expectAccessible(page);
  });

  test('a file that is no image after all is refused with the reason, and is not stored', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page, 'Files');
    const buffer = Buffer.from('<html><script>alert(1)</script></html>');
    await page.getByLabel('Choose files').setInputFiles({ name: 'trick.png', mimeType: 'image/png', buffer });
    await page.locator('.gh-row-card--bad').waitFor();
    expect(await page.getByRole('status').first().textContent()).not.toContain('1 of 1');
    expect(await page.locator('.gh-file-tile', { hasText: 'trick.png' }).count()).toBe(0);
  });

  test('the picker gives an application its icon, and deleting the file warns of it', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page, 'Applications');
    await page.getByRole('button', { name: 'Edit Notice board' }).click();
    await page.getByRole('button', { name: 'Choose Icon' }).click();
    await page.getByRole('dialog').getByLabel('Choose files').setInputFiles(svgFile('board.svg', 'seagreen'));
    await expect.poll(() => page.getByLabel('Icon', { exact: true }).inputValue()).toBe('board.svg');
    await page.getByRole('button', { name: 'Choose Icon' }).click();
    await page.getByRole('button', { name: 'mail.svg' }).waitFor();
    await expectAccessible(page);
    await picture(page, 'admin-picker');
    await page.getByRole('button', { name: 'board.svg' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Notice board was saved.').waitFor();
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Files', exact: true }).click();
    await page.getByRole('button', { name: 'Delete board.svg' }).click();
    await page.getByText('These show it, and would be left without a picture:').waitFor();
    expect(await page.getByRole('dialog').textContent()).toContain('Notice board');
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.getByRole('button', { name: 'Delete board.svg' }).click();
    await page.getByRole('button', { name: 'Delete it anyway' }).click();
    await page.getByText('board.svg was deleted.').waitFor();
    expect(await page.locator('.gh-file-tile', { hasText: 'board.svg' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Applications', exact: true }).click();
    await page.getByText('NB', { exact: true }).waitFor(); // initials instead of a picture that is gone
    await site.core.call('PATCH', '/core/applications/board/', { meta_icon: '' });
  });

  test('a background chosen for a flow is behind it at once', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page, 'Flows');
    await page.getByLabel('Search flows').fill('default-authentication-flow');
    await page.getByRole('button', { name: 'Edit Welcome to gatehouse' }).click();
    await page.getByRole('button', { name: 'Choose Background' }).click();
    await page.getByRole('button', { name: 'night-sky.svg' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('was saved.').waitFor();
    await using stranger = await site.visit();
    await stranger.page.goto(`${site.url}/if/flow/default-authentication-flow/`);
    await stranger.page.getByLabel('E-mail address or user name').waitFor();
    const image = await stranger.page.evaluate<string>(
      'getComputedStyle(document.querySelector(".gh-flow"), "::before").backgroundImage',
    );
    expect(image).toContain('night-sky.svg?token=');
  });

  for (const [tab, row] of [
    ['Users', 'Ada Lovelace'],
    ['Applications', 'Notice board'],
    ['Outposts', 'ldap'],
    ['Events', 'login'],
    ['Brands', 'gatehouse'],
    ['Flows', 'default-authentication-flow'],
  ] as const)
    test(`${tab} are listed, for everybody`, async () => {
      await using visit = await site.visit();
      const { page } = visit;
      await open(page, tab);
      await page.getByText(row).first().waitFor();
      await expectAccessible(page);
      await picture(page, `admin-${tab.toLowerCase()}`);
      await page.emulateMedia({ colorScheme: 'dark' });
      await expectAccessible(page);
      expect(visit.complaints).toEqual([]);
    });

  test('a list that waits, and one that cannot be had, have their heading; another try shows it', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    const held: Route[] = [];
    await page.route(`${site.url}/api/v3/core/users/?*`, (route) => void held.push(route), { times: 1 });
    await signIn(page, site, 'akadmin', '/if/admin/');
    await page.getByRole('progressbar', { name: 'Loading' }).waitFor();
    await expectAccessible(page);
    const [asked] = held;
    await asked?.fulfill({ status: 503, headers: { 'Retry-After': '7' } });
    await page.getByText('The server is not ready. Try again in 7 s.').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('Ada Lovelace').first().waitFor();
  });

  test('a page that cannot learn who is signed in says so, and goes on when it can', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    const refuse = (route: Route) => route.fulfill({ status: 503, headers: { 'Retry-After': '7' } });
    await page.route(`${site.url}/api/v3/core/users/me/`, refuse, { times: 1 });
    await signIn(page, site, 'ada', '/if/user/');
    await page.getByText('The server is not ready. Try again in 7 s.').waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { name: 'My applications' }).waitFor();
  });

  test('a website gets a login in front: application, provider and outpost from one question', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page, 'Applications');
    const create = async (name: string) => {
      await page.getByRole('button', { name: 'New application' }).click();
      await page.getByLabel('Name').fill(name);
      await page.getByLabel('Address that people open').fill('https://wiki.example.org');
      await page.getByLabel('Address of the website itself').fill('http://10.0.0.7:8080');
      await expectAccessible(page);
      await page.getByRole('button', { name: 'Create', exact: true }).click();
    };
    await create('Wiki of the house');
    await page.getByText('Wiki of the house was created.').waitFor();
    const made = await site.core.call<{ provider: number; launch_url: string }>(
      'GET',
      '/core/applications/wiki-of-the-house/',
    );
    expect(made.launch_url).toBe('https://wiki.example.org');
    const { results } = await site.core.call<{ results: { providers: number[]; managed: string | null }[] }>(
      'GET',
      '/outposts/instances/?page_size=100',
    );
    expect(results.find(({ managed }) => (managed ?? '') !== '')?.providers).toContain(made.provider);
    await create('Wiki of the house');
    await page.getByRole('dialog').getByRole('alert').waitFor();
    expect(await page.getByLabel('Name').inputValue()).toBe('Wiki of the house');
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await page.getByRole('dialog').count()).toBe(0);
  });

  test('an OpenID Connect client is made, and what its settings need can be copied', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page, 'Applications');
    await page.getByRole('button', { name: 'New application' }).click();
    await page.getByLabel('Name').fill('Planner');
    await page.getByLabel('What is it?').selectOption('oidc');
    await page.getByLabel('Where a login ends (redirect URI)').fill('https://planner.example.org/callback');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.getByRole('heading', { name: 'What the application needs' }).waitFor();
    await expectAccessible(page);
    await picture(page, 'admin-client');
    const [id, secret, discovery = ''] = await page.getByRole('dialog').locator('code').allTextContents();
    expect([id, secret].map((text) => text?.length ?? 0)).toEqual([expect.any(Number), expect.any(Number)]);
    expect(await (await fetch(discovery)).json()).toMatchObject({ issuer: `${site.url}/application/o/planner/` });
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByText('https://planner.example.org').waitFor();
  });

  test('a user is made, given a password, deactivated, and then cannot sign in', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page, 'Users');
    await page.getByRole('button', { name: 'New user' }).click();
    await page.getByLabel('User name').fill('barbara');
    await page.getByLabel('Full name').fill('Barbara Liskov');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText('barbara was created.').waitFor();
    await page.getByLabel('Search users').fill('barbara');
    await page.getByRole('button', { name: 'Set password barbara' }).click();
    await page.getByRole('textbox', { name: 'New password' }).fill(site.core.password);
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await page.getByText('The password of barbara was set.').waitFor();
    await using hers = await site.visit();
    await signIn(hers.page, site, 'barbara');
    await page.getByRole('button', { name: 'Deactivate barbara' }).click();
    await page.getByRole('button', { name: 'Deactivate', exact: true }).click();
    await page.getByText('barbara was deactivated.').waitFor();
    await hers.page.goto(`${site.url}/if/user/`);
    await hers.page.getByLabel('E-mail address or user name').waitFor();
  });

  test('others are told that the page is not for them', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'ada', '/if/admin/');
    await page.getByText('This page is for administrators.').waitFor();
    await expectAccessible(page);
    expect(await page.getByRole('link', { name: 'Users' }).count()).toBe(0);
  });
});
