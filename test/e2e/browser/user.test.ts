// The page of a user (core.md §1.5): applications, sessions, second factors, tokens, and the way out.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { expectAccessible } from './accessible.ts';
import { codeOf } from './authenticator-app.ts';
import { signIn } from './sign-in.ts';
import { picture, type Site, startSite } from './site.ts';

describe.skipIf(skipWithout('chromium'))('the page of a user', { timeout: 90_000 }, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
    const applications = [
      {
        name: 'Wiki',
        slug: 'wiki',
        group: 'Knowledge',
        meta_description: 'What everybody should know',
        meta_launch_url: 'https://wiki.example/',
      },
      { name: 'Mail', slug: 'mail', group: '', meta_launch_url: 'https://mail.example/', open_in_new_tab: true },
      {
        name: 'Code review',
        slug: 'review',
        group: 'Engineering',
        meta_publisher: 'Tools team',
        meta_launch_url: 'https://review.example/',
        meta_icon: '/static/dist/assets/icons/icon.svg',
      },
    ];
    for (const application of applications) await site.core.call('POST', '/core/applications/', application);
  }, 120_000);
  afterAll(() => site?.[Symbol.asyncDispose]());

  test('applications are shown by group, and found by typing', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'akadmin');
    await page.getByRole('link', { name: 'Wiki' }).waitFor();
    const names = await page.locator('.gh-card strong').allTextContents();
    expect(names.slice(-2)).toEqual(['Code review', 'Wiki']); // groups come behind what has none
    expect(names).toEqual(expect.arrayContaining(['Mail', 'Notice board']));
    expect(await page.getByRole('link', { name: 'Mail opens in a new tab' }).getAttribute('target')).toBe('_blank');
    await expectAccessible(page);
    await picture(page, 'user-applications');
    await page.emulateMedia({ colorScheme: 'dark' });
    await expectAccessible(page);
    await page.setViewportSize({ width: 360, height: 740 });
    await expectAccessible(page);
    await picture(page, 'user-applications-dark-phone');
    await page.getByRole('searchbox').fill('everybody');
    expect(await page.locator('.gh-card strong').allTextContents()).toEqual(['Wiki']);
    expect(await page.getByRole('status').last().textContent()).toBe('1 applications');
    expect(visit.complaints).toEqual([]);
  });

  test('an app password is made, shown once asked for, and deleted', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'akadmin');
    await page.getByRole('link', { name: 'Tokens' }).click();
    await page.getByRole('button', { name: 'New app password' }).click();
    await page.getByLabel('What is it for?').fill('Mail on my phone');
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Create' }).click();
    const key = (await page.getByRole('dialog').locator('code').textContent()) ?? '';
    expect(key).toMatch(/^\S{30,}$/);
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Done' }).click();
    await picture(page, 'user-tokens');
    await page.getByRole('button', { name: 'Delete Mail on my phone' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByText('The token was deleted.').waitFor();
    expect(await page.getByText('Mail on my phone').count()).toBe(0);
  });

  test('a Wi-Fi secret is made where networks take one, and told why not where they do not', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'ada');
    await page.getByRole('link', { name: 'Tokens' }).click();
    await page.getByRole('button', { name: 'New Wi-Fi secret' }).click();
    await page.getByLabel('What is it for?').fill('My laptop');
    const create = page.getByRole('button', { name: 'Create' });
    await create.click();
    await page.getByText('Wi-Fi secrets are off').waitFor();
    const { results } = await site.core.call<{ results: { pk: number }[] }>('GET', '/providers/radius/');
    await site.core.call('PATCH', `/providers/radius/${results[0]?.pk}/`, { wifi_secrets: true });
    await create.click();
    await page.getByRole('button', { name: 'Done' }).waitFor();
    const secret = await page.getByRole('dialog').locator('code').textContent();
    expect(secret?.length).toBeGreaterThan(15);
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByText('does not expire').waitFor();
  });

  test('a session elsewhere is shown and can be ended, which signs that browser out', async () => {
    await using here = await site.visit();
    await using elsewhere = await site.visit({
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    });
    const { page } = here;
    await signIn(elsewhere.page, site, 'grace');
    await signIn(page, site, 'grace');
    await page.getByRole('link', { name: 'Sessions' }).click();
    const rows = page.locator('.gh-row-card');
    await rows.nth(1).waitFor();
    expect(await rows.first().textContent()).toContain('this one');
    await expectAccessible(page);
    await page.getByRole('button', { name: /^End session of Firefox/ }).click();
    await page.getByRole('button', { name: 'End session', exact: true }).click();
    await page.getByText('The session has ended.').waitFor();
    expect(await rows.count()).toBe(1);
    await elsewhere.page.reload();
    await elsewhere.page.getByLabel('E-mail address or user name').waitFor();
  });

  test('an authenticator app is set up from the page, shown there, and removed', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'hedy');
    await page.getByRole('link', { name: 'Password and second factors' }).click();
    await page.getByText('You have none.').waitFor();
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Authenticator app' }).click();
    await page.getByText('It cannot be scanned').click();
    const key = (await page.locator('.gh-secret code').textContent()) ?? '';
    await page.getByLabel('Code that the app shows now').fill(codeOf(key));
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Remove TOTP Device' }).waitFor();
    expect(page.url()).toBe(`${site.url}/if/user/#devices`);
    await expectAccessible(page);
    await picture(page, 'user-devices');
    await page.getByRole('button', { name: 'Remove TOTP Device' }).click();
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByText('The second factor was removed.').waitFor();
    await page.getByText('You have none.').waitFor();
    await page.getByRole('link', { name: 'Change password' }).click();
    await page.getByRole('heading', { name: 'Change password' }).waitFor();
  });

  test('an ordinary user sees the applications that policies leave them', async () => {
    const group = await site.core.call<{ pk: string }>('POST', '/core/groups/', { name: 'wiki readers' });
    const wiki = await site.core.call<{ pk: string }>('GET', '/core/applications/wiki/');
    await site.core.call('POST', '/policies/bindings/', { target: wiki.pk, group: group.pk, order: 0, enabled: true });
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'ada');
    await page.getByRole('link', { name: 'Notice board' }).waitFor();
    const names = await page.locator('.gh-card strong').allTextContents();
    expect(names).toContain('Code review');
    expect(names).not.toContain('Wiki');
  });

  test('whoever is not signed in is sent to the login and comes back', async () => {
    await using visit = await site.visit();
    await signIn(visit.page, site, 'ada', '/if/user/');
    await visit.page.getByText('Ada Lovelace').waitFor();
  });

  test('signing out leads to the login, and the page is closed', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'ada');
    await page.getByRole('link', { name: 'Sign out' }).click();
    await page.getByLabel('E-mail address or user name').waitFor();
    await page.goto(`${site.url}/if/user/`);
    await page.getByLabel('E-mail address or user name').waitFor();
  });

  test('a session that ends while the page is open leads to the login', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'ada');
    await page.getByText('Ada Lovelace').waitFor();
    await page.context().clearCookies();
    await page.getByRole('link', { name: 'Tokens' }).click();
    await page.getByLabel('E-mail address or user name').waitFor();
  });
});
