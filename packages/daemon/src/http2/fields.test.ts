import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answerFields, requestLine } from './fields.ts';

test('fields survive the way between the versions, in order', () => {
  const name = fc.stringMatching(/^x-[a-z]{1,8}$/);
  const value = fc.stringMatching(/^[!-~]{0,20}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
      const line = requestLine([':path', '/', ...pairs.flat()], { ':method': 'GET', ':path': '/', ':authority': 'a' });
      expect(line?.fields).toEqual(['Host', 'a', ...pairs.flat()]);
      const joined = answerFields(pairs.flat());
      for (const [one, given] of pairs) expect(String(joined[one])).toContain(given);
    }),
  );
});
