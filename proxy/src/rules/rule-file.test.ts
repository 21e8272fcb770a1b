import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { captureLogger, fakeClock, temporaryFolder } from '@gatehouse/daemon/testing';
import { describe, expect, test } from 'vitest';
import { loadRuleFile, watchRuleFile } from './rule-file.ts';

async function written(text: string) {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'rules.yml');
  writeFileSync(path, text);
  return { path, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

describe('the rule file', () => {
  test('§17.12: sections by client id, slug or host, in any case; one value stands for a list', async () => {
    await using file = await written(`
App.Company:
  rules:
    - { path: /public/**, action: skip }
    - { prefix: [/admin], require: { groups_any: admins, max_age: 1h } }
  upstreams: [http://a:1, { url: http://b:2, weight: 3 }]
  headers: { preset: remote-user, set: { X-Team: ak_proxy.user_attributes.team } }
`);
    const row = loadRuleFile(file.path).of(['id', 'slug', 'https://app.company', 'app.company']);
    expect(row?.rules).toMatchObject([
      { path: ['/public/**'], action: 'skip' },
      { prefix: ['/admin'], require: { groups_any: ['admins'], groups_all: [], max_age: 3_600_000 } },
    ]);
    expect(row?.upstreams).toEqual([
      { url: 'http://a:1', weight: 1 },
      { url: 'http://b:2', weight: 3 },
    ]);
    expect(row?.headers).toMatchObject({ preset: ['remote-user'], encoding: 'raw' });
    expect(loadRuleFile(file.path).of(['other'])).toBeUndefined();
  });
  test('an empty file has no rules', async () => {
    await using file = await written('# nothing yet\n');
    expect(loadRuleFile(file.path).of(['x'])).toBeUndefined();
  });
  for (const [what, text, told] of [
    ['an unknown field', 'a: { rulez: [] }', 'a Unrecognized key: "rulez"'],
    ['a rule that says nothing', 'a: { rules: [{ path: /x }] }', 'a.rules[0] needs either action or require'],
    ['a rule that says two things', 'a: { rules: [{ action: skip, require: {} }] }', 'needs either action or require'],
    ['no duration', 'a: { rules: [{ require: { max_age: soon } }] }', 'a.rules[0].require.max_age must be a duration'],
    ['no URL', 'a: { upstreams: [nonsense] }', 'a.upstreams[0]'],
    ['no YAML', 'a: [', 'cannot be used'],
  ] as const) {
    test(`refused with the place: ${what}`, async () => {
      await using file = await written(text);
      expect(() => loadRuleFile(file.path)).toThrow(
        expect.objectContaining({ code: 'ERR_PROXY_RULES_INVALID', message: expect.stringContaining(told) }),
      );
    });
  }
  test('a file that is not there is refused', () => {
    expect(() => loadRuleFile('/nonexistent/rules.yml')).toThrow(/ENOENT/);
  });
  test('a change is taken, a mistake keeps what was there', async () => {
    await using file = await written('a: { rules: [{ action: deny }] }');
    const log = captureLogger();
    const clock = fakeClock();
    const ending = new AbortController();
    const changes: (string | undefined)[] = [];
    const watching = watchRuleFile({ path: file.path, log, clock, signal: ending.signal }, (rules) => {
      changes.push(rules.of(['a'])?.rules[0]?.action);
    });
    await clock.advance(1_000);
    expect(changes).toEqual([]);
    writeFileSync(file.path, 'a: { rules: [{ action: skip }] }');
    await clock.advance(1_000);
    expect(changes).toEqual(['skip']);
    writeFileSync(file.path, 'a: { rules: [{ action: never }] }');
    await clock.advance(1_000);
    expect(changes).toEqual(['skip']);
    expect(log.lines.map(({ event }) => event)).toEqual(['rule file loaded', 'rule file not loaded']);
    ending.abort();
    await watching;
  });
});
