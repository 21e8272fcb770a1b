// What leaves the router about itself: access lines and metrics.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeExpositions } from './metrics.ts';
import { maskTarget } from './requests/access-log.ts';

for (const [target, expected] of [
  ['/files/media/public/a.png?token=abc.def.ghi', '/files/media/public/a.png?token=***'],
  ['/x?a=1&%74oken=abc&b=2', '/x?a=1&%74oken=***&b=2'],
  ['/x?TOKEN=abc', '/x?TOKEN=***'],
  ['/x?X-Amz-Signature=abc&X-Amz-Date=1', '/x?X-Amz-Signature=***&X-Amz-Date=***'],
  ['/source/oauth/callback/github/?code=abc&state=def', '/source/oauth/callback/github/?code=***&state=***'],
  ['/x?tokens=kept', '/x?tokens=kept'],
  ['/x?%zz=kept', '/x?%zz=kept'],
  ['/plain', '/plain'],
] as const) {
  test(`router R55: ${target}`, () => expect(maskTarget(target)).toBe(expected));
}

test('router R55: however the name is escaped, whoever reads the parameter sees no more than the log hides', () => {
  const letter = fc.constantFrom(
    ...[...'token'].flatMap((one) => [one, `%${one.charCodeAt(0).toString(16)}`, one.toUpperCase()]),
  );
  fc.assert(
    fc.property(fc.array(letter, { minLength: 5, maxLength: 5 }), (letters) => {
      const name = letters.join('');
      const isToken = new URLSearchParams(`${name}=secret`).keys().next().value?.toLowerCase() === 'token';
      expect(maskTarget(`/x?a=b&${name}=secret`).includes('secret')).toBe(!isToken);
    }),
  );
});

test('router R11: two expositions become one, families once, no end mark inside', () => {
  const mine = '# HELP up U.\n# TYPE up gauge\nup 1\n';
  const theirs = '# HELP up U.\n# TYPE up gauge\nup 0\n# HELP other O.\n# TYPE other counter\nother{a="b"} 3\n# EOF\n';
  expect(mergeExpositions(mine, theirs)).toBe(
    '# HELP up U.\n# TYPE up gauge\nup 1\n# HELP other O.\n# TYPE other counter\nother{a="b"} 3\n',
  );
});
