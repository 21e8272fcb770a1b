// An authenticator app (RFC 6238), independent of the one that the core checks codes with.
import { createHmac } from 'node:crypto';
import { signIn } from './sign-in.ts';
import type { Site } from './site.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** @param steps how many half minutes ahead: a code that was used once is refused */
export function codeOf(base32: string, steps = 0): string {
  const bits = [...base32.replaceAll(/[^A-Z2-7]/g, '')]
    .map((sign) => alphabet.indexOf(sign).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', key).update(counter).digest();
  const at = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** Signs in, takes the key from the set-up page, and proves it. @returns the key, as an app would keep it */
export async function setUpAuthenticator(site: Site, name: string): Promise<string> {
  await using visit = await site.visit();
  const { page } = visit;
  await signIn(page, site, name);
  await page.goto(`${site.url}/if/flow/default-authenticator-totp-setup/`);
  await page.getByText('It cannot be scanned').click();
  const key = (await page.locator('.gh-secret code').textContent()) ?? '';
  await page.getByLabel('Code that the app shows now').fill(codeOf(key));
  await page.keyboard.press('Enter');
  await page.waitForURL(`${site.url}/if/user/`);
  return key;
}
