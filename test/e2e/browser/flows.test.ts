// Whole flows of the real core on the page: joining, changing a password, recovery codes, staying signed in, being denied,
// being sent elsewhere, and a stage that breaks.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { expectAccessible } from './accessible.ts';
import { makeFlow, makePrompts } from './make-flow.ts';
import { enterPassword, signIn } from './sign-in.ts';
import { type Site, startSite } from './site.ts';

describe.skipIf(skipWithout('chromium'))('flows of the core', { timeout: 90_000 }, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  }, 120_000);
  afterAll(() => site?.[Symbol.asyncDispose]());

  test('somebody joins: what is wrong is told at its field, and at the end they are signed in', async () => {
    const fields = await makePrompts(site, [
      ['username', 'username', 'User name'],
      ['text', 'name', 'Full name'],
      ['email', 'email', 'E-mail address'],
      ['password', 'password', 'Password'],
      ['password', 'password_repeat', 'Password, once more'],
    ]);
    const path = await makeFlow(site, {
      slug: 'join',
      title: 'Join us',
      stages: [
        ['prompt/stages', { fields }],
        ['user_write', { user_creation_mode: 'always_create', user_type: 'internal' }],
        ['user_login'],
      ],
    });
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto(site.url + path);
    await page.getByLabel('User name').fill('ada');
    await page.getByLabel('Full name').fill('Barbara Liskov');
    await page.getByLabel('E-mail address').fill('barbara@example.org');
    await page.getByLabel('Password', { exact: true }).fill('a long new password');
    await page.getByLabel('Password, once more').fill('a long new password');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('Username is already taken.').waitFor();
    expect(await page.getByLabel('User name').getAttribute('aria-invalid')).toBe('true');
    expect(await page.getByLabel('Full name').inputValue()).toBe('Barbara Liskov');
    await expectAccessible(page);
    await page.getByLabel('User name').fill('barbara');
    await page.getByLabel('Password, once more').fill('another one');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('alert').filter({ hasText: 'match' }).waitFor();
    await page.getByLabel('Password, once more').fill('a long new password');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForURL(`${site.url}/if/user/`);
    await page.getByText('Barbara Liskov').waitFor();
    const { results } = await site.core.call<{ results: { email: string }[] }>('GET', '/core/users/?username=barbara');
    expect(results[0]?.email).toBe('barbara@example.org');
  });

  test('core: a password is changed, and the policy says what is wrong with a weak one', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'hedy');
    await page.goto(`${site.url}/if/flow/default-password-change/`);
    const [first, second] = [page.locator('input[type=password]').first(), page.locator('input[type=password]').last()];
    const change = async (password: string) => {
      await first.fill(password);
      await second.fill(password);
      await page.getByRole('button', { name: 'Continue' }).click();
    };
    await first.waitFor();
    await change('short');
    await page.getByRole('alert').first().waitFor();
    await expectAccessible(page);
    await change('nine green bottles on a wall');
    await page.waitForURL(`${site.url}/if/user/`);
    await using next = await site.visit();
    await next.page.goto(site.url);
    await enterPassword(next.page, 'hedy', 'nine green bottles on a wall');
    await next.page.waitForURL(`${site.url}/if/user/`);
  });

  test('recovery codes are set up, and one of them lets in where a code is asked for, once', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await signIn(page, site, 'grace');
    await page.goto(`${site.url}/if/flow/default-authenticator-static-setup/`);
    await page.getByText('Each of these codes lets you in once.').waitFor();
    await expectAccessible(page);
    const [code = ''] = await page.getByRole('list', { name: 'Recovery codes' }).locator('code').allTextContents();
    await page.getByRole('button', { name: 'I have kept them' }).click();
    await page.waitForURL(`${site.url}/if/user/`);
    await using later = await site.visit();
    await later.page.goto(site.url);
    await enterPassword(later.page, 'grace', site.core.password);
    await later.page.getByLabel('Recovery code').fill(code);
    await later.page.keyboard.press('Enter');
    await later.page.waitForURL(`${site.url}/if/user/`);
    await using again = await site.visit();
    await again.page.goto(site.url);
    await enterPassword(again.page, 'grace', site.core.password);
    await again.page.getByLabel('Recovery code').fill(code);
    await again.page.keyboard.press('Enter');
    await again.page.getByText('Invalid Token').waitFor();
  });

  for (const [answer, days] of [
    ['Yes, stay signed in', 30],
    ['No', undefined],
  ] as const)
    test(`flow-executor 30: "${answer}" makes the session last ${days === undefined ? 'as long as the browser' : `${days} days`}`, async () => {
      const path = await makeFlow(site, {
        slug: `stay-${days ?? 0}`,
        designation: 'authentication',
        stages: [
          ['identification', { user_fields: ['username'] }],
          ['password', { backends: ['authentik.core.auth.InbuiltBackend'] }],
          ['user_login', { remember_me_offset: 'days=30' }],
        ],
      });
      await using visit = await site.visit();
      const { page } = visit;
      await page.goto(site.url + path);
      await page.getByLabel('User name').fill('alan');
      await page.keyboard.press('Enter');
      await page.getByLabel('Password', { exact: true }).fill(site.core.password);
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: answer, exact: true }).click();
      await page.waitForURL(`${site.url}/if/user/`);
      const cookies = await page.context().cookies();
      const expires = cookies.find(({ name }) => name === 'authentik_session')?.expires ?? 0;
      if (days === undefined) expect(expires).toBe(-1);
      else expect((expires - Date.now() / 1000) / 86_400).toBeCloseTo(days, 1);
    });

  test('name and password on one page; a wrong one tells nothing of which', async () => {
    const { results } = await site.core.call<{ results: { pk: string }[] }>(
      'GET',
      '/stages/password/?name=default-authentication-password',
    );
    const path = await makeFlow(site, {
      slug: 'one-page',
      designation: 'authentication',
      stages: [
        ['identification', { user_fields: ['username', 'email'], password_stage: results[0]?.pk }],
        ['user_login'],
      ],
    });
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto(site.url + path);
    await page.getByLabel('user name').fill('alan');
    await page.getByLabel('Password', { exact: true }).fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').filter({ hasText: 'Failed to authenticate.' }).waitFor();
    expect(await page.getByLabel('user name').inputValue()).toBe('alan');
    await page.getByLabel('Password', { exact: true }).fill(site.core.password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.waitForURL(`${site.url}/if/user/`);
  });

  test('two stages of one kind in a row are two forms, and denial ends the flow with its reason', async () => {
    const path = await makeFlow(site, {
      slug: 'nowhere-to-go',
      stages: [['dummy'], ['dummy'], ['deny', { deny_message: 'Closed on Thursdays.' }]],
    });
    await using visit = await site.visit();
    const { page } = visit;
    await page.goto(site.url + path);
    await page.getByText('nowhere-to-go-0').waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('nowhere-to-go-1').waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('Closed on Thursdays.').waitFor();
    await expectAccessible(page);
  });

  test('flow-executor §11.7: a redirect leads into another flow, or to another site', async () => {
    const target = await makeFlow(site, { slug: 'second', stages: [['dummy']] });
    const flows = await site.core.call<{ pk: string }>('GET', '/flows/instances/second/');
    const into = await makeFlow(site, {
      slug: 'into-second',
      stages: [['redirect', { mode: 'flow', target_flow: flows.pk }]],
    });
    const away = await makeFlow(site, {
      slug: 'away',
      stages: [['redirect', { mode: 'static', target_static: 'https://elsewhere.example/x?y=1' }]],
    });
    await using visit = await site.visit();
    const { page } = visit;
    await page.route('https://elsewhere.example/**', (route) => route.fulfill({ body: 'elsewhere' }));
    await page.goto(site.url + into);
    await page.waitForURL(site.url + target);
    await page.getByText('second-0').waitFor();
    await page.goto(site.url + away);
    await page.waitForURL('https://elsewhere.example/x?y=1');
  });

  test('flow-executor §9.5: a stage that breaks gives visitors a number, and administrators the cause', async () => {
    const path = await makeFlow(site, { slug: 'broken', stages: [['dummy', { throw_error: true }]] });
    await using visit = await site.visit();
    await visit.page.goto(site.url + path);
    await visit.page.getByText('Something went wrong.').waitFor();
    expect(await visit.page.locator('code').textContent()).toMatch(/^[0-9a-f]{32}$/);
    expect(await visit.page.locator('pre').count()).toBe(0);
    await using administrator = await site.visit();
    await signIn(administrator.page, site, 'akadmin');
    await administrator.page.goto(site.url + path);
    await administrator.page.getByText('The dummy stage was told to fail.').first().waitFor();
    await expectAccessible(administrator.page);
  });
});
