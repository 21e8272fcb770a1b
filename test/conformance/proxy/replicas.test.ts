// Two proxies that share nothing but their browsers' cookies, with our own core: what one of them spends the other may spend in the
// same moment (proxy.md §17.5, §17.8; RFC 9700 §4.14.2).
import { makeUser, startTestCore, type TestCore, visitorAs } from '@gatehouse/core/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningDaemon, startDaemon, until } from '../../harness/index.ts';
import { Browser, type Page } from '../../interop/reverse-proxies/browser.ts';

const host = 'replicas.localhost';
const forwarded = { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Host': host, 'X-Forwarded-Uri': '/' };
const tokenLifeMs = 5_000;
let core: TestCore;
let replicas: RunningDaemon[] = [];

beforeAll(async () => {
  core = await startTestCore();
  await makeApplication();
  const env = {
    AUTHENTIK_HOST: core.url,
    AUTHENTIK_TOKEN: await core.outpostToken('proxy'),
    AKPROXY_SESSION__STORE: 'cookie',
  };
  replicas = await Promise.all([startDaemon('proxy', { env }), startDaemon('proxy', { env })]);
  for (const replica of replicas) await until(async () => (await ask(replica, new Browser())).status === 302);
}, 60_000);
afterAll(async () => {
  for (const replica of replicas) await replica[Symbol.asyncDispose]();
  await core?.[Symbol.asyncDispose]();
});

/** One whose tokens are over soon, and come with refresh tokens. */
async function makeApplication(): Promise<void> {
  const flow = async (slug: string) => (await core.call<{ pk: string }>('GET', `/flows/instances/${slug}/`)).pk;
  const { results: scopes } = await core.call<{ results: { pk: string; scope_name: string }[] }>(
    'GET',
    '/propertymappings/provider/scope/',
  );
  const wanted = ['openid', 'email', 'profile', 'ak_proxy', 'offline_access'];
  const provider = await core.call<{ pk: number }>('POST', '/providers/proxy/', {
    name: 'replicas',
    mode: 'forward_single',
    external_host: `http://${host}`,
    authorization_flow: await flow('default-provider-authorization-implicit-consent'),
    invalidation_flow: await flow('default-provider-invalidation-flow'),
    property_mappings: scopes.filter(({ scope_name }) => wanted.includes(scope_name)).map(({ pk }) => pk),
    access_token_validity: `seconds=${tokenLifeMs / 1000}`,
  });
  await core.call('POST', '/core/applications/', { name: 'replicas', slug: 'replicas', provider: provider.pk });
  const path = '/outposts/instances/';
  const { results } = await core.call<{ results: { pk: string; providers: number[] }[] }>(
    'GET',
    `${path}?name__iexact=proxy`,
  );
  const [outpost] = results;
  await core.call('PATCH', `${path}${outpost?.pk}/`, { providers: [...(outpost?.providers ?? []), provider.pk] });
}

const site = (replica: RunningDaemon) => `http://${host}:${replica.bound('http').port}`;

function ask(replica: RunningDaemon, browser: Browser): Promise<Page> {
  return browser.send(`${site(replica)}/outpost.goauthentik.io/auth/traefik`, { headers: forwarded });
}

/** A browser that has signed in through one replica and has shown that new cookies reach it, before its first token was over. */
async function signedIn(replica: RunningDaemon): Promise<Browser> {
  const visitor = await visitorAs(core, (await makeUser(core)).username);
  return until(async () => {
    const browser = new Browser();
    const start = await browser.send(`${site(replica)}/outpost.goauthentik.io/start`, { headers: forwarded });
    const authorize = new URL(start.headers.location ?? '');
    const back = new URL((await visitor.fetch(authorize.pathname + authorize.search)).headers.get('location') ?? '');
    await browser.send(site(replica) + back.pathname + back.search, { headers: forwarded });
    return (await ask(replica, browser)).status === 200 ? browser : undefined;
  }, 30_000);
}

/** The same browser, at another replica: with what it has of this one. */
function moved(browser: Browser, from: RunningDaemon, to: RunningDaemon): Browser {
  const other = new Browser();
  const jar = other.cookies(new URL(site(to)).host);
  for (const [name, value] of browser.cookies(new URL(site(from)).host)) jar.set(name, value);
  return other;
}

test('proxy.md §17.8: two replicas that renew one session in the same moment both keep it', async () => {
  const [one, other] = replicas;
  if (one === undefined || other === undefined) throw new Error('two replicas were started');
  let browser = await signedIn(one);
  for (let round = 0; round < 2; round += 1) {
    const endsMs = Date.now() + tokenLifeMs;
    await until(() => Date.now() > endsMs, 2 * tokenLifeMs);
    const sides = [moved(browser, one, one), moved(browser, one, other)] as const;
    const before = sides.map(({ given }) => given.length);
    const pages = await Promise.all([ask(one, sides[0]), ask(other, sides[1])]);
    expect(
      pages.map(({ status }) => status),
      `round ${round}`,
    ).toEqual([200, 200]);
    expect(sides.map(({ given }, at) => given.length - (before[at] ?? 0))).toEqual([1, 1]);
    // Whichever cookie came last, it is good at both.
    const [kept] = [moved(sides[1], other, one)];
    expect([(await ask(one, kept)).status, (await ask(other, sides[1])).status]).toEqual([200, 200]);
    browser = kept;
  }
  const { results } = await core.call<{ results: unknown[] }>('GET', '/events/events/?action=suspicious_request');
  expect(results).toEqual([]);
}, 60_000);
