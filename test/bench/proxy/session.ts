// Logs in at the daemon that is measured, as a browser would.
import { Browser } from '../../interop/reverse-proxies/browser.ts';

/** @returns the session cookie as `name=value` */
export async function login(host: string, port: number): Promise<string> {
  const own = host.includes(':') ? host : `${host}:${port}`;
  const site = `http://${own}`;
  const headers = { 'X-Forwarded-Host': host };
  for (let round = 0; round < 600; round++) {
    const browser = new Browser();
    const page = await browser.send(`${site}/outpost.goauthentik.io/start`, { headers }).catch(() => undefined);
    if (page?.status !== 302) {
      await new Promise((again) => setTimeout(again, 50));
      continue;
    }
    const back = (await browser.send(page.headers.location ?? '')).headers.location ?? '';
    await browser.send(site + back.slice(new URL(back).origin.length), { headers });
    const found = [...browser.cookies(own)].find(([name]) => /^authentik_proxy_[\da-f]{8}$/.test(name));
    if (found !== undefined) return found.join('=');
  }
  throw new Error('the login never came through');
}

/** Header fields of an answer, for the bare server to repeat; node:http adds the others itself. */
export async function answeredFields(url: string, headers: Readonly<Record<string, string>>): Promise<string[]> {
  const answer = await new Browser().send(url, { headers });
  if (answer.status !== 200) throw new Error(`${url} answers ${answer.status}`);
  const own = new Set(['date', 'connection', 'keep-alive', 'content-length']);
  return Object.entries(answer.headers).flatMap(([name, value]) => (own.has(name) ? [] : [name, String(value)]));
}
