// A site as people meet it: a whole core behind the built front door, and a headless Chromium that looks at it. Every host
// name below `localhost` leads here by itself.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startTestCore, type TestCore, type TestCoreOptions } from '@gatehouse/core/testing';
import { manifestFile } from '@gatehouse/web/manifest';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { type RunningDaemon, startDaemon } from '../../harness/index.ts';

/** What the test core signs file URLs and cookies with. */
const secretKey = 'secret key of the tests';

export interface Site extends AsyncDisposable {
  readonly core: TestCore;
  readonly router: RunningDaemon;
  /** Of the front door, without a slash at the end. */
  readonly url: string;
  readonly browser: Browser;
  /** A page in a context of its own: no cookies, nothing remembered. Throws at its end what its scripts complained of. */
  visit(options?: BrowserContextOptions): Promise<Visit>;
}

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** Messages of the console and uncaught errors, in order. */
  readonly complaints: readonly string[];
}

export async function startSite(options: TestCoreOptions = {}): Promise<Site> {
  if (!existsSync(manifestFile)) throw new Error(`${manifestFile} is missing: run "npm run build" before this test.`);
  const core = await startTestCore(options);
  const [router, browser] = await Promise.all([
    startDaemon('router', {
      env: {
        AUTHENTIK_CORE__URL: core.url,
        AUTHENTIK_CORE__TOKEN: core.adminToken,
        AUTHENTIK_SECRET_KEY: secretKey,
        AUTHENTIK_STORAGE__FILE__PATH: join(core.folder, 'files'),
      },
    }),
    chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--font-render-hinting=none'],
    }),
  ]);
  return {
    core,
    router,
    browser,
    url: `http://localhost:${router.bound('http').port}`,
    visit: (contextOptions) => visit(browser, contextOptions),
    async [Symbol.asyncDispose]() {
      await browser.close();
      await router[Symbol.asyncDispose]();
      await core[Symbol.asyncDispose]();
    },
  };
}

async function visit(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
    locale: 'en-GB',
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

const screenshots = join(import.meta.dirname, '../../../packages/web/docs/screenshots');
/** What the documentation shows. */
const documented = new Set([
  'identification',
  'ak-stage-authenticator-validate-light',
  'ak-stage-authenticator-totp-light',
  'ak-stage-consent-light',
  'ak-stage-access-denied-dark-phone',
  'ak-stage-prompt-dark-phone',
  'layout-sidebar_left',
  'user-applications',
  'admin-files',
  'admin-picker',
  'flow-inspector',
  'admin-provider-errors',
  'admin-menu-dark-phone',
]);

/** Takes a picture for the documentation, where the run was asked to: `SCREENSHOTS=1`, or `all` to look at every page. */
export async function picture(page: Page, name: string): Promise<void> {
  const wanted = process.env['SCREENSHOTS'];
  if (wanted === undefined || (wanted !== 'all' && !documented.has(name))) return;
  await mkdir(screenshots, { recursive: true });
  await page.evaluate('document.fonts.ready');
  await page.screenshot({ path: join(screenshots, `${name}.png`), animations: 'disabled' });
}
