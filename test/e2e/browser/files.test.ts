// Many stored files as administrators see them: pages, orders, search (files.md §8.1); and a brand's logo from the picker.
import { Buffer } from 'node:buffer';
import { browserFolder } from '@gatehouse/web/manifest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { expectAccessible } from './accessible.ts';
import { signIn } from './sign-in.ts';
import { type Site, startSite } from './site.ts';

const drawing = (padding: number) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" viewBox="0 0 9 9"><rect width="9" height="9"/><title>${'x'.repeat(padding)}</title></svg>`;

describe.skipIf(skipWithout('chromium'))('many files', { timeout: 90_000 }, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite({ web: { assets_dist: browserFolder } });
    for (let at = 10; at < 40; at++) {
      const form = new FormData();
      form.append('file', new Blob([drawing(at * 10)]), `file-${at}.svg`);
      const headers = { Authorization: `Bearer ${site.core.adminToken}` };
      const answer = await fetch(`${site.core.url}api/v3/admin/file/`, { method: 'POST', headers, body: form });
      expect(answer.status).toBe(200);
    }
  }, 120_000);
  afterAll(() => site?.[Symbol.asyncDispose]());

  test('files §8.1: pages, orders and search; another order and a search begin at the first page', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'akadmin', '/if/admin/');
    await page.getByRole('link', { name: 'Files', exact: true }).click();
    const names = page.locator('.gh-file-tile strong');
    const first = async () => (await names.allTextContents())[0];
    await page.getByText('Page 1 of 2').waitFor();
    await expect.poll(() => names.count()).toBe(24);
    expect(await first()).toBe('file-10.svg');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('Page 2 of 2').waitFor();
    await expect.poll(() => names.allTextContents()).toEqual([34, 35, 36, 37, 38, 39].map((at) => `file-${at}.svg`));
    await page.getByLabel('Order').selectOption('-size');
    await page.getByText('Page 1 of 2').waitFor();
    await expect.poll(first).toBe('file-39.svg');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('Page 2 of 2').waitFor();
    await page.getByLabel('Search files').fill('FILE-12');
    await expect.poll(() => names.allTextContents()).toEqual(['file-12.svg']);
  });

  test('a brand gets its logo by the picker, and visitors see it', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'akadmin', '/if/admin/');
    await page.getByRole('link', { name: 'Brands', exact: true }).click();
    await page.getByRole('button', { name: /^Edit/ }).first().click();
    await page.getByRole('button', { name: 'Choose Logo' }).click();
    await page.getByRole('button', { name: 'file-20.svg' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('was saved.').waitFor();
    // The API names the logo of a brand, and gives no address of it.
    await page.getByRole('button', { name: /^Edit/ }).first().click();
    await page.locator('.gh-picker__row img[src*="file-20.svg"]').first().waitFor();
    await expect
      .poll(() => page.evaluate('document.querySelector(".gh-picker__row img").naturalWidth'))
      .toBeGreaterThan(0);
    await page.keyboard.press('Escape');
    await using stranger = await site.visit();
    await stranger.page.goto(`${site.url}/if/flow/default-authentication-flow/`);
    await stranger.page.locator('img[src*="file-20.svg?token="]').first().waitFor();
  });

  test('files §15.2: a file gets another name, which an application that shows it takes along', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await site.core.call('PATCH', '/core/applications/board/', { meta_icon: 'file-30.svg' });
    await signIn(page, site, 'akadmin', '/if/admin/');
    await page.getByRole('link', { name: 'Files', exact: true }).click();
    await page.getByLabel('Search files').fill('file-3');
    await page.getByRole('button', { name: 'Rename file-30.svg' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('New name').fill('file-31.svg');
    await dialog.getByRole('button', { name: 'Rename' }).click();
    await dialog.getByText('A file with this name already exists.').waitFor(); // of another file; the dialog stays
    await dialog.getByLabel('New name').fill('file-3-board.svg');
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Rename' }).click();
    await page.getByText('file-30.svg is now file-3-board.svg.').waitFor();
    await page.locator('.gh-file-tile', { hasText: 'file-3-board.svg' }).waitFor();
    expect(await page.locator('.gh-file-tile', { hasText: 'file-30.svg' }).count()).toBe(0);
    const { meta_icon } = await site.core.call<{ meta_icon: string }>('GET', '/core/applications/board/');
    expect(meta_icon).toBe('file-3-board.svg');
  });

  test('files §15.2: a file gets another content, which is seen at once; one of another kind is refused', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'akadmin', '/if/admin/');
    await page.getByRole('link', { name: 'Files', exact: true }).click();
    await page.getByLabel('Search files').fill('file-11');
    const shown = page.locator('.gh-file-tile', { hasText: 'file-11.svg' }).locator('img');
    const width = () => shown.evaluate((image) => Reflect.get(image, 'naturalWidth'));
    await expect.poll(width).toBe(9);
    await page.getByRole('button', { name: 'Replace file-11.svg' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Replace' }).click();
    await dialog.getByText('Choose a file first.').waitFor();
    const choose = (name: string, text: string) =>
      dialog.getByLabel('New content').setInputFiles({ name, mimeType: 'image/svg+xml', buffer: Buffer.from(text) });
    await choose('trick.svg', '<html><script>alert(1)</script></html>');
    await dialog.getByRole('button', { name: 'Replace' }).click();
    await dialog.getByRole('alert').waitFor();
    await choose('wide.svg', drawing(1).replace('width="9"', 'width="77"'));
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Replace' }).click();
    await page.getByText('file-11.svg was replaced.').waitFor();
    await expect.poll(width).toBe(77);
  });

  test('an upload shows how far it is, and can be cancelled', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'akadmin', '/if/admin/');
    await page.getByRole('link', { name: 'Files', exact: true }).click();
    await page.getByText('30 files').waitFor();
    const network = await page.context().newCDPSession(page);
    const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 200_000 };
    await network.send('Network.emulateNetworkConditions', slow);
    const buffer = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.alloc(4_000_000)]);
    await page.getByLabel('Choose files').setInputFiles({ name: 'slow.png', mimeType: 'image/png', buffer });
    const share = () =>
      page.getByRole('progressbar', { name: 'Upload of slow.png' }).evaluate((bar) => Reflect.get(bar, 'value'));
    await expect.poll(share, { timeout: 15_000 }).toBeGreaterThan(0);
    const first = await share();
    expect(first).toBeLessThan(100);
    await expect.poll(share, { timeout: 15_000 }).toBeGreaterThan(first);
    await page.getByRole('button', { name: 'Cancel upload of slow.png' }).click();
    await page.getByText('Cancelled. Nothing was stored.').waitFor();
    await page.getByText('30 files').waitFor();
    expect(await page.locator('.gh-file-tile', { hasText: 'slow.png' }).count()).toBe(0);
  });
});
