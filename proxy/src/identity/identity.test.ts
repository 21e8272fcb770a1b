import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseClaims } from '../oidc/claims.ts';
import { fieldKey, fieldText, fieldValue } from './field.ts';
import { plainMapping } from './header-mapping.ts';
import { type HeaderSource, identityHeaderNames, identityHeaders } from './identity-headers.ts';
import { stripRequestHeaders, stripResponseHeaders } from './strip.ts';

const source: HeaderSource = {
  jwksUri: 'https://core/jwks',
  outpostName: 'o',
  providerName: 'p',
  applicationSlug: 'app',
  version: 'goauthentik.io/outpost/1',
  mapping: plainMapping,
  basicAuth: undefined,
};
const headersOf = (payload: Record<string, unknown>, given: Partial<HeaderSource> = {}) => {
  const flat = identityHeaders(parseClaims(payload, 'jwt'), { ...source, ...given });
  return Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : [])));
};

describe('identity headers', () => {
  test('proxy 64: exactly the values of the claims', () => {
    expect(
      headersOf({
        sub: 'u1',
        preferred_username: 'alice',
        groups: ['a', 'b'],
        entitlements: ['x', 'y'],
        email: 'a@x',
        name: 'Zoë',
      }),
    ).toEqual({
      'X-Authentik-Username': 'alice',
      'X-Authentik-Groups': 'a|b',
      'X-Authentik-Entitlements': 'x|y',
      'X-Authentik-Email': 'a@x',
      'X-Authentik-Name': Buffer.from('Zoë').toString('latin1'),
      'X-Authentik-Uid': 'u1',
      'X-Authentik-Jwt': 'jwt',
      'X-Authentik-Meta-Jwks': 'https://core/jwks',
      'X-Authentik-Meta-Outpost': 'o',
      'X-Authentik-Meta-Provider': 'p',
      'X-Authentik-Meta-App': 'app',
      'X-Authentik-Meta-Version': 'goauthentik.io/outpost/1',
    });
  });
  test('proxy 47: all twelve are there for empty claims', () =>
    expect(Object.keys(headersOf({}))).toEqual([...identityHeaderNames]));
  test('proxy 65: additional headers, tolerant of types, refused where they would take over', () => {
    const additional = (value: unknown) => headersOf({ ak_proxy: { user_attributes: { additionalHeaders: value } } });
    expect(additional({ 'X-Foo': 'bar' })['X-Foo']).toBe('bar');
    expect(additional({ 'x-num': 5, 'X-On': true, 'X-List': ['a', 1], 'X-Null': null })).toMatchObject({
      'X-Num': '5',
      'X-On': 'true',
      'X-List': 'a|1',
    });
    for (const none of ['text', 5, ['a'], null]) expect(Object.keys(additional(none)).length).toBe(12);
    const refused = { Host: 'x', 'X-Authentik-Username': 'root', x_authentik_email: 'x', Cookie: 'x', 'a b': 'x' };
    expect(additional(refused)).toEqual(headersOf({}));
    expect(additional({ 'X-Foo': 'a\r\nSet-Cookie: b' })['X-Foo']).toBe('aSet-Cookie: b');
  });
  test('proxy 66: basic authentication from attributes', () => {
    const basicAuth = { userAttribute: 'u', passwordAttribute: 'p' };
    const header = (user_attributes: unknown, email = 'a@x') =>
      headersOf({ email, ak_proxy: { user_attributes } }, { basicAuth })['Authorization'];
    expect(header({ u: 'bob', p: 'pw' })).toBe(`Basic ${btoa('bob:pw')}`);
    expect(header({ p: 'pw' })).toBe(`Basic ${btoa('a@x:pw')}`);
    expect(header({ u: 'bob' })).toBeUndefined();
    expect(header({ u: 'bob', p: 5 })).toBeUndefined();
  });
  test('§9.2: any text becomes a legal field value, and reads back but for its controls', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const value = fieldValue(text);
        expect(/^[\t\x20-\x7e\x80-\xff]*$/.test(value)).toBe(true);
        expect(fieldText(value)).toBe(text.replace(/(?!\t)\p{Cc}/gu, ''));
      }),
    );
  });
});

describe('stripping', () => {
  const options = {
    trusted: false,
    cookieName: 'authentik_proxy_x',
    dropAuthorization: false,
    dropped: new Set(['remote-user']),
  };
  const strip = (raw: string[], given: Partial<typeof options> = {}) =>
    stripRequestHeaders(raw, { ...options, ...given });
  test('proxy 67, 68: identity headers go under every alias', () => {
    const aliases = ['X-Authentik-Username', 'X_AUTHENTIK_USERNAME', 'X-Authentik_username', 'x.authentik.email'];
    for (const name of [...aliases, 'X-Authentik-Foo', 'Remote_User']) expect(strip([name, 'root'])).toEqual([]);
    expect(strip(['my_header', '1', 'X-Authentikate', '2'])).toEqual(['my_header', '1', 'X-Authentikate', '2']);
  });
  test('proxy 69: Connection removes what it names, but neither Cookie nor Authorization', () => {
    expect(strip(['Connection', 'close, X-Drop, Cookie', 'X-Drop', '1', 'Cookie', 'a=1', 'TE', 'trailers'])).toEqual([
      'Cookie',
      'a=1',
    ]);
  });
  test('§2.6: forwarding headers of an untrusted peer go, and their aliases always', () => {
    const raw = ['X-Forwarded-Port', '1', 'X-Real-IP', '2', 'Forwarded', '3', 'X_Forwarded_Proto', '4'];
    expect(strip(raw)).toEqual([]);
    expect(strip(raw, { trusted: true })).toEqual(['X-Forwarded-Port', '1', 'X-Real-IP', '2', 'Forwarded', '3']);
  });
  test('§17.20: our own cookies stay with us', () => {
    expect(strip(['Cookie', 'a=1; authentik_proxy_x=s; authentik_proxy_x_s_1=t; b=2'])).toEqual(['Cookie', 'a=1; b=2']);
    expect(strip(['Cookie', 'authentik_proxy_x=s'])).toEqual([]);
  });
  test('proxy 67: no spelling of an identity header survives', () => {
    const letters = fc.constantFrom('x', 'X', '-', '_', '.', 'authentik', 'AUTHENTIK', 'Authentik', 'email', 'a');
    fc.assert(
      fc.property(fc.array(letters, { minLength: 1, maxLength: 6 }), (parts) => {
        const kept = strip([parts.join(''), 'v']);
        expect(kept.some((name, at) => at % 2 === 0 && fieldKey(name).startsWith('x-authentik-'))).toBe(false);
      }),
    );
  });
  test('proxy 72: responses keep everything but hop-by-hop', () => {
    const raw = ['Set-Cookie', 'a', 'set-cookie', 'b', 'Connection', 'X-H', 'X-H', '1', 'X-Powered-By', 'php'];
    expect(stripResponseHeaders(raw)).toEqual(['Set-Cookie', 'a', 'set-cookie', 'b']);
  });
});
