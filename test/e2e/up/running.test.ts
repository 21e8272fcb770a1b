// `npm start` as somebody meets it (issue: one command, and ldapsearch logs in): the built command on free ports, driven by
// the OpenLDAP tools, FreeRADIUS' client and `ldapts`.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { Client } from 'ldapts';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandFile, runTool, skipWithout } from '../../harness/index.ts';
import { isUp, startUp, stop, type Up } from './start-up.ts';

const base = 'dc=ldap,dc=goauthentik,dc=io';
describe('a running installation', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let running: Up;
  let password: string;
  const url = () => /ldap:\/\/[\d.]+:\d+/.exec(running.printed())?.[0] ?? '';

  beforeAll(async () => {
    folder = await temporaryFolder();
    running = startUp(folder.path);
    await isUp(running);
    password = (await readFile(join(folder.path, 'secrets/demo-password'), 'utf8')).trim();
  }, 90_000);
  afterAll(async () => {
    await stop(running);
    await folder[Symbol.asyncDispose]();
  });

  test('ldapts logs in and finds the entry of ldap.md §9.5', async () => {
    const client = new Client({ url: url() });
    await client.bind(`cn=ldapservice,ou=users,${base}`, password);
    const { searchEntries } = await client.search(base, { filter: '(&(objectClass=user)(cn=radia))' });
    await client.unbind();
    expect(searchEntries).toEqual([
      expect.objectContaining({
        dn: `cn=radia,ou=users,${base}`,
        displayName: 'Radia Perlman',
        memberOf: [`cn=operations,ou=groups,${base}`, `cn=sales,ou=groups,${base}`],
      }),
    ]);
  });

  test.skipIf(skipWithout('ldapsearch'))('ldapsearch logs in and searches', async () => {
    const [client] =
      (await new Client({ url: url() }).search('', { scope: 'base' }).then(({ searchEntries }) => searchEntries)) ?? [];
    expect(client?.['namingContexts']).toBe(base);
    const bind = ['-D', `cn=ldapservice,ou=users,${base}`, '-w', password];
    const filter = '(&(objectClass=user)(cn=ada))';
    const args = ['-x', '-LLL', '-o', 'ldif-wrap=no', '-H', url(), ...bind, '-b', base, filter];
    const { code, stdout } = await runTool('ldapsearch', args);
    expect(code).toBe(0);
    expect(stdout).toContain(`dn: cn=ada,ou=users,${base}\n`);
    expect(stdout).toContain('\nhomeDirectory: /home/ada\n');
    expect(stdout).toContain(`\nmemberOf: cn=engineering,ou=groups,${base}\n`);
  });

  test.skipIf(skipWithout('ldapwhoami'))('ldapwhoami tells who logged in, and 49 for a wrong password', async () => {
    const who = (secret: string) =>
      runTool('ldapwhoami', ['-x', '-H', url(), '-D', `cn=ada,ou=users,${base}`, '-w', secret]);
    expect(await who(password)).toMatchObject({ code: 0, stdout: `dn:cn=ada,ou=users,${base}\n` });
    expect(await who('wrong')).toMatchObject({ code: 49 });
  });

  test.skipIf(skipWithout('radclient'))(
    'radclient gets an Access-Accept, and a reject for a wrong password',
    async () => {
      const secret = (await readFile(join(folder.path, 'secrets/radius-secret'), 'utf8')).trim();
      const server = /RADIUS\s+([\d.]+:\d+)/.exec(running.printed())?.[1] ?? '';
      const ask = (given: string) =>
        runTool(
          'radclient',
          ['-r', '1', server, 'auth', secret],
          `User-Name = "grace"\nUser-Password = "${given}"\nMessage-Authenticator = 0x00\n`,
        );
      expect((await ask(password)).stdout).toContain('Received Access-Accept');
      expect((await ask('wrong')).stdout).toContain('Received Access-Reject');
    },
  );

  test('the front door passes calls to the core', async () => {
    const door = /front door\s+(http\S+)/.exec(running.printed())?.[1] ?? '';
    const answer = await fetch(`${door}api/v3/root/config/`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toHaveProperty('cache_timeout_flows');
  });

  test.skipIf(skipWithout('chromium'))('the demo site is behind a login, in a real browser', async () => {
    const site = /demo site\s+(http\S+)/.exec(running.printed())?.[1] ?? '';
    const browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--headless', '--no-sandbox'],
    });
    try {
      const page = await browser.newPage({ viewport: { width: 900, height: 620 } });
      await page.goto(`${site}some/page`);
      await page.getByLabel('E-mail address or user name').fill('grace');
      await page.keyboard.press('Enter');
      await page.getByLabel('Password', { exact: true }).fill(password);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Hello, Grace Hopper' }).waitFor();
      expect(page.url()).toBe(`${site}some/page`);
      expect(await page.getByRole('table').innerText()).toContain('grace@example.org');
      // The picture was uploaded through the API, and is served by its signed URL.
      expect(await page.evaluate('document.querySelector("img")?.naturalWidth > 0')).toBe(true);
      if (process.env['SCREENSHOTS'] !== undefined)
        await page.screenshot({ path: join(import.meta.dirname, '../../../docs/demo-site.png') });
      await page.getByRole('link', { name: 'Sign out' }).click();
      await page.waitForURL(({ hostname }) => hostname === 'localhost');
      await page.goto(site);
      expect(new URL(page.url()).hostname).toBe('localhost');
    } finally {
      await browser.close();
    }
  });

  test('gatehouse status shows every process with channel and version, as table, as JSON and as a page', async () => {
    const args = ['status', '--data-dir', folder.path];
    const { code, stdout } = await runTool(process.execPath, [commandFile, ...args, '--json']);
    expect(code).toBe(0);
    const { processes } = JSON.parse(stdout);
    const rows = ['router', 'proxy (in router)', 'core', 'ldap', 'radius'];
    expect(processes).toEqual(rows.map((name) => expect.objectContaining({ name, state: 'ready' })));
    for (const name of ['proxy (in router)', 'ldap', 'radius'])
      expect(processes).toContainEqual(expect.objectContaining({ name, channel: 'open' }));
    expect((await runTool(process.execPath, [commandFile, ...args])).stdout).toMatch(/^process +state +version/);
    const page = /status\s+(http\S+)/.exec(running.printed())?.[1] ?? '';
    expect(await (await fetch(page)).text()).toContain('<td>proxy (in router)</td><td class="ready">ready</td>');
    const second = await (await fetch(`${page}status.json`)).json();
    expect(second).toMatchObject({
      processes: expect.arrayContaining([expect.objectContaining({ rate: expect.any(Number) })]),
    });
  });

  test('commands of the core find the settings of the installation by themselves', async () => {
    const env = { ...process.env, AUTHENTIK_DATA_DIR: folder.path };
    const link = await runTool(process.execPath, [commandFile, 'recovery', 'ada'], '', env);
    expect(link).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\/recovery\/use-token\/\w{60}\/$/m) });
    const doctor = await runTool(process.execPath, [commandFile, 'doctor'], '', env);
    expect(doctor).toMatchObject({ code: 0, stdout: expect.stringContaining('ok     Secret key') });
  });

  test('nothing secret is in the log', async () => {
    const log = await readFile(join(folder.path, 'gatehouse.log'), 'utf8');
    for (const name of ['secret-key', 'admin-password', 'admin-token', 'demo-password', 'radius-secret'])
      expect(log).not.toContain((await readFile(join(folder.path, 'secrets', name), 'utf8')).trim());
  });
});
