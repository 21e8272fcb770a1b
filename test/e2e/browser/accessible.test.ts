// The checker that the other tests rely on finds what is wrong.
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { skipWithout } from '../../harness/index.ts';
import { expectAccessible } from './accessible.ts';

test.skipIf(skipWithout('chromium'))('a picture without a text and a field without a label are found', async () => {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu'],
  });
  const page = await browser.newPage();
  const good = '<html lang="en"><title>x</title><main><h1>x</h1>';
  await page.setContent(`${good}<img src="data:,"><input></main></html>`);
  await expect(expectAccessible(page)).rejects.toMatchObject({
    actual: [expect.stringMatching(/^image-alt/), expect.stringMatching(/^label/)],
  });
  await page.setContent(`${good}</main></html>`);
  await expectAccessible(page);
  await browser.close();
});
