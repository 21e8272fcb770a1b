// Everything that administrators make and change by forms drawn from the core's own document: one room for all models.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { expectAccessible } from './accessible.ts';
import { signIn } from './sign-in.ts';
import { picture, type Site, startSite } from './site.ts';

describe.skipIf(skipWithout('chromium'))('objects of any model', { timeout: 120_000 }, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  }, 120_000);
  afterAll(() => site?.[Symbol.asyncDispose]());

  const open = async (page: Page, tab: string) => {
    if (!page.url().includes('/if/admin/')) await signIn(page, site, 'akadmin', '/if/admin/');
    await page.getByRole('link', { name: tab, exact: true }).click();
    await page.getByRole('heading', { name: tab, level: 1 }).waitFor();
    await page.getByText(/^\d+ found$/).waitFor();
  };
  const pk = async (path: string) =>
    (await site.core.call<{ results: { pk: string | number }[] }>('GET', path)).results[0]?.pk;

  test('each list is shown, and its form opens, for everybody', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    const lists = [
      ['Groups', 'New group'],
      ['Roles', 'New role'],
      ['Tokens', 'New token'],
      ['Providers', 'New provider'],
      ['Property mappings', 'New mapping'],
      ['Stages', 'New stage'],
      ['Prompts', 'New prompt'],
      ['Policies', 'New policy'],
      ['Notification rules', 'New rule'],
      ['Notification transports', 'New transport'],
      ['Certificates', 'New certificate'],
      ['Brands', 'New brand'],
      ['Blueprints', 'New blueprint'],
      ['Reputation', undefined],
      ['Tasks', undefined],
      ['Schedules', undefined],
    ] as const;
    for (const [tab, button] of lists) {
      await open(page, tab);
      await expectAccessible(page);
      await picture(page, `admin-${tab.toLowerCase().replace(' ', '-')}`);
      if (button === undefined) continue;
      await page.getByRole('button', { name: button, exact: true }).click();
      await page.getByRole('dialog').waitFor();
      const more = page.getByRole('dialog').locator('summary');
      if ((await more.count()) > 0) await more.first().click();
      await expectAccessible(page);
      await picture(page, `admin-${tab.toLowerCase().replace(' ', '-')}-form`);
      await page.keyboard.press('Escape');
    }
    expect(visit.complaints).toEqual([]);
  });

  test('a group is made with members and attributes; what is wrong is told at its field; then changed and deleted', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page, 'Groups');
    await page.getByRole('button', { name: 'New group' }).click();
    const dialog = page.getByRole('dialog');
    const create = dialog.getByRole('button', { name: 'Create' });
    await create.click();
    await dialog.getByText('This field is required.').waitFor();
    expect(await dialog.getByLabel('Name').getAttribute('aria-invalid')).toBe('true');
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('field-name');
    await dialog.getByLabel('Name').fill('Wi-Fi users');
    await dialog.getByLabel('Attributes').fill('{"vlan": }');
    await create.click();
    await dialog.getByText('Enter valid JSON').waitFor();
    await expectAccessible(page);
    await dialog.getByLabel('Attributes').fill('{"vlan": 42}');
    await dialog.getByRole('group', { name: 'Users' }).getByLabel('Find Users').fill('ada');
    await dialog.getByRole('button', { name: 'Add ada' }).click();
    await create.click();
    await page.getByText('Group was created.').waitFor();
    const { results } = await site.core.call<{ results: Record<string, unknown>[] }>(
      'GET',
      '/core/groups/?name=Wi-Fi%20users',
    );
    expect(results[0]).toMatchObject({ attributes: { vlan: 42 }, users_obj: [{ username: 'ada' }] });
    await page.getByLabel('Search groups').fill('Wi-Fi');
    await page.getByRole('button', { name: 'Edit Wi-Fi users' }).click();
    await dialog.getByRole('button', { name: 'Remove ada' }).click();
    await dialog.getByLabel('Name').fill('Wireless');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Wi-Fi users was saved.').waitFor();
    await page.getByLabel('Search groups').fill('Wireless');
    await page.getByRole('button', { name: 'Delete Wireless' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Wireless was deleted.').waitFor();
    expect(await pk('/core/groups/?name=Wireless')).toBeUndefined();
    expect(visit.complaints).toEqual([expect.stringContaining('400 (Bad Request)')]); // the name that was missing
  });

  test('a provider of any kind: the fields follow the kind, redirect URIs are lines', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page, 'Providers');
    await page.getByRole('button', { name: 'New provider' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Kind').selectOption({ label: 'OAuth2/OpenID Provider' });
    await dialog.getByLabel('Name').fill('Planner');
    for (const [label, slug] of [
      ['Authorization flow', 'default-provider-authorization-implicit-consent'],
      ['Invalidation flow', 'default-provider-invalidation-flow'],
    ] as const) {
      const option = dialog.getByLabel(label).locator('option', { hasText: slug });
      await dialog.getByLabel(label).selectOption((await option.getAttribute('value')) ?? '');
    }
    await dialog
      .getByLabel('Redirect URIs')
      .fill(
        'https://planner.example/callback\nlogout https://planner.example/bye\nregex https://.*\\.planner\\.example/',
      );
    await dialog.getByText('More settings').click();
    await dialog.getByLabel('Access token validity').fill('soon');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.getByText('Not in the correct format').waitFor();
    await picture(page, 'admin-provider-errors');
    await dialog.getByLabel('Access token validity').fill('minutes=5');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByText('Provider was created.').waitFor();
    const { results } = await site.core.call<{ results: Record<string, unknown>[] }>(
      'GET',
      '/providers/oauth2/?name=Planner',
    );
    expect(results[0]).toMatchObject({
      access_token_validity: 'minutes=5',
      redirect_uris: [
        { matching_mode: 'strict', redirect_uri_type: 'authorization', url: 'https://planner.example/callback' },
        { matching_mode: 'strict', redirect_uri_type: 'logout', url: 'https://planner.example/bye' },
        { matching_mode: 'regex', redirect_uri_type: 'authorization', url: 'https://.*\\.planner\\.example/' },
      ],
    });
    await page.getByLabel('Search providers').fill('Planner');
    await page.getByRole('button', { name: 'Edit Planner' }).click();
    await expect
      .poll(() => dialog.getByLabel('Redirect URIs').inputValue())
      .toBe(
        'https://planner.example/callback\nlogout https://planner.example/bye\nregex https://.*\\.planner\\.example/',
      );
    await page.keyboard.press('Escape');
  });

  test('a mutual TLS stage: what it trusts, and which name is compared with which', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page, 'Stages');
    await page.getByRole('button', { name: 'New stage' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Kind').selectOption({ label: 'Mutual TLS Stage' });
    await dialog.getByLabel('Name').fill('Client certificates');
    await dialog.getByLabel('Mode').selectOption('required');
    await dialog.getByLabel('Cert attribute').selectOption('common_name');
    await dialog.getByLabel('User attribute').selectOption('username');
    const more = dialog.locator('summary');
    if ((await more.count()) > 0) await more.first().click();
    const authorities = dialog.getByRole('group', { name: 'Certificate authorities' });
    await authorities.getByLabel('Find Certificate authorities').fill('self-signed');
    await authorities.getByRole('button', { name: 'Add authentik Self-signed Certificate' }).click();
    await expectAccessible(page);
    await picture(page, 'admin-mutual-tls-stage');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByText('Stage was created.').waitFor();
    const { results } = await site.core.call<{ results: Record<string, unknown>[] }>('GET', '/stages/mtls/');
    expect(results).toMatchObject([
      {
        name: 'Client certificates',
        mode: 'required',
        cert_attribute: 'common_name',
        user_attribute: 'username',
        certificate_authorities: [expect.any(String)],
      },
    ]);
    await page.getByLabel('Search stages').fill('Client certificates');
    await page.getByRole('button', { name: 'Edit Client certificates' }).click();
    await expect.poll(() => dialog.getByLabel('Mode').inputValue()).toBe('required');
    await page.keyboard.press('Escape');
    expect(visit.complaints).toEqual([]);
  });

  test('a flow gets its stages, and an application its access, from where they are listed', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page, 'Flows');
    await page.getByRole('button', { name: 'New flow' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Welcome');
    await dialog.getByLabel('Slug').fill('welcome');
    await dialog.getByLabel('Title on the page').fill('Hello there');
    await dialog.getByLabel('Designation').selectOption('stage_configuration');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByText('The flow was created.').waitFor();
    await site.core.call('POST', '/stages/dummy/', { name: 'a pause' });
    await page.getByLabel('Search flows').fill('welcome');
    await page.getByRole('link', { name: 'Stages Welcome', exact: true }).click();
    await page.getByRole('heading', { name: 'Stages of a flow' }).waitFor();
    await page.getByRole('button', { name: 'New binding' }).click();
    await dialog.getByRole('combobox', { name: 'Stage', exact: true }).selectOption({ label: 'a pause' });
    await dialog.getByLabel('Order').fill('10');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('button', { name: 'Edit a pause' }).waitFor();
    await expectAccessible(page);
    await picture(page, 'admin-flow-stages');
    await page.goto(`${site.url}/if/flow/welcome/`);
    await page.getByRole('heading', { name: 'Hello there' }).waitFor();
    await page.getByText('a pause').waitFor();
    await page.goto(`${site.url}/if/admin/`);
    await open(page, 'Applications');
    await page.getByRole('link', { name: 'Access Notice board' }).click();
    await page.getByRole('button', { name: 'New binding' }).click();
    await dialog.getByRole('combobox', { name: 'User', exact: true }).selectOption({ label: 'grace' });
    await dialog.getByLabel('Order').fill('0');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await page.getByText('user grace').first().waitFor();
    const board = await site.core.call<{ pk: string }>('GET', '/core/applications/board/');
    const { results } = await site.core.call<{ results: { user: number | null }[] }>(
      'GET',
      `/policies/bindings/?target=${board.pk}`,
    );
    expect(results.map(({ user }) => user)).toContain(await pk('/core/users/?username=grace'));
    expect(visit.complaints).toEqual([]);
  });

  test('an LDAP directory: application, provider and outpost from one question, with the lines that start it', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page, 'Applications');
    await page.getByRole('button', { name: 'New application' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Directory for printers');
    await dialog.getByLabel('What is it?').selectOption('ldap');
    await dialog.getByLabel('Base DN').fill('dc=printers,dc=example');
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    await page.getByRole('heading', { name: /^Deploy / }).waitFor();
    await expectAccessible(page);
    await picture(page, 'admin-deploy');
    const docker = (await dialog.getByRole('region', { name: 'Docker' }).textContent()) ?? '';
    expect(docker).toContain('--publish 389:3389');
    const token = /AUTHENTIK_TOKEN=(\S+)/.exec(docker)?.[1] ?? '';
    const host = /AUTHENTIK_HOST=(\S+)/.exec(docker)?.[1] ?? '';
    expect(host).toBe(site.url);
    const served = await fetch(`${host}/api/v3/outposts/ldap/`, { headers: { Authorization: `Bearer ${token}` } });
    const { results } = (await served.json()) as { results: { base_dn: string }[] };
    expect(results.map(({ base_dn }) => base_dn)).toContain('dc=printers,dc=example');
    await dialog.getByRole('button', { name: 'Done' }).click();
    await open(page, 'Applications');
    await page.getByRole('button', { name: 'New application' }).click();
    await dialog.getByLabel('Name').fill('Access points');
    await dialog.getByLabel('What is it?').selectOption('radius');
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    await page.getByRole('heading', { name: /^Deploy / }).waitFor();
    expect(await dialog.getByRole('region', { name: 'Compose' }).textContent()).toContain('1812:1812/udp');
    expect(visit.complaints).toEqual([]);
  });

  test('on a phone the sections are behind a menu, by keyboard, too', async () => {
    await using visit = await site.visit({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    const { page } = visit;
    await signIn(page, site, 'akadmin', '/if/admin/');
    const menu = page.getByRole('button', { name: 'Menu, now at Users' });
    await menu.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'Certificates', exact: true }).waitFor();
    await expectAccessible(page);
    await picture(page, 'admin-menu-dark-phone');
    await page.keyboard.press('Escape');
    expect(await page.getByRole('link', { name: 'Certificates', exact: true }).isVisible()).toBe(false);
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'Certificates', exact: true }).click();
    await page.getByRole('button', { name: 'Generate' }).click();
    await page.getByLabel('Name', { exact: true }).fill('ldap.example.org');
    await expectAccessible(page);
    await picture(page, 'admin-generate-dark-phone');
    await page.getByRole('dialog').getByRole('button', { name: 'Generate' }).click();
    await page.getByText('The certificate was generated.').waitFor();
    await page.goto(`${site.url}/if/user/`);
    await page.getByRole('button', { name: 'Menu, now at Applications' }).click();
    await page.getByRole('link', { name: 'Sessions' }).click();
    await page.getByRole('heading', { name: 'Where you are signed in' }).waitFor();
    await page.getByRole('progressbar', { name: 'Loading' }).waitFor({ state: 'hidden' });
    await expectAccessible(page);
    await picture(page, 'user-sessions-dark-phone');
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(visit.complaints).toEqual([]);
  });
});
