import { fakeClock } from '@gatehouse/daemon/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSeal } from '../sessions/seal.ts';
import { loginCookies, newLogin, readLoginCookie } from './login-cookie.ts';
import { formatState, loginLifeMs, parseState } from './login-state.ts';
import { type RedirectRules, redirectParameter, redirectTarget } from './redirect-target.ts';

const ext: RedirectRules = { externalHost: 'https://app.company', mode: 'proxy', cookieDomain: '' };
const wide: RedirectRules = { externalHost: 'https://auth.company', mode: 'forward_domain', cookieDomain: '.company' };

describe('redirect targets', () => {
  test('proxy 29: a path is completed, a full URL on Ext stays as it is', () => {
    expect(redirectTarget('/test?foo', ext)).toBe('https://app.company/test?foo');
    expect(redirectTarget('https://app.company/a%2Fb?x=1', ext)).toBe('https://app.company/a%2Fb?x=1');
  });
  for (const given of [
    'https://google.com',
    '//evil.company',
    '///evil.company',
    'https://app.company@evil/',
    '\\\\evil',
    '/\\evil',
    '/\tevil',
    'javascript://app.company/%0a',
    'http://app.company/',
    'https://app.company:8443/',
    'https://app.company.evil.org/',
    'data:text/html,x',
    '/outpost.goauthentik.io/sign_out',
    '/outpost.goauthentik.io/x/../callback',
    '/outpost.goauthentik.io/auth/nginx',
    '/x?X-authentik-logout=true',
    '',
  ])
    test(`proxy 30, 31: ${JSON.stringify(given)} leads nowhere else`, () =>
      expect(redirectTarget(given, ext)).toBeUndefined());
  test('proxy 31: "https:evil" is a path on Ext', () => {
    expect(new URL(redirectTarget('https:evil', ext) ?? '').origin).toBe('https://app.company');
  });
  test('proxy 32: domain mode takes hosts of the domain, at label boundaries', () => {
    expect(redirectTarget('https://any.company/x', wide)).toBe('https://any.company/x');
    expect(redirectTarget('https://company/', wide)).toBe('https://company/');
    expect(redirectTarget('https://evilcompany/', wide)).toBeUndefined();
    expect(redirectTarget('http://any.company/', wide)).toBeUndefined();
  });
  test('proxy 31: whatever is accepted leads to Ext, as a browser reads it', () => {
    const piece = fc.constantFrom('https:', 'http:', '/', '\\', '@', 'evil', 'app.company', ':', '?', '#', '\t', '%2f');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((parts) => parts.join('')),
          fc.webUrl(),
        ),
        (given) => {
          const target = redirectTarget(given, ext);
          if (target !== undefined) expect(new URL(target).origin).toBe('https://app.company');
        },
      ),
      { numRuns: 2_000 },
    );
  });
  for (const query of [
    'rd=https://app.company/p?a=1&b=2',
    'rd=https%3A%2F%2Fapp.company%2Fp%3Fa%3D1%26b%3D2',
    'rd=https://app.company%2Fp%3Fa%3D1%26b%3D2',
    'x=1&rd=https%3A%2F%2Fapp.company%2Fp%3Fa%3D1%26b%3D2',
  ])
    test(`proxy 33: ${query}`, () => expect(redirectParameter(query)).toBe('https://app.company/p?a=1&b=2'));
});

describe('login state', () => {
  const key = { clientId: 'abc', cookieSecret: 'S'.repeat(32) };
  const clock = fakeClock();
  const state = { loginId: 'f00d', redirect: 'https://app.company/x', bounces: 1, issuedAtMs: clock.now() };
  test('proxy 28: a JWT with the documented claims that reads back', () => {
    const text = formatState(key, state);
    const [header = '', payload = ''] = text.split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'HS256', typ: 'JWT' });
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    expect(Object.keys(claims).slice(0, 4)).toEqual(['iss', 'sid', 'state', 'redirect']);
    expect(claims).toMatchObject({ iss: 'goauthentik.io/outpost/abc', redirect: state.redirect });
    expect(claims.exp - claims.iat).toBeLessThanOrEqual(600);
    expect(parseState(key, text, clock.now())).toEqual({ kind: 'valid', state });
  });
  test('proxy 36, 37: tampered, foreign, other algorithm, too old', () => {
    const text = formatState(key, state);
    const [header = '', payload = '', signature = ''] = text.split('.');
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    for (const forged of [
      `${none}.${payload}.`,
      `${header}.${payload}.`,
      `${header}.${payload}x.${signature}`,
      'a.b.c',
    ])
      expect(parseState(key, forged, clock.now()).kind).toBe('invalid');
    expect(parseState({ ...key, clientId: 'other' }, text, clock.now()).kind).toBe('invalid');
    expect(parseState({ ...key, cookieSecret: 'other' }, text, clock.now()).kind).toBe('invalid');
    expect(parseState(key, text, clock.now() + loginLifeMs).kind).toBe('expired');
  });
  test('proxy 36: garbage is invalid and never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => parseState(key, text, clock.now()).kind === 'invalid'));
  });
});

describe('login cookie', () => {
  const settings = { name: 'authentik_proxy_x', domain: '', secure: true };
  const seal = createSeal('S'.repeat(32), 'login');
  const now = 1_000_000;
  const sent = (setCookie: string) => setCookie.split(';')[0] ?? '';
  test('proxy 38: two logins at a time keep their own secrets', () => {
    const [one, two] = [newLogin(now), newLogin(now)];
    const first = sent(loginCookies(settings, seal, one, '')[0] ?? '');
    const cookies = `${first}; ${sent(loginCookies(settings, seal, two, first)[0] ?? '')}`;
    for (const login of [one, two])
      expect(readLoginCookie(settings, seal, { cookies, loginId: login.loginId, nowMs: now })).toEqual(login);
  });
  test('proxy 37: not after ten minutes, not of another key, not renamed, not garbage', () => {
    const login = newLogin(now);
    const cookies = sent(loginCookies(settings, seal, login, '')[0] ?? '');
    const read = (given: { cookies?: string; nowMs?: number; seal?: typeof seal }) =>
      readLoginCookie(settings, given.seal ?? seal, { cookies, nowMs: now, loginId: login.loginId, ...given });
    expect(read({})).toEqual(login);
    expect(read({ nowMs: now + loginLifeMs })).toBeUndefined();
    expect(read({ seal: createSeal('other', 'login') })).toBeUndefined();
    expect(read({ cookies: cookies.replace(/=.*/, '=garbage') })).toBeUndefined();
  });
  test('WISHES P25: at most five are alive', () => {
    const alive = Array.from({ length: 9 }, (_, index) => `authentik_proxy_x_s_${index}=v`).join('; ');
    const written = loginCookies(settings, seal, newLogin(now), alive);
    expect(written.filter((cookie) => cookie.includes('Max-Age=0')).length).toBe(5);
  });
});
