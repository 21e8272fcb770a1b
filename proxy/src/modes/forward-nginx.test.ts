import { describe, expect, test } from 'vitest';
import { app, nginx } from '../testing/fixture.ts';
import { headerOf, headersOf, statusOf, testGateway } from '../testing/test-gateway.ts';

describe('nginx', () => {
  const forward = { mode: 'forward_single' } as const;
  const at = (url: string) => ({ 'x-original-url': url, 'x-forwarded-host': 'app.company' });
  test('proxy 54, 60: 500 without a URL, else 401 with an escaped target for navigations and no cookie', async () => {
    await using gateway = await testGateway({ rows: [forward] });
    expect(await gateway.send(nginx)).toMatchObject({ status: 500, body: 'configuration error\n' });
    const answer = await gateway.send(nginx, at(`${app}/p?a=1&b=2`));
    expect(answer).toMatchObject({ status: 401, body: 'unauthorized request\n' });
    expect(new URL(headerOf(answer, 'x-outpost-location') ?? '').searchParams.get('rd')).toBe(`${app}/p?a=1&b=2`);
    expect(headersOf(answer, 'set-cookie')).toEqual([]);
    const script = await gateway.send(nginx, { ...at(`${app}/p`), 'sec-fetch-mode': 'cors' });
    expect([statusOf(script), headerOf(script, 'x-outpost-location')]).toEqual([401, undefined]);
  });
  test('proxy 55, 56: X-Original-URI wins; with a session 200, identity and Authorization', async () => {
    await using gateway = await testGateway({
      rows: [{ ...forward, basic_auth_enabled: true, basic_auth_password_attribute: 'p', skip_path_regex: '^/public' }],
    });
    gateway.issuer.user = { ak_proxy: { user_attributes: { p: 'pw' } } };
    expect(statusOf(await gateway.send(nginx, { ...at(`${app}/x`), 'x-original-uri': '/public?x=/admin' }))).toBe(200);
    expect(statusOf(await gateway.send(nginx, { ...at(`${app}/public`), 'x-original-uri': '/x' }))).toBe(401);
    const browser = gateway.browser();
    await browser.login('/');
    const answer = await browser.send(nginx, at(`${app}/x`));
    expect([answer.kind, headerOf(answer, 'x-authentik-email')]).toEqual(['allowed', 'alice@company']);
    expect(headerOf(answer, 'authorization')).toBe(`Basic ${btoa('alice@company:pw')}`);
  });
  test('proxy 57: the outpost paths themselves need no login', async () => {
    await using gateway = await testGateway({ rows: [forward] });
    expect(statusOf(await gateway.send(nginx, at(`${app}/outpost.goauthentik.io/start`)))).toBe(200);
  });
  for (const path of [
    '/outpost.goauthentik.io/../admin',
    '/outpost.goauthentik.iox',
    '/outpost.goauthentik.io%2f..%2fadmin',
  ])
    test(`proxy 58: ${path} is no outpost path`, async () => {
      await using gateway = await testGateway({ rows: [forward] });
      expect(statusOf(await gateway.send(nginx, at(app + path)))).toBe(401);
    });
  test('proxy 59: the absolute URL decides, whatever X-Forwarded-Host says', async () => {
    await using gateway = await testGateway({
      rows: [forward, { ...forward, external_host: 'https://other.company', name: 'q', client_id: 'other' }],
    });
    const browser = gateway.browser();
    await browser.login('/');
    const other = { 'x-original-url': 'https://other.company/x', 'x-forwarded-host': 'app.company' };
    expect(statusOf(await browser.send(nginx, other))).toBe(401);
    expect(statusOf(await browser.send(nginx, { ...at(`${app}/x`), 'x-forwarded-host': 'other.company' }))).toBe(200);
  });
});
