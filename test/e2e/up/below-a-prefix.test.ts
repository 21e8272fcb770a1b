// A whole installation below a prefix (AUTHENTIK_WEB__PATH, router.md §6): front door, core, embedded outpost, LDAP and
// RADIUS, in a real browser; the front door by two workers, which have to know each other's sessions.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { Client } from 'ldapts';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { isUp, startUp, stop, type Up } from './start-up.ts';

const base = 'dc=ldap,dc=goauthentik,dc=io';

describe('an installation below /auth/', { timeout: 90_000 }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let running: Up;
  let password: string;
  const told = (what: RegExp) => what.exec(running.printed())?.[1] ?? '';
  const door = () => told(/front door\s+(http\S+)/);

  beforeAll(async () => {
    folder = await temporaryFolder();
    running = startUp(folder.path, { AUTHENTIK_WEB__PATH: 'auth', AUTHENTIK_WEB__WORKERS: '2' });
    await isUp(running);
    password = (await readFile(join(folder.path, 'secrets/demo-password'), 'utf8')).trim();
  }, 120_000);
  afterAll(async () => {
    if (running !== undefined) await stop(running);
    await folder?.[Symbol.asyncDispose]();
  });

  test('router R12: the root leads to the prefix, assets and pages are below it, beside it is nothing', async () => {
    const { origin, pathname } = new URL(door());
    expect(pathname).toBe('/auth/');
    const look = async (path: string) => {
      const answer = await fetch(origin + path, { redirect: 'manual' });
      return [answer.status, answer.headers.get('location')];
    };
    expect(await look('/')).toEqual([302, '/auth/']);
    expect(await look('/auth')).toEqual([302, '/auth/']);
    expect(await look('/auth/-/health/live/')).toEqual([200, null]);
    expect(await look('/auth/-/health/ready/')).toEqual([200, null]);
    expect(await look('/auth/static/dist/assets/icons/icon.png')).toEqual([200, null]);
    expect(await look('/static/dist/assets/icons/icon.png')).toEqual([404, null]);
    expect(await look('/if/user/')).toEqual([404, null]);
    expect(await look('/outpost.goauthentik.io/ping')).toEqual([204, null]);
  });

  test('LDAP logs in through the core below the prefix', async () => {
    const client = new Client({ url: told(/(ldap:\/\/[\d.]+:\d+)/) });
    await client.bind(`cn=ada,ou=users,${base}`, password);
    await client.unbind();
  });

  describe.skipIf(skipWithout('chromium'))('in a browser', () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless', '--no-sandbox'] });
    });
    afterAll(() => browser?.close());

    const visit = async (address: string) => {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('response', (answer) => answer.status() >= 400 && complaints.push(`${answer.status()} ${answer.url()}`));
      await page.goto(address);
      const field = page.getByLabel('E-mail address or user name');
      await field.fill('grace').catch(async (cause: unknown) => {
        const shown = await page.locator('body').innerText();
        throw new Error(`no login at ${page.url()}, but: ${shown} ${complaints.join()}`, { cause });
      });
      await page.keyboard.press('Enter');
      await page.getByLabel('Password', { exact: true }).fill(password);
      await page.keyboard.press('Enter');
      return { page, complaints };
    };

    test('the user page shows its pictures, signs out and never leaves the prefix', async () => {
      const { page, complaints } = await visit(door());
      await page.waitForURL(`${door()}if/user/`);
      await page.getByRole('link', { name: 'Demo site' }).first().waitFor();
      const pictures = `[...document.images].every((image) => image.complete && image.naturalWidth > 0)`;
      await page.waitForFunction(pictures);
      const cookies = await page.context().cookies();
      expect(cookies.map(({ name }) => name)).toContain('authentik_session');
      expect(new Set(cookies.map(({ path }) => path))).toEqual(new Set(['/auth/']));
      await page.getByTitle('Sign out').click();
      await page.waitForURL(/\/auth\/if\/flow\//);
      expect(complaints).toEqual([]);
    });

    test('the demo site of the embedded outpost is opened by a login below the prefix', async () => {
      const site = told(/demo site\s+(http\S+)/);
      const { page, complaints } = await visit(`${site}some/page`);
      await page.getByRole('heading', { name: 'Hello, Grace Hopper' }).waitFor();
      expect(page.url()).toBe(`${site}some/page`);
      expect(await page.evaluate('document.querySelector("img")?.naturalWidth > 0')).toBe(true);
      expect(complaints).toEqual([]);
    });
  });
});
