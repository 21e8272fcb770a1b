// What a brand does to the pages (core.md §9.5): title, pictures, theme and styles of the host that is visited.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { picture, type Site, startSite } from './site.ts';

const flowPath = '/if/flow/default-authentication-flow/';

describe.skipIf(skipWithout('chromium'))('brands', { timeout: 90_000 }, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
    const links = [{ name: 'Help', href: 'https://help.example/' }];
    await site.core.call('PATCH', '/admin/settings/', { footer_links: links });
    await site.core.call('POST', '/core/brands/', {
      domain: 'workshop.localhost',
      branding_title: 'Workshop </title>',
      branding_logo: 'https://pictures.example/logo.svg',
      branding_favicon: '/static/dist/assets/icons/icon.png',
      branding_default_flow_background: 'https://pictures.example/wall.jpg',
      branding_custom_css: 'h1 { letter-spacing: 3px } </style><script>window.broken = true</script>',
      attributes: { settings: { theme: { base: 'dark' } } },
    });
  }, 120_000);
  afterAll(() => site?.[Symbol.asyncDispose]());

  test('title, logo, background, theme and styles are those of the host', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 1"><rect width="4" height="1" fill="teal"/></svg>';
    await page.route('https://pictures.example/**', (route) =>
      route.fulfill({ contentType: 'image/svg+xml', body: svg }),
    );
    await page.goto(`${site.url.replace('localhost', 'workshop.localhost')}${flowPath}`);
    await page.getByLabel('E-mail address or user name').waitFor();
    expect(await page.title()).toBe('Welcome to gatehouse – Workshop </title>');
    expect(await page.locator('img').first().getAttribute('src')).toBe('https://pictures.example/logo.svg');
    expect(await page.locator('img').first().getAttribute('alt')).toBe('Workshop </title>');
    const style = (property: string, of: string) => page.evaluate<string>(`getComputedStyle(${of}).${property}`);
    expect(await style('letterSpacing', 'document.querySelector("h1")')).toBe('3px');
    expect(await style('colorScheme', 'document.documentElement')).toBe('dark');
    expect(
      await page.evaluate('getComputedStyle(document.querySelector(".gh-flow"), "::before").backgroundImage'),
    ).toBe('url("https://pictures.example/wall.jpg")');
    expect(await page.evaluate('window.broken')).toBeUndefined();
    expect(await page.getByRole('link', { name: 'Help' }).getAttribute('href')).toBe('https://help.example/');
    expect(await page.locator('footer li').allTextContents()).toEqual(['Help', 'Powered by gatehouse']);
    await picture(page, 'brand');
  });

  for (const layout of ['stacked', 'content_left', 'content_right', 'sidebar_left', 'sidebar_right'])
    test(`layout ${layout}`, async () => {
      await using visit = await site.visit();
      const { page } = visit;
      await site.core.call('PATCH', '/flows/instances/default-authentication-flow/', { layout });
      await page.goto(`${site.url}${flowPath}`);
      await page.getByLabel('E-mail address or user name').waitFor();
      const box = (await page.locator('main').boundingBox()) ?? { x: 0, width: 0 };
      const middle = (box.x + box.width / 2) / 1280;
      if (layout === 'stacked') expect(middle).toBeCloseTo(0.5, 1);
      else expect(middle < 0.45).toBe(layout.endsWith('left'));
      await picture(page, `layout-${layout}`);
    });
});
