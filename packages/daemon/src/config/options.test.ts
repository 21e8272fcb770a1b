import { expect, test } from 'vitest';
import { readPathPrefix } from './options.ts';

test('router §6: a URL prefix has a slash at both ends, however it was written, or is refused', () => {
  const good = { '': '/', '/': '/', auth: '/auth/', '/auth': '/auth/', 'auth/': '/auth/', '//a//b//': '/a/b/' };
  for (const [given, prefix] of Object.entries(good)) expect(readPathPrefix(given), given).toBe(prefix);
  for (const given of ['/a b/', '/ü/', '/a?b/', '/../', '/./', '/%2e/', '/a;b'])
    expect(readPathPrefix(given), given).toBeUndefined();
});
