import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseClaims } from '../oidc/claims.ts';
import type { HeaderRow } from '../rules/rule-file.ts';
import { encodedValue } from './field.ts';
import { headerMapping } from './header-mapping.ts';
import { identityHeaderNames, identityHeaders } from './identity-headers.ts';

const row: HeaderRow = { preset: [], set: {}, omit: [], encoding: 'raw', budget_bytes: 16_384 };
const payload = {
  sub: 'u1',
  preferred_username: 'alice',
  name: 'Zoë',
  email: 'a@x',
  groups: ['app-a', 'app-b', 'other'],
  ak_proxy: { user_attributes: { team: { name: 'red', size: 3 } } },
};
const token = `x.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.y`;

function headersOf(given: Partial<HeaderRow>) {
  const source = {
    jwksUri: '',
    outpostName: 'o',
    providerName: 'p',
    applicationSlug: 'app',
    version: 'v',
    basicAuth: undefined,
    mapping: headerMapping({ ...row, ...given }),
  };
  const flat = identityHeaders(parseClaims(payload, token), source);
  return Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : [])));
}

describe('§17.19: header mapping', () => {
  test('without one, the documented twelve', () =>
    expect(Object.keys(headersOf({}))).toEqual([...identityHeaderNames]));
  test('presets of other gateways', () => {
    expect(headersOf({ preset: ['remote-user'] })).toMatchObject({
      'Remote-User': 'alice',
      'Remote-Groups': 'app-a,app-b,other',
      'Remote-Email': 'a@x',
    });
    expect(headersOf({ preset: ['x-forwarded-user'] })).toMatchObject({
      'X-Forwarded-User': 'u1',
      'X-Forwarded-Preferred-Username': 'alice',
      'X-Forwarded-Access-Token': token,
    });
    expect(headersOf({ preset: ['x-auth-request'] })['X-Auth-Request-Preferred-Username']).toBe('alice');
    expect(headersOf({ preset: ['x-webauth-user'] })['X-WEBAUTH-USER']).toBe('alice');
  });
  test('any claim under any name, as text, JSON or base64', () => {
    const mapped = headersOf({
      set: {
        'X-Team': { claim: 'ak_proxy.user_attributes.team.name', format: 'text', separator: '|' },
        'X-Team-Json': { claim: 'ak_proxy.user_attributes.team', format: 'json', separator: '|' },
        'X-Groups': { claim: 'groups', format: 'text', separator: ';' },
        'X-Name': { claim: 'name', format: 'base64', separator: '|' },
        'X-None': { claim: 'no.such.claim', format: 'text', separator: '|' },
        'X-Proto': { claim: '__proto__', format: 'text', separator: '|' },
      },
    });
    expect(mapped).toMatchObject({
      'X-Team': 'red',
      'X-Team-Json': '{"name":"red","size":3}',
      'X-Groups': 'app-a;app-b;other',
      'X-Name': Buffer.from('Zoë').toString('base64'),
      'X-None': '',
      'X-Proto': '',
    });
  });
  test('what takes over the message is no header to set', () => {
    const set = { claim: 'sub', format: 'text', separator: '|' } as const;
    expect(Object.keys(headersOf({ set: { Host: set, 'Content-Length': set, 'a b': set } })).length).toBe(12);
  });
  test('WISHES P10: only the groups that the application needs', () => {
    expect(headersOf({ groups: ['app-*'] })['X-Authentik-Groups']).toBe('app-a|app-b');
  });
  test('what is left out is told as empty, so that nothing of the client’s stays', () => {
    expect(headersOf({ omit: ['x-authentik-jwt'] })['X-Authentik-Jwt']).toBe('');
  });
  test('WISHES P11: names beyond ASCII, in the encoding that the application reads', () => {
    expect(headersOf({})['X-Authentik-Name']).toBe(Buffer.from('Zoë').toString('latin1'));
    expect(headersOf({ encoding: 'percent' })['X-Authentik-Name']).toBe('Zo%C3%AB');
    expect(headersOf({ encoding: 'rfc2047' })['X-Authentik-Name']).toBe('=?UTF-8?B?Wm/Dqw==?=');
    expect(headersOf({ encoding: 'rfc2047' })['X-Authentik-Email']).toBe('a@x');
  });
  test('WISHES P11: every text reads back from its encoding', () => {
    const clean = (text: string) => text.replace(/(?!\t)\p{Cc}/gu, '');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const percent = encodedValue(text, 'percent');
        expect(percent).toMatch(/^[\t -~]*$/);
        expect(decodeURIComponent(percent)).toBe(clean(text));
        const words = encodedValue(text, 'rfc2047');
        expect(words).toMatch(/^[\t -~]*$/);
        for (const word of words.startsWith('=?') ? words.split(' ') : []) expect(word.length).toBeLessThanOrEqual(75);
        if (words.startsWith('=?')) expect(decodedWords(words)).toBe(clean(text));
        else expect(words).toBe(clean(text));
      }),
    );
  });
});

/** RFC 2047 §6.2: the blank between two words is not part of the text. */
function decodedWords(words: string): string {
  const parts = [...words.matchAll(/=\?UTF-8\?B\?([^?]*)\?=/g)].map(([, word = '']) =>
    Buffer.from(word, 'base64').toString('utf8'),
  );
  return parts.join('');
}
