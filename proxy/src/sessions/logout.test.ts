import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { app, forwarded, isRedirectTo, nginx, traefik } from '../testing/fixture.ts';
import { headerOf, statusOf, testGateway } from '../testing/test-gateway.ts';

describe('sessions and logout', () => {
  const sid = createHash('sha256').update('session-of-alice').digest('hex');
  test('proxy 92, 93: two providers keep their own settings, and their own sessions', async () => {
    await using gateway = await testGateway({
      rows: [
        {},
        {
          external_host: 'http://b.company',
          name: 'q',
          client_id: 'b',
          cookie_secret: 'another',
          cookie_domain: '.company',
        },
      ],
    });
    const browser = gateway.browser();
    await browser.login('/');
    const value = browser.cookies.get('authentik_proxy_ba7816bf') ?? '';
    const started = await gateway.send('/outpost.goauthentik.io/start', { host: 'b.company' });
    expect(headerOf(started, 'set-cookie')).toContain('Domain=company');
    expect(headerOf(started, 'set-cookie')).not.toContain('Secure');
    const name = `authentik_proxy_${createHash('sha256').update('b').digest('hex').slice(0, 8)}`;
    expect(statusOf(await gateway.send('/', { host: 'b.company', cookie: `${name}=${value}` }))).toBe(302);
  });
  test('proxy 94: a value that the client made up is never a session', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    const chosen = 'A'.repeat(43);
    browser.cookies.set('authentik_proxy_ba7816bf', chosen);
    expect(statusOf(await browser.send('/'))).toBe(302);
    await browser.login('/');
    expect(browser.cookies.get('authentik_proxy_ba7816bf')).not.toBe(chosen);
  });
  test('proxy 95: after its end a session is refused', async () => {
    await using gateway = await testGateway();
    gateway.issuer.lifeS = 100;
    const browser = gateway.browser();
    await browser.login('/');
    expect((await browser.send('/')).kind).toBe('forward');
    await gateway.clock.advance(101_000);
    expect(statusOf(await browser.send('/'))).toBe(302);
  });
  test('proxy 96: signing out ends every session of the user and clears the cookie', async () => {
    await using gateway = await testGateway();
    const [one, two] = [gateway.browser(), gateway.browser()];
    await one.login('/');
    await two.login('/');
    const answer = await one.send('/outpost.goauthentik.io/sign_out');
    expect(
      isRedirectTo(headerOf(answer, 'location'), `${gateway.issuer.url}/application/o/app/end-session/?id_token_hint=`),
    ).toBe(true);
    expect(one.cookies.has('authentik_proxy_ba7816bf')).toBe(false);
    expect(statusOf(await two.send('/'))).toBe(302);
  });
  test('proxy 97, §17.14: without a session to Ext; from another site only a question', async () => {
    await using gateway = await testGateway();
    expect(headerOf(await gateway.send('/outpost.goauthentik.io/sign_out'), 'location')).toBe(`${app}/`);
    const browser = gateway.browser();
    await browser.login('/');
    const asked = await browser.send('/outpost.goauthentik.io/sign_out', { 'sec-fetch-site': 'cross-site' });
    expect([statusOf(asked), (await browser.send('/')).kind]).toEqual([403, 'forward']);
  });
  test('proxy 98, core-contract 24: the end of a core session ends exactly its sessions', async () => {
    await using gateway = await testGateway();
    const [alice, bob] = [gateway.browser(), gateway.browser()];
    await alice.login('/');
    gateway.issuer.user = { sub: 'sub-of-bob', sid: 'f'.repeat(64) };
    await bob.login('/');
    expect([(await alice.send('/')).kind, (await bob.send('/')).kind]).toEqual(['forward', 'forward']);
    await gateway.engine.endCoreSession(sid);
    expect([statusOf(await alice.send('/')), (await bob.send('/')).kind]).toEqual([302, 'forward']);
  });
  test('proxy 98: a session that was read from the store again is forgotten all the same', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    await browser.login('/');
    for (let round = 0; round < 3; round++) {
      expect((await browser.send('/')).kind).toBe('forward');
      await gateway.clock.advance(61_000);
    }
    expect((await browser.send('/')).kind).toBe('forward');
    await gateway.engine.endCoreSession(sid);
    expect(statusOf(await browser.send('/'))).toBe(302);
  });
  test('proxy 107: any name of the core is a good issuer', async () => {
    await using gateway = await testGateway({ authentikHost: 'https://auth.company' });
    gateway.issuer.tokenClaims = { iss: 'https://auth.company/application/o/app/' };
    expect(statusOf(await gateway.browser().login('/'))).toBe(302);
    gateway.issuer.tokenClaims = { iss: 'https://auth.company/application/o/other/' };
    expect(statusOf(await gateway.browser().login('/'))).toBe(400);
  });
  test('proxy 106: the browser gets its own host, the back channel the delivered one with the right Host', async () => {
    await using gateway = await testGateway({ hostBrowser: 'https://b.company' });
    const browser = gateway.browser();
    const started = await browser.send('/outpost.goauthentik.io/start');
    const location = headerOf(started, 'location') ?? '';
    expect(new URL(location).origin).toBe('https://b.company');
    gateway.issuer.tokenClaims = { iss: 'https://b.company/application/o/app/' };
    const finished = await browser.followLogin(location.replace('https://b.company', gateway.issuer.url));
    expect(statusOf(finished)).toBe(302);
    const call = gateway.issuer.requests.find((request) => request.path.endsWith('/token/'));
    expect([call?.headers.host, call?.headers['x-forwarded-proto']]).toEqual(['b.company', 'https']);
  });
  test('a session store that fails lets nobody in', async () => {
    await using gateway = await testGateway({ rows: [{ mode: 'forward_single' }] });
    const browser = gateway.browser();
    await browser.login('/');
    gateway.engine.sessions.forget('all');
    gateway.store.get = async () => Promise.reject(new Error('store down'));
    expect(statusOf(await browser.send(traefik, forwarded('/')))).toBe(500);
    expect(statusOf(await browser.send(nginx, { 'x-original-url': `${app}/` }))).toBe(500);
  });
});
