import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPath } from './path.ts';
import { type Route, route } from './table.ts';

const plain = { webPath: '/', localUsages: ['media', 'reports'] } as const;
const below = { webPath: '/auth/', localUsages: ['media'] } as const;

function routed(target: string, options: Parameters<typeof route>[1] = plain): Route | string {
  const reading = readPath(target);
  return reading.kind === 'canonical' ? route(reading.path, options) : reading.kind;
}

const rows: readonly [string, string, Route][] = [
  ['router R3', '/static/dist/flow/FlowInterface-1.js', { to: 'asset', file: 'dist/flow/FlowInterface-1.js' }],
  ['router §8.1', '/static/dist/a-1%2Bb.js', { to: 'asset', file: 'dist/a-1+b.js' }],
  ['router §6', '/static/authentik/sources/ldap.png', { to: 'asset', file: 'authentik/sources/ldap.png' }],
  ['router R22', '/if/flow/some-slug/assets/x.woff2', { to: 'asset', file: 'dist/assets/x.woff2' }],
  ['router R22', '/if/admin/assets/x.png', { to: 'asset', file: 'dist/assets/x.png' }],
  ['router R22', '/if/user/assets/x.png', { to: 'asset', file: 'dist/assets/x.png' }],
  ['router R22', '/if/rac/token/assets/x.png', { to: 'asset', file: 'dist/assets/x.png' }],
  ['router §6', '/files/media/public/a/b.png', { to: 'stored-file', usage: 'media', path: 'public/a/b.png' }],
  ['router R23', '/robots.txt', { to: 'robots' }],
  ['router R23', '/.well-known/security.txt', { to: 'security-txt' }],
  ['router R10', '/-/metrics/', { to: 'hidden-metrics' }],
  ['router R8', '/-/health/live/', { to: 'health-live' }],
  ['router R24', '/media/x.png', { to: 'core' }],
  ['router R24', '/if/help', { to: 'core' }],
  ['router §6', '/static/other', { to: 'core' }],
  ['router §6', '/', { to: 'core' }],
];
for (const [name, path, expected] of rows) test(`${name}: ${path}`, () => expect(routed(path)).toEqual(expected));

describe('with a prefix', () => {
  const prefixed: readonly [string, Route][] = [
    ['/', { to: 'redirect', location: '/auth/' }],
    ['/auth', { to: 'redirect', location: '/auth/' }],
    ['/auth/static/dist/a.js', { to: 'asset', file: 'dist/a.js' }],
    ['/static/dist/a.js', { to: 'nowhere' }],
    ['/auth/files/reports/public/a.csv', { to: 'core' }],
    ['/authx/', { to: 'nowhere' }],
  ];
  for (const [path, expected] of prefixed)
    test(`router R12: ${path}`, () => expect(routed(path, below)).toEqual(expected));
});

test('router R48: //if///user/ is sent to the clean path, query kept', () => {
  expect(readPath('//if///user/?a=b//c')).toEqual({ kind: 'redirect', location: '/if/user/?a=b//c' });
  expect(readPath('/a/./b/../c')).toEqual({ kind: 'redirect', location: '/a/c' });
  expect(readPath('/a/..')).toEqual({ kind: 'redirect', location: '/' });
});

for (const target of [
  '/static/dist/%2e%2e/%2e%2e/etc/passwd',
  '/static/dist/..%2fetc',
  '/static/dist/..%5cetc',
  '/a%00b',
  '/%ff',
  '/a\\b',
  '/static/dist/%2e%2e%2fx',
]) {
  test(`router R14: ${target} is refused`, () => expect(readPath(target).kind).toBe('refused'));
}

test('whatever is canonical names no parent and no empty segment', () => {
  const piece = fc.constantFrom('a', '..', '.', '/', '%2e', '%2f', '%5c', '\\', '%00', '?', 'ü', '%c3%bc', '%', '');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const reading = readPath(`/${pieces.join('')}`);
      if (reading.kind !== 'canonical') return;
      const segments = reading.path.split('/').slice(1);
      expect(segments.slice(0, -1)).not.toContain('');
      for (const segment of segments) expect(['.', '..']).not.toContain(segment);
    }),
  );
});

test('a redirect leads to a canonical path, so that nobody is sent around', () => {
  const piece = fc.constantFrom('a', '..', '.', '/', '//', 'b', '?x=..');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const reading = readPath(`/${pieces.join('')}`);
      if (reading.kind !== 'redirect') return;
      expect(readPath(reading.location).kind).toBe('canonical');
      expect(reading.location.startsWith('//')).toBe(false);
    }),
  );
});
