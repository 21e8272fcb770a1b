import { describe, expect, test } from 'vitest';
import { app, forwarded, isRedirectTo, locationState, traefik } from '../testing/fixture.ts';
import { headerOf, headersOf, statusOf, testGateway } from '../testing/test-gateway.ts';

describe('Traefik and Caddy', () => {
  const forward = { mode: 'forward_single' } as const;
  test('proxy 45: without the headers a configuration error, reported once, without cookies', async () => {
    await using gateway = await testGateway({ rows: [forward] });
    for (let round = 0; round < 2; round++) {
      const answer = await gateway.send(traefik, { cookie: 'a=secret', authorization: 'Bearer secret' });
      expect(answer).toMatchObject({ status: 500, body: 'configuration error\n' });
    }
    expect(gateway.events.length).toBe(1);
    expect(gateway.events[0]).toMatchObject({ action: 'configuration_error', client_ip: '127.0.0.1' });
    expect(JSON.stringify(gateway.events[0])).not.toContain('secret');
  });
  test('proxy 46: straight to authorize, the target in the state, one cookie', async () => {
    await using gateway = await testGateway({ rows: [forward] });
    const answer = await gateway.send(traefik, forwarded('/app'));
    const location = headerOf(answer, 'location') ?? '';
    expect(isRedirectTo(location, `${gateway.issuer.url}/application/o/authorize/`)).toBe(true);
    expect(locationState(gateway, location)).toMatchObject({ kind: 'valid', state: { redirect: `${app}/app` } });
    expect(headersOf(answer, 'set-cookie').length).toBe(1);
  });
  test('proxy 47, 48: login through the middleware, then 200 with all twelve headers', async () => {
    await using gateway = await testGateway({ rows: [forward] });
    const browser = gateway.browser();
    const started = await browser.send(traefik, forwarded('/app?x=1'));
    const back =
      (await fetch(headerOf(started, 'location') ?? '', { redirect: 'manual' })).headers.get('location') ?? '';
    const finished = await browser.send(traefik, forwarded(back.slice(app.length)));
    expect([statusOf(finished), headerOf(finished, 'location')]).toEqual([302, `${app}/app?x=1`]);
    for (const path of [traefik, traefik.replace('traefik', 'caddy'), traefik.replace('traefik', 'haproxy')]) {
      const answer = await browser.send(path, { ...forwarded('/app'), 'user-agent': 'curl' });
      expect(answer.kind).toBe('allowed');
      expect(headerOf(answer, 'x-authentik-username')).toBe('alice');
      expect(headerOf(answer, 'x-authentik-groups')).toBe('a|b');
      expect(headerOf(answer, 'x-authentik-entitlements')).toBe('');
      expect(headerOf(answer, 'user-agent')).toBe('curl');
      expect(headersOf(answer, 'set-cookie')).toEqual([]);
    }
  });
  test('proxy 49: the logout signature ends the session', async () => {
    await using gateway = await testGateway({ rows: [forward] });
    const browser = gateway.browser();
    await browser.login('/');
    const answer = await browser.send(traefik, forwarded('/x?X-authentik-logout=true'));
    expect(
      isRedirectTo(headerOf(answer, 'location'), `${gateway.issuer.url}/application/o/app/end-session/?id_token_hint=`),
    ).toBe(true);
  });
  test('proxy 50: an allow-listed target is let through, with every identity header empty', async () => {
    await using gateway = await testGateway({ rows: [{ ...forward, skip_path_regex: '^/public/' }] });
    const answer = await gateway.send(traefik, forwarded('/public/x'));
    expect(answer.kind).toBe('allowed');
    expect(headerOf(answer, 'x-authentik-username')).toBe('');
    expect(statusOf(await gateway.send(traefik, forwarded('/public/../admin')))).toBe(302);
  });
  test('proxy 51: no slash behind the endpoint, nothing else on a forward application', async () => {
    await using gateway = await testGateway({ rows: [forward] });
    expect(await gateway.send(`${traefik}/`, forwarded('/'))).toMatchObject({
      status: 404,
      body: '404 page not found\n',
    });
    expect(statusOf(await gateway.send('/'))).toBe(404);
  });
  test('proxy 53: another host with the cookie of this application is not let in', async () => {
    await using gateway = await testGateway({
      rows: [forward, { ...forward, external_host: 'https://other.company', name: 'q', client_id: 'other' }],
    });
    const browser = gateway.browser();
    await browser.login('/');
    expect(statusOf(await browser.send(traefik, forwarded('/')))).toBe(200);
    const other = await browser.send(traefik, forwarded('/', 'other.company'), {});
    expect(statusOf(other)).toBe(302);
  });
});
