// Many people at once, over every protocol, again and again: nobody is ever taken for somebody else, and nobody is shown what is
// another's. Whatever is remembered, shared or used again on the way has to keep them apart.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { promisify } from 'node:util';
import { createVisitor, startTestCore, type TestCore, testPassword, testRadiusSecret } from '@gatehouse/core/testing';
import { Client } from 'ldapts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningDaemon, skipWithout, startDaemon, until } from '../harness/index.ts';
import { Browser } from '../interop/reverse-proxies/browser.ts';

const names = Array.from({ length: 8 }, (_, at) => `guest-${at}`);
const rounds = 12;
/** Of RADIUS: each computes the hash of the password. */
const logins = 3;
const site = 'http://echo.test';
const base = 'dc=ldap,dc=goauthentik,dc=io';
let core: TestCore;
let echo: Server;
let daemons: Readonly<Record<'ldap' | 'radius' | 'proxy', RunningDaemon>>;

beforeAll(async () => {
  core = await startTestCore();
  echo = createServer(({ headers }, response) => {
    const told = [headers['x-authentik-username'], headers['x-authentik-email'], headers['x-authentik-groups']];
    response.end(JSON.stringify(told).padEnd(20_000)); // more than fits a first read
  }).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  for (const name of names) {
    const group = await core.call<{ pk: string }>('POST', '/core/groups/', { name: `of-${name}` });
    const user = { username: name, name: name.toUpperCase(), email: `${name}@echo.test`, groups: [group.pk] };
    const { pk } = await core.call<{ pk: number }>('POST', '/core/users/', user);
    await core.call('POST', `/core/users/${pk}/set_password/`, { password: testPassword });
  }
  await makeSite();
  await giveFilterIds();
  const started = (['ldap', 'radius', 'proxy'] as const).map(async (kind) => {
    const env = { AUTHENTIK_HOST: core.url, AUTHENTIK_TOKEN: await core.outpostToken(kind) };
    const daemon = await startDaemon(kind, { env });
    await until(async () => (await fetch(`http://127.0.0.1:${daemon.bound('metrics').port}/-/ready`)).ok);
    return [kind, daemon] as const;
  });
  daemons = Object.fromEntries(await Promise.all(started)) as typeof daemons; // one of each kind
}, 120_000);
afterAll(async () => {
  for (const daemon of Object.values(daemons ?? {})) await daemon[Symbol.asyncDispose]();
  echo.close();
  await core[Symbol.asyncDispose]();
});

test('LDAP: everybody finds themselves, and nobody else', async () => {
  await Promise.all(
    names.map(async (name) => {
      const client = new Client({ url: `ldap://127.0.0.1:${daemons.ldap.bound('ldap').port}`, timeout: 20_000 });
      for (let round = 0; round < rounds; round++) {
        await client.bind(`cn=${name},ou=users,${base}`, testPassword);
        const { searchEntries } = await client.search(base, {
          filter: '(objectClass=user)',
          attributes: ['cn', 'mail', 'memberOf'],
        });
        expect(searchEntries).toEqual([
          {
            dn: `cn=${name},ou=users,${base}`,
            cn: name,
            mail: `${name}@echo.test`,
            memberOf: `cn=of-${name},ou=groups,${base}`,
          },
        ]);
      }
      await client.unbind();
    }),
  );
});

test.skipIf(skipWithout('radclient'))('RADIUS: everybody is given their own attributes', async () => {
  const server = `127.0.0.1:${daemons.radius.bound('radius').port}`;
  const how = ['-x', '-t', '20', '-c', String(logins), '-p', String(names.length)];
  const asking = promisify(execFile)('radclient', [...how, server, 'auth', testRadiusSecret]);
  const request = (name: string) => `User-Name=${name},User-Password="${testPassword}",Message-Authenticator=0x00\n`;
  asking.child.stdin?.end(names.map(request).join('\n'));
  const { stdout } = await asking;
  const asked = new Map<string, string>(); // numbers are used again, once they are answered
  const given: string[] = [];
  for (const [, what, id = '', rest = ''] of stdout.matchAll(/^(Sent|Received) \S+ Id (\d+)(.*?)(?=^\S|$(?!\n))/gms)) {
    const [, user] = /User-Name = "(.*)"/.exec(rest) ?? [];
    const [, filter = ''] = /Filter-Id = "(.*)"/.exec(rest) ?? [];
    if (what === 'Sent') asked.set(id, user ?? '');
    else expect(filter).toBe(asked.get(id));
    if (what === 'Received') given.push(filter);
  }
  expect(given.sort()).toEqual(names.flatMap((name) => Array.from({ length: logins }, () => name)));
});

test('proxy: the application is told who it is, whoever else asks', async () => {
  await Promise.all(
    names.map(async (name) => {
      const browser = await signedIn(name);
      for (let round = 0; round < rounds; round++) {
        const { status, body } = await visit(browser, `/round/${round}`);
        expect([status, JSON.parse(body)]).toEqual([200, [name, `${name}@echo.test`, `of-${name}`]]);
      }
    }),
  );
});

async function flow(slug: string): Promise<string> {
  return (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
}

async function makeSite(): Promise<void> {
  const { pk } = await core.call<{ pk: number }>('POST', '/providers/proxy/', {
    name: 'Echo',
    mode: 'proxy',
    external_host: site,
    internal_host: `http://127.0.0.1:${portOf(echo)}`,
    authorization_flow: await flow('default-provider-authorization-implicit-consent'),
    invalidation_flow: await flow('default-invalidation-flow'),
  });
  await core.call('POST', '/core/applications/', { name: 'Echo', slug: 'echo', provider: pk });
  await change('/outposts/instances/?name__iexact=proxy', '/outposts/instances/', (outpost) => ({
    providers: [...(outpost['providers'] as number[]), pk], // keys of providers
  }));
}

async function giveFilterIds(): Promise<void> {
  const { pk } = await core.call<{ pk: string }>('POST', '/propertymappings/provider/radius/', {
    name: 'who it is',
    expression: 'packet["Filter-Id"] = request.user.username\nreturn {}',
  });
  await change('/providers/radius/', '/providers/radius/', () => ({ property_mappings: [pk] }));
}

type Row = Readonly<Record<string, unknown>>;

/** Changes the one row of a list. */
async function change(list: string, path: string, to: (row: Row) => Row): Promise<void> {
  const { results } = await core.call<{ results: Row[] }>('GET', list);
  const [row = {}] = results;
  await core.call('PATCH', `${path}${String(row['pk'])}/`, to(row));
}

/** Signs in at the core, and then at the site, which asks for nothing more. */
async function signedIn(name: string): Promise<Browser> {
  const visitor = createVisitor(core.url);
  await visitor.flow('default-authentication-flow');
  await visitor.flow('default-authentication-flow', { uid_field: name });
  await visitor.flow('default-authentication-flow', { password: testPassword });
  const browser = new Browser();
  const start = await visit(browser, '/outpost.goauthentik.io/start');
  const authorized = await visitor.fetch(start.headers.location ?? '');
  const back = new URL(authorized.headers.get('location') ?? '', site);
  expect(back.pathname).toBe('/outpost.goauthentik.io/callback');
  await visit(browser, `${back.pathname}${back.search}`);
  return browser;
}

/** The site, by the proxy's own port. */
function visit(browser: Browser, target: string) {
  const headers = { Host: new URL(site).host };
  return browser.send(`${site}:${daemons.proxy.bound('http').port}${target}`, { headers });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
