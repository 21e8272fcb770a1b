// The words after `gatehouse proxy` as somebody types them, and the daemon with nothing but its defaults.
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { fakeIssuer } from '@gatehouse/proxy/testing';
import { expect, test } from 'vitest';
import { commandFile, freePort, runTool, startDaemon, until } from '../../harness/index.ts';
import { Browser } from '../../interop/reverse-proxies/browser.ts';

test('§17.12: explain says which provider and which rule decide, for whom, and why', async () => {
  await using issuer = await fakeIssuer();
  await using folder = await temporaryFolder();
  issuer.providers.push(issuer.row({ name: 'wiki', external_host: 'https://wiki.company' }));
  const rules = join(folder.path, 'rules.yml');
  await writeFile(rules, 'wiki.company: { rules: [{ name: ops, prefix: /admin, require: { groups_any: [ops] } }] }');
  const explain = async (...words: string[]) => {
    const env = { PATH: process.env['PATH'], AUTHENTIK_HOST: issuer.url, AUTHENTIK_TOKEN: 'x', AKPROXY_RULES: rules };
    const { code, stdout } = await runTool(process.execPath, [commandFile, 'proxy', 'explain', ...words], '', env);
    return `${code} ${stdout}`;
  };
  const stranger = await explain('https://wiki.company/admin');
  expect(stranger).toMatch(/^0 provider +wiki \(proxy\), because the host is its external host$/m);
  const alice = await explain('https://wiki.company/admin', '--user', 'alice', '--groups', 'staff');
  expect(alice).toMatch(/^as alice +403: the rule "ops" asks for a group of ops$/m);
  expect(await explain('https://wiki.company/admin', '--user=bob', '--groups=ops')).toMatch(
    /^as bob +allowed by the rule "ops"$/m,
  );
});

test('proxy 99, WISHES P3, P27: by default sessions outlive a restart, and strangers leave nothing on the disk', async () => {
  await using issuer = await fakeIssuer();
  await using folder = await temporaryFolder();
  issuer.providers.push(issuer.row({ mode: 'forward_single', external_host: 'http://app.localhost' }));
  const port = await freePort(); // cookies are kept by host and port
  const listen = { AUTHENTIK_LISTEN__HTTP: `127.0.0.1:${port}` };
  const env = { AUTHENTIK_HOST: issuer.url, AUTHENTIK_TOKEN: 'x', TMPDIR: folder.path, ...listen };
  const headers = { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Host': 'app.localhost', 'X-Forwarded-Uri': '/' };
  const browser = new Browser();
  const site = `http://app.localhost:${port}`;
  const ask = async (who: Browser) =>
    (await who.send(`${site}/outpost.goauthentik.io/auth/traefik`, { headers })).status;
  const start = async () => {
    const daemon = await startDaemon('proxy', { env });
    await until(async () => (await ask(new Browser())) === 302);
    return daemon;
  };
  const files = async () =>
    (await readdir(folder.path, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  {
    await using _ = await start();
    for (let round = 0; round < 50; round++) expect(await ask(new Browser())).toBe(302);
    expect(await files()).toEqual([]);
    const started = await browser.send(`${site}/outpost.goauthentik.io/start`, { headers });
    const back = (await browser.send(started.headers.location ?? '')).headers.location ?? '';
    await browser.send(site + back.slice(new URL(back).origin.length), { headers });
    expect([await ask(browser), (await files()).length]).toEqual([200, 1]);
  }
  await using _ = await start();
  expect(await ask(browser)).toBe(200);
});
