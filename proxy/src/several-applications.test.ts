// Applications beside each other in one browser and in one outpost.
import { describe, expect, test } from 'vitest';
import { fakeIssuer } from './testing/fake-issuer.ts';
import { app, forwarded, traefik } from './testing/fixture.ts';
import { headerOf, headersOf, statusOf, testGateway } from './testing/test-gateway.ts';

const wiki = 'https://wiki.company';
const start = (rd: string) => `/outpost.goauthentik.io/start?rd=${rd}`;

describe('WISHES P2: two tabs log in to two applications at the same time', () => {
  for (const cookie_domain of ['', '.company']) {
    const where = cookie_domain === '' ? 'each with cookies of its host' : 'with cookies of one domain';
    test(`each comes back to its own, ${where}, in any order`, async () => {
      const rows = [{ cookie_domain }, { external_host: wiki, name: 'q', client_id: 'wiki', cookie_domain }];
      for (const order of [
        [0, 1],
        [1, 0],
      ]) {
        await using gateway = await testGateway({ rows });
        const browser = gateway.browser(); // one jar for all: the hardest case, a shared domain
        const tabs = [
          headerOf(await browser.send(start('/one')), 'location') ?? '',
          headerOf(await browser.send(start('/two'), { host: 'wiki.company' }), 'location') ?? '',
        ];
        const ends = [`${app}/one`, `${wiki}/two`];
        for (const at of order) expect(headerOf(await browser.followLogin(tabs[at] ?? ''), 'location')).toBe(ends[at]);
        expect((await browser.send('/')).kind).toBe('forward');
        expect((await browser.send('/', { host: 'wiki.company' })).kind).toBe('forward');
      }
    });
  }
  test('the callback of one is nothing to the other', async () => {
    await using gateway = await testGateway({ rows: [{}, { external_host: wiki, name: 'q', client_id: 'wiki' }] });
    const browser = gateway.browser();
    const started = await browser.send(start('/one'));
    const back = await fetch(headerOf(started, 'location') ?? '', { redirect: 'manual' });
    const { pathname, search } = new URL(back.headers.get('location') ?? '');
    expect(statusOf(await browser.send(pathname + search, { host: 'wiki.company' }))).toBe(400);
    expect(statusOf(await browser.send('/', { host: 'wiki.company' }))).toBe(302);
  });
});

test('WISHES P23: another cookie domain of the same core is one redirect through it, then all of its hosts are known', async () => {
  const domain = { mode: 'forward_domain' } as const;
  await using gateway = await testGateway({
    rows: [
      { ...domain, external_host: 'https://auth.one.company', cookie_domain: 'one.company' },
      {
        ...domain,
        external_host: 'https://auth.two.example',
        cookie_domain: '.two.example',
        name: 'q',
        client_id: 'two',
      },
    ],
  });
  const asked = () => gateway.issuer.requests.filter(({ path }) => path.endsWith('/authorize/')).length;
  for (const [at, name] of ['one.company', 'two.example'].entries()) {
    const browser = gateway.browser(); // no cookie of one domain is sent to the other
    const stranger = await browser.send(traefik, { ...forwarded('/deep?x=1', `a.${name}`), accept: 'text/html' });
    expect(statusOf(stranger)).toBe(302);
    const back = await browser.followLogin(headerOf(stranger, 'location') ?? '');
    expect(headerOf(back, 'location')).toBe(`https://a.${name}/deep?x=1`);
    expect(headersOf(back, 'set-cookie')[0]).toContain(`Domain=${name};`);
    for (const host of [`a.${name}`, `b.${name}`, `auth.${name}`, name])
      expect(statusOf(await browser.send(traefik, forwarded('/', host)))).toBe(200);
    expect(asked()).toBe(at + 1);
  }
});

test('WISHES P24: two identity providers on one outpost, each for its own applications', async () => {
  await using other = await fakeIssuer();
  await using gateway = await testGateway();
  const { oidc_configuration } = other.row();
  other.now = () => gateway.clock.now();
  other.user = { preferred_username: 'bob', sub: 'sub-of-bob' };
  gateway.load([
    { mode: 'forward_single' },
    { mode: 'forward_single', external_host: wiki, name: 'q', client_id: 'wiki', oidc_configuration },
  ]);
  const who = async (host: string) => {
    const browser = gateway.browser();
    const started = await browser.send(start('/'), { host });
    await browser.followLogin(headerOf(started, 'location') ?? '');
    return headerOf(await browser.send(traefik, { host, ...forwarded('/', host) }), 'x-authentik-username');
  };
  expect([await who('app.company'), await who('wiki.company')]).toEqual(['alice', 'bob']);
  // Who is in at one is a stranger to the other: its tokens have another issuer.
  other.tokenClaims = { iss: `${gateway.issuer.url}/application/o/app/` };
  const browser = gateway.browser();
  const started = await browser.send(start('/'), { host: 'wiki.company' });
  expect(statusOf(await browser.followLogin(headerOf(started, 'location') ?? ''))).toBe(400);
});

test('WISHES P18: five thousand applications from a list, each found by its host', async () => {
  await using gateway = await testGateway();
  const rows = Array.from({ length: 5_000 }, (_, at) => ({
    name: `p${at}`,
    client_id: `c${at}`,
    external_host: `https://a${at}.company`,
  }));
  gateway.load(rows);
  for (const at of [0, 2_499, 4_999]) {
    const answer = await gateway.send('/x', { host: `a${at}.company` });
    expect(headerOf(answer, 'location')).toContain(`https://a${at}.company/outpost.goauthentik.io/start`);
  }
  expect(statusOf(await gateway.send('/x', { host: 'a5000.company' }))).toBe(400);
});
