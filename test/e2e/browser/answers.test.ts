// What the page sends for what people do, and what it does with what comes back: answers in the contract's fields, trouble
// on the way, flows that start anew, and addresses that are not followed.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { expectAccessible } from './accessible.ts';
import { challenges, scriptExecutor } from './challenges.ts';
import { type Site, startSite } from './site.ts';

const flowPath = '/if/flow/default-authentication-flow/';
const executor = '**/api/v3/flows/executor/**';

describe.skipIf(skipWithout('chromium'))('answers', { timeout: 90_000 }, () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  }, 120_000);
  afterAll(() => site?.[Symbol.asyncDispose]());

  const open = async (page: Page, query = '') => {
    await page.goto(`${site.url}${flowPath}${query}`);
  };

  test('flow-executor 11: a device is chosen by the keyboard, and its code goes out with the challenge unchanged', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    const challenge = challenges['ak-stage-authenticator-validate'];
    const answers = await scriptExecutor(page, [challenge, challenges['ak-stage-dummy']]);
    await open(page);
    await page.getByRole('button', { name: 'Authenticator app' }).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.type('123 456');
    await page.keyboard.press('Enter');
    await page.locator('ak-stage-dummy').waitFor();
    expect(answers).toEqual([
      {
        component: 'ak-stage-authenticator-validate',
        selected_challenge: challenge.device_challenges[1],
        code: '123456',
      },
    ]);
  });

  test('another device can be taken instead', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await scriptExecutor(page, [challenges['ak-stage-authenticator-validate']]);
    await open(page);
    await page.getByRole('button', { name: 'Recovery code' }).click();
    await page.getByRole('button', { name: 'Use another way' }).click();
    await page.getByRole('button', { name: 'Authenticator app' }).click();
    await page.getByLabel('Code from your authenticator app').waitFor();
  });

  test('flow-executor §12: a prompt sends one key per field, in the type of the field', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    const answers = await scriptExecutor(page, [challenges['ak-stage-prompt'], challenges['ak-stage-dummy']]);
    await open(page);
    await page.getByLabel('Full name').fill('Ada Lovelace');
    await page.getByLabel('E-mail address').fill('ada@example.org');
    await page.getByLabel('New password').fill('a long new password');
    await page.getByLabel('Desk').fill('12');
    await page.getByLabel('I agree').check();
    await page.getByLabel('Red').first().check();
    await page.getByLabel('Second colour').selectOption('Green');
    await page.getByLabel('First day').fill('2026-12-01');
    await page
      .getByLabel('Photograph')
      .setInputFiles({ name: 'p.txt', mimeType: 'text/plain', buffer: Buffer.from('x') });
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.locator('ak-stage-dummy').waitFor();
    expect(answers).toEqual([
      {
        component: 'ak-stage-prompt',
        text: 'Ada Lovelace',
        username: 'ada',
        email: 'ada@example.org',
        password: 'a long new password',
        number: '12',
        text_area: '',
        checkbox: true,
        'radio-button-group': 'r',
        dropdown: 'g',
        date: '2026-12-01',
        'date-time': '2026-11-26T10:30',
        file: 'data:text/plain;base64,eA==',
        'ak-locale': '',
      },
    ]);
  });

  test('markup of administrators is shown, their scripts are not', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await scriptExecutor(page, [challenges['ak-stage-prompt']]);
    await open(page);
    expect(await page.locator('.gh-static').innerHTML()).toContain('<b>one minute</b>');
    expect(await page.locator('.gh-static script').count()).toBe(0);
  });

  test('consent echoes its token; remember me is a choice', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    const answers = await scriptExecutor(page, [
      challenges['ak-stage-consent'],
      challenges['ak-stage-user-login'],
      challenges['ak-stage-dummy'],
    ]);
    await open(page);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'No', exact: true }).click();
    await page.locator('ak-stage-dummy').waitFor();
    expect(answers).toEqual([
      { component: 'ak-stage-consent', token: 'once' },
      { component: 'ak-stage-user-login', remember_me: false },
    ]);
  });

  test('recovery codes can be copied and saved', async () => {
    await using visit = await site.visit({ permissions: ['clipboard-read', 'clipboard-write'] });
    const { page } = visit;
    const { codes } = challenges['ak-stage-authenticator-static'];
    await scriptExecutor(page, [challenges['ak-stage-authenticator-static']]);
    await open(page);
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByText('Copied').waitFor();
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe(codes.join('\n'));
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('recovery-codes.txt');
  });

  test('a core that is not ready is asked again after its Retry-After', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    let asked = 0;
    await page.route(executor, (route) => {
      asked += 1;
      return asked === 1
        ? route.fulfill({ status: 503, headers: { 'Retry-After': '2' }, json: { detail: 'starting' } })
        : route.fulfill({ json: challenges['ak-stage-dummy'] });
    });
    await open(page);
    await page.getByText('The server is not ready.').waitFor();
    await page.getByText('Next attempt in 2 s.').waitFor();
    await expectAccessible(page);
    await page.locator('ak-stage-dummy').waitFor();
    expect(asked).toBe(2);
  });

  test('an answer that meets a dead network stays in its form and is not repeated by itself', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    let posts = 0;
    await page.route(executor, (route) => {
      if (route.request().method() === 'GET') return route.fulfill({ json: challenges['ak-stage-identification'] });
      posts += 1;
      return posts === 1 ? route.abort() : route.fulfill({ json: challenges['ak-stage-dummy'] });
    });
    await open(page);
    const name = page.getByLabel('E-mail address or user name');
    await name.fill('ada');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('The server cannot be reached.').waitFor();
    expect(await name.inputValue()).toBe('ada');
    expect(posts).toBe(1);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.locator('ak-stage-dummy').waitFor();
  });

  test('two quick presses send one answer', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    let posts = 0;
    await page.route(executor, async (route) => {
      if (route.request().method() === 'GET') return route.fulfill({ json: challenges['ak-stage-dummy'] });
      posts += 1;
      await new Promise((later) => setTimeout(later, 300));
      return route.fulfill({ json: challenges['ak-stage-email'] });
    });
    await open(page);
    await page.getByRole('button', { name: 'Continue' }).dblclick();
    await page.locator('ak-stage-email').waitFor();
    expect(posts).toBe(1);
  });

  test('flow-executor §9.3: a flow that has run out starts anew and says so', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await open(page);
    await page.getByLabel('E-mail address or user name').fill('ada');
    await page.keyboard.press('Enter');
    const password = page.getByLabel('Password', { exact: true });
    await password.waitFor();
    await page.context().clearCookies();
    await password.fill(site.core.password);
    await password.press('Enter');
    await page.getByText('This took too long or was opened anew elsewhere.').waitFor();
    expect(await page.getByText('No identification data provided.').count()).toBe(0);
    await page.getByLabel('E-mail address or user name').fill('ada');
    await page.keyboard.press('Enter');
    await password.fill(site.core.password);
    await password.press('Enter');
    await page.waitForURL(`${site.url}/if/user/`);
  });

  for (const to of ['javascript:alert(1)', 'data:text/html,<p>x', 'file:///etc/passwd'])
    test(`a redirect to ${to.split(':')[0]}: is not followed`, async () => {
      await using visit = await site.visit();
      const { page } = visit;
      await scriptExecutor(page, [{ component: 'xak-flow-redirect', to }]);
      await open(page);
      await page.getByText('This redirect is not followed.').waitFor();
      expect(page.url()).toBe(`${site.url}${flowPath}`);
    });

  test('flow-executor §12: a form is posted to an application by itself, with every field', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    const posted: (string | null)[] = [];
    await page.route('https://sp.example/**', (route) => {
      posted.push(route.request().postData());
      return route.fulfill({ contentType: 'text/html', body: '<h1>Welcome at the application</h1>' });
    });
    const attrs = { SAMLResponse: 'PHg+', RelayState: 'a b&c' };
    await scriptExecutor(page, [{ component: 'ak-stage-autosubmit', url: 'https://sp.example/acs', attrs }]);
    await open(page);
    await page.getByText('Welcome at the application').waitFor();
    expect(posted).toEqual(['SAMLResponse=PHg%2B&RelayState=a+b%26c']);
  });

  test('flow-executor §12: another page is shown in a frame, with an overlay until it is there', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    await page.route('https://other.example/**', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<html lang="en"><title>x</title><h1>Inside</h1>' }),
    );
    const frame = { url: 'https://other.example/logout', loading_overlay: true, loading_text: 'Signing you out there' };
    await scriptExecutor(page, [{ component: 'xak-flow-frame', ...frame }]);
    await open(page);
    await page.frameLocator('iframe').getByText('Inside').waitFor();
    await page.getByRole('status').waitFor({ state: 'detached' });
    expect(await page.locator('iframe').getAttribute('title')).toBe('Signing you out there');
  });

  test('flow-executor 43: an unknown flow is told, with status 404', async () => {
    await using visit = await site.visit();
    const { page } = visit;
    const answer = await page.goto(`${site.url}/if/flow/nowhere/`);
    expect(answer?.status()).toBe(404);
    await page.getByText('There is no such page.').waitFor();
    await expectAccessible(page);
  });

  test('without JavaScript the page says that it needs it', async () => {
    await using visit = await site.visit({ javaScriptEnabled: false });
    const { page } = visit;
    await open(page);
    expect(await page.textContent('body')).toContain('These pages need JavaScript.');
  });

  test('the policy of the page lets no inline script run, and no foreign page frame it', async () => {
    const answer = await fetch(`${site.url}${flowPath}`);
    const policy = answer.headers.get('Content-Security-Policy') ?? '';
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'self'");
    expect(policy).not.toContain('unsafe');
    expect(answer.headers.get('X-Frame-Options')).toBe('SAMEORIGIN');
    const [nonce] = /'nonce-[^']+'/.exec(policy) ?? [];
    const other = await fetch(`${site.url}${flowPath}`);
    expect(other.headers.get('Content-Security-Policy')).not.toContain(nonce);
  });
});
