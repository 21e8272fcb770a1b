import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseClaims } from '../oidc/claims.ts';
import { absoluteTargetUri, type TargetUri } from '../request/target-uri.ts';
import { accessRules, unmetBy } from './access-rules.ts';
import { below, glob } from './glob.ts';

const at = (url: string): TargetUri => {
  const target = absoluteTargetUri(url.startsWith('/') ? `https://app.company${url}` : url);
  if (target === undefined) throw new Error(`no target: ${url}`);
  return target;
};

describe('patterns', () => {
  for (const [pattern, text, fits] of [
    ['/public/*', '/public/a', true],
    ['/public/*', '/public/a/b', false],
    ['/public/**', '/public/a/b', true],
    ['/public/**', '/publicity', false],
    ['/a.c', '/abc', false],
    ['/a+(b)[c]', '/a+(b)[c]', true],
    ['/*.css', '/style.css', true],
    ['/*.css', '/style.css/x', false],
    ['**', '/anything\nat all', true],
  ] as const) {
    test(`${pattern} and ${JSON.stringify(text)}`, () => expect(glob(pattern, '/').matches(text)).toBe(fits));
  }
  test('a pattern without stars fits exactly itself', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (pattern, text) => {
        const literal = pattern.replaceAll('*', '');
        expect(glob(literal, '/').matches(literal)).toBe(true);
        expect(glob(literal, '/').matches(text)).toBe(text === literal);
      }),
    );
  });
  test('a prefix ends at a segment', () => {
    expect(['/a', '/a/', '/a/b', '/ab', '/'].map((path) => below('/a').matches(path))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(below('/a/').matches('/a')).toBe(true);
  });
});

describe('§17.12: rules', () => {
  const rules = accessRules([
    { name: 'health', path: ['/healthz'], method: ['GET', 'HEAD'], action: 'skip' },
    { name: 'preflight', method: ['options'], action: 'skip' },
    { name: 'closed', prefix: ['/internal'], action: 'deny' },
    { name: 'other host', host: ['*.dev.company'], action: 'deny' },
    {
      name: 'admins',
      prefix: ['/admin'],
      require: { groups_any: ['admins'], groups_all: [], entitlements_any: [], users: [], amr: [] },
    },
    { name: 'assets', path: ['/static/**'], action: 'skip' },
  ]);
  for (const [url, method, rule] of [
    ['/healthz', 'GET', 'health'],
    ['/healthz', 'POST', undefined],
    ['/api', 'OPTIONS', 'preflight'],
    ['/internal', 'GET', 'closed'],
    ['/internals', 'GET', undefined],
    ['https://x.dev.company/', 'GET', 'other host'],
    ['https://x.y.dev.company/', 'GET', undefined],
    ['/admin/users', 'GET', 'admins'],
    ['/static/a.css', 'GET', 'assets'],
    // What opens must fit however the path is read.
    ['/static/../secret', 'GET', undefined],
    ['/static/%2e%2e/secret', 'GET', undefined],
    // What closes need fit one reading only.
    ['/x/../internal', 'GET', 'closed'],
    ['//internal', 'GET', 'closed'],
    ['/internal/../x', 'GET', 'closed'],
    ['/static/%zz', 'GET', 'closed'],
  ] as const) {
    test(`${method} ${url}: ${rule ?? 'a login'}`, () => expect(rules.rulingOf(at(url), method).rule).toBe(rule));
  }
  test('the first rule that fits counts', () => {
    const ordered = accessRules([
      { name: 'one', prefix: ['/a'], action: 'skip' },
      { name: 'two', prefix: ['/'], action: 'deny' },
    ]);
    expect([ordered.rulingOf(at('/a/b'), 'GET').rule, ordered.rulingOf(at('/b'), 'GET').rule]).toEqual(['one', 'two']);
  });
  test('no path below a folder is skipped unless it stays there, however it is written', () => {
    const open = accessRules([{ path: ['/public/**'], action: 'skip' }]);
    const part = fc.constantFrom('..', '.', '%2e%2e', 'admin', 'public', '', '%2f', '%5c..', '\\..', 'a');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const target = absoluteTargetUri(`https://app.company/public/${parts.join('/')}`);
        if (target === undefined || open.rulingOf(target, 'GET').kind !== 'skip') return;
        expect(target.path?.startsWith('/public/')).toBe(true);
      }),
    );
  });
});

describe('§17.12: requirements', () => {
  const claims = (payload: Record<string, unknown>) => parseClaims({ sub: 'u', ...payload }, 'jwt');
  const empty = { groupsAny: [], groupsAll: [], entitlementsAny: [], users: [], amrAny: [], maxAgeMs: undefined };
  for (const [what, payload, wanted, unmet] of [
    ['nothing', {}, {}, undefined],
    ['one of the groups', { groups: ['b'] }, { groupsAny: ['a', 'b'] }, undefined],
    ['none of the groups', { groups: ['c'] }, { groupsAny: ['a', 'b'] }, 'membership'],
    ['all groups', { groups: ['a', 'b', 'c'] }, { groupsAll: ['a', 'b'] }, undefined],
    ['one group missing', { groups: ['a'] }, { groupsAll: ['a', 'b'] }, 'membership'],
    ['the user by name', { preferred_username: 'alice' }, { users: ['alice'] }, undefined],
    ['the user by e-mail', { email: 'a@x' }, { users: ['a@x'] }, undefined],
    // CVE-2026-40574: an address is compared, never taken apart.
    ['an e-mail with two signs', { email: 'a@x@evil' }, { users: ['a@x'] }, 'membership'],
    ['nobody in particular', { email: '' }, { users: [''] }, 'membership'],
    ['an entitlement', { entitlements: ['e'] }, { entitlementsAny: ['e'] }, undefined],
    ['a second factor', { amr: ['pwd', 'mfa'] }, { amrAny: ['mfa'] }, undefined],
    ['no second factor', { amr: ['pwd'] }, { amrAny: ['mfa'] }, 'membership'],
    ['a fresh login', { auth_time: 940 }, { maxAgeMs: 60_000 }, undefined],
    ['an old login', { auth_time: 939 }, { maxAgeMs: 60_000 }, 'age'],
    ['a login of unknown age', {}, { maxAgeMs: 60_000 }, 'age'],
  ] as const) {
    test(what, () => expect(unmetBy(claims(payload), { ...empty, ...wanted }, 1_000_000)).toBe(unmet));
  }
});
