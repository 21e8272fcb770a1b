import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAuthority } from '../request/host-name.ts';
import { absoluteTargetUri } from '../request/target-uri.ts';
import { createLookup, type Locatable } from './lookup.ts';
import { parseSkipRules } from './skip-rules.ts';

const authority = (text: string) => parseAuthority(text) ?? { host: 'invalid', port: undefined };
const single = (name: string, host: string): Locatable => ({
  pk: 1,
  name,
  mode: 'forward_single',
  external: { scheme: 'https', authority: authority(host) },
  cookieDomain: '',
});
const domain = (name: string, host: string, cookieDomain: string): Locatable => ({
  ...single(name, host),
  mode: 'forward_domain',
  cookieDomain,
});

describe('look-up by host', () => {
  const find = (applications: readonly Locatable[], host: string) => {
    const found = createLookup(applications).find(authority(host));
    return found.kind === 'found' ? `${found.application.name} ${found.how}` : 'unknown';
  };
  test('proxy 3, 4: two applications refuse an unknown host, a single one takes it', () => {
    expect(find([single('a', 'app.company'), single('b', 'b.company')], 'nope.company')).toBe('unknown');
    expect(find([single('a', 'app.company')], 'nope.company')).toBe('a only');
    expect(find([], 'nope.company')).toBe('unknown');
  });
  test('proxy 6: case, trailing dot and the default port make no difference', () => {
    const all = [single('a', 'app.company'), single('b', 'b.company:8443')];
    for (const host of ['APP.company.', 'app.company:443', 'app.company']) expect(find(all, host)).toBe('a exact');
    expect(find(all, 'b.company:8443')).toBe('b exact');
    expect(find(all, 'app.company:8443')).toBe('unknown');
  });
  test('proxy 7, 8, 9: the longest cookie domain wins, at label boundaries, whatever the port', () => {
    const all = [domain('one', 'auth.company', '.company'), domain('two', 'auth.dev.company', '.dev.company')];
    expect(find(all, 'x.dev.company')).toBe('two domain');
    expect(find(all, 'x.company')).toBe('one domain');
    expect(find(all, 'company')).toBe('one domain');
    expect(find(all, 'x.company:8443')).toBe('one domain');
    expect(find(all, 'evilcompany')).toBe('unknown');
  });
  test('§2.5: the empty cookie domain never matches; of two equal external hosts the later wins', () => {
    const empty = [domain('a', 'a.company', ''), domain('b', 'b.company', '.')];
    expect(find(empty, 'x.org')).toBe('unknown');
    expect(find([single('a', 'x.company'), single('b', 'x.company')], 'x.company')).toBe('b exact');
  });
  test('WISHES P19: a near miss names the nearest hosts', () => {
    const lookup = createLookup([single('a', 'app.company'), single('b', 'wiki.company')]);
    expect(lookup.nearest('apps.company')[0]).toBe('app.company');
  });
});

describe('allow-list', () => {
  const passes = (patterns: string, url: string, subject: 'path' | 'url' = 'path') => {
    const target = absoluteTargetUri(url);
    return target !== undefined && parseSkipRules(patterns, subject).match(target) !== undefined;
  };
  const app = 'https://app.company';
  test('proxy 101: lines, unanchored, a broken line is reported and ignored', () => {
    expect(passes('^/a\n/b$', `${app}/a/x`)).toBe(true);
    expect(passes('^/a\n/b$', `${app}/x/b`)).toBe(true);
    expect(passes('^/a\n/b$', `${app}/c`)).toBe(false);
    expect(passes('/skip.*', `${app}/x/skip/y`)).toBe(true);
    const rules = parseSkipRules('(\n^/ok', 'path');
    expect([rules.size, rules.broken.length, rules.broken[0]?.pattern]).toEqual([1, 1, '(']);
  });
  test('proxy 102: domain mode sees the URL, not the path', () => {
    const pattern = '^https://health\\.company/ping';
    expect(passes(pattern, 'https://health.company/ping', 'url')).toBe(true);
    expect(passes(pattern, 'https://app.company/https://health.company/ping', 'url')).toBe(false);
    expect(passes('^/ping', 'https://health.company/ping', 'url')).toBe(false);
  });
  for (const path of ['/public/../admin', '/public/%2e%2e/admin', '/public\\..\\admin', '/public/%zz'])
    test(`proxy 103: ${path} does not pass ^/public/`, () => expect(passes('^/public/', app + path)).toBe(false));
  test('proxy 104: a query satisfies only a pattern that asks for one', () => {
    const url = 'https://app.company/admin?x=https://health.company/ping';
    expect(passes('https://health.company/ping', url, 'url')).toBe(false);
    expect(passes('/search\\?q=', 'https://app.company/search?q=1', 'url')).toBe(true);
    expect(passes('ping', `${app}/admin?ping`)).toBe(false);
  });
  test('proxy 105: catastrophic patterns end; blank lines and CRLF open nothing and break nothing', () => {
    expect(passes('(a+)+$', `${app}/${'a'.repeat(4096)}!`)).toBe(false);
    expect(passes('^/a$\r\n\r\n^/b$\r\n', `${app}/c`)).toBe(false);
    expect(passes('^/a$\r\n\r\n^/b$\r\n', `${app}/b`)).toBe(true);
    expect(passes('\n \n', `${app}/`)).toBe(false);
  });
  test('proxy 103: nothing outside a folder passes a pattern for the folder, however it is written', () => {
    const part = fc.constantFrom('public', '..', '.', '%2e%2e', '%2E.', '', 'x', '%5c', '\\', '%2f', 'admin', ';');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const target = absoluteTargetUri(`${app}/${parts.join('/')}`);
        if (target === undefined || parseSkipRules('^/public/', 'path').match(target) === undefined) return;
        expect(target.path?.startsWith('/public/')).toBe(true);
      }),
    );
  });
});
