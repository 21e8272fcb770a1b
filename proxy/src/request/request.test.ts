import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isWithin, parseAuthority } from './host-name.ts';
import { isEnvoyTarget } from './original.ts';
import { decodeOnce, normalisePath } from './path.ts';
import { reservedTarget, signatureOf } from './reserved.ts';
import { absoluteTargetUri, hrefOf, targetUri } from './target-uri.ts';

describe('paths for decisions', () => {
  for (const [raw, path] of [
    ['/a//b/./c', '/a/b/c'],
    ['/public/../admin', '/admin'],
    ['/public/%2e%2e/admin', '/admin'],
    ['/public\\..\\admin', '/admin'],
    ['/public/%5c..%5c..%5cadmin', '/admin'],
    ['/api/queues/%2F/x', '/api/queues/x'],
    ['/..', '/'],
    ['/a/', '/a/'],
    ['/a/..', '/'],
    ['/%252e%252e/a', '/%2e%2e/a'],
    ['/caf%C3%A9', '/café'],
  ] as const) {
    test(`proxy 103: ${raw} means ${path}`, () => expect(normalisePath(decodeOnce(raw) ?? '')).toBe(path));
  }
  for (const raw of ['/%', '/%zz', '/a%0d%0ab', '/%00'])
    test(`§12.2: ${raw} has no meaning, so no rule matches it`, () => expect(decodeOnce(raw)).toBeUndefined());

  test('normalising is idempotent and leaves no dot segment', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const once = normalisePath(text);
        expect(normalisePath(once)).toBe(once);
        expect(once.split('/').some((part) => part === '..' || part === '.')).toBe(false);
        expect(once.includes('//')).toBe(false);
      }),
    );
  });
});

describe('hosts', () => {
  for (const [given, host, port] of [
    ['app.company', 'app.company', undefined],
    ['APP.company.', 'app.company', undefined],
    ['app.company:443', 'app.company', 443],
    ['[::1]:9000', '[::1]', 9000],
    ['a.company, b.company', 'a.company', undefined],
  ] as const) {
    test(`proxy 6: ${given}`, () => expect(parseAuthority(given)).toEqual({ host, port }));
  }
  for (const given of ['', 'a b', 'user@host', 'a/b', 'a:b:c', 'a:99999', 'a:0', 'a..b', '.', 'a\\b', 'a%2fb', ' , x'])
    test(`no host: "${given}"`, () => expect(parseAuthority(given)).toBeUndefined());

  test('proxy 8: a domain matches at label boundaries only', () => {
    expect(isWithin('evilcompany', 'company')).toBe(false);
    expect(isWithin('company', '.company')).toBe(true);
    expect(isWithin('x.company', '.company')).toBe(true);
    expect(isWithin('company', '')).toBe(false);
  });
});

describe('target URI', () => {
  test('proxy 13: the raw target is kept byte for byte', () => {
    const target = targetUri('https', 'App.Company:443', '/a//b/./c?x=%2F&y=a%20b');
    expect(target).toMatchObject({
      origin: 'https://app.company',
      rawTarget: '/a//b/./c?x=%2F&y=a%20b',
      rawQuery: 'x=%2F&y=a%20b',
      path: '/a/b/c',
    });
  });
  for (const target of ['', '*', 'x', '/a b', '/a#b', '/a\r\nb', 'http://a/', '/\x00'])
    test(`refused: ${JSON.stringify(target)}`, () => expect(targetUri('https', 'app.company', target)).toBeUndefined());
  for (const url of ['https://user@app.company/', 'ftp://a/', 'https:///x', 'https://a\\b/', '//a/b', 'https://a b/'])
    test(`no absolute target: ${url}`, () => expect(absoluteTargetUri(url)).toBeUndefined());
  test('an absolute URL without path has one', () => {
    expect(absoluteTargetUri('https://app.company?x=1')?.rawTarget).toBe('/?x=1');
  });
  test('what is parsed is written as it was', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, validSchemes: ['http', 'https'] }), (url) => {
        const target = absoluteTargetUri(url);
        if (target !== undefined) expect(hrefOf(target).endsWith(target.rawTarget)).toBe(true);
      }),
    );
  });
});

describe('reserved targets', () => {
  const at = (path: string) => {
    const target = targetUri('https', 'app.company', path);
    return target === undefined ? undefined : reservedTarget(target);
  };
  test('proxy 57: the prefix and what is below it', () => {
    expect(at('/outpost.goauthentik.io/start')).toBeDefined();
    expect(at('/outpost.goauthentik.io')).toBeDefined();
  });
  for (const path of [
    '/outpost.goauthentik.io/../admin',
    '/outpost.goauthentik.iox',
    '/outpost.goauthentik.io%2f..%2fadmin',
    '/outpost.goauthentik.io/%2e%2e/admin',
    '/outpost.goauthentik.io\\..\\admin',
    '/x/../outpost.goauthentik.io/start',
    '//outpost.goauthentik.io/start',
    '/outpost.goauthentik.io/%zz',
  ])
    test(`proxy 58: ${path} is not reserved`, () => expect(at(path)).toBeUndefined());

  test('proxy 35, 39: the callback signature, also with an error glued to it', () => {
    const signature = (query: string) => signatureOf(targetUri('https', 'a', `/x?${query}`) ?? fail());
    expect(signature('X-authentik-auth-callback=TRUE&code=1')).toBe('callback');
    expect(signature('X-authentik-auth-callback=true?error=access_denied&state=s')).toBe('callback');
    expect(signature('x-authentik-auth-callback=true')).toBeUndefined();
    expect(signature('X-authentik-auth-callback=false')).toBeUndefined();
    expect(signature('X-authentik-logout=true')).toBe('logout');
  });
  test('§5.4: the Envoy prefix ends at a boundary', () => {
    expect(isEnvoyTarget('/outpost.goauthentik.io/auth/envoy/app')).toBe(true);
    expect(isEnvoyTarget('/outpost.goauthentik.io/auth/envoy?x')).toBe(true);
    expect(isEnvoyTarget('/outpost.goauthentik.io/auth/envoyfoo')).toBe(false);
  });
});

function fail(): never {
  throw new Error('no target');
}
