// core.md §20.4: reading files and resolving tags, without a database.
import { describe, expect, test } from 'vitest';
import { readBlueprint, Tagged } from './read.ts';
import { remapKeys } from './remap.ts';
import { resolve, type Scope } from './tags.ts';

const scope = (context: Record<string, unknown> = {}, env: Record<string, string> = {}): Scope => ({
  name: 'test',
  context,
  env,
  keyOf: (id) => {
    if (id === 'known') return 7;
    throw new Error(`!KeyOf ${id} names no earlier entry that was applied`);
  },
  find: async (model, lookups) => (model === 'a.b' ? `${lookups.map((pair) => pair.join('=')).join('&')}` : null),
  findObject: async () => ({ pk: 7, name: 'seven' }),
});

/** Value of an attribute `x` in a file of one entry. */
async function resolved(yaml: string, of: Scope = scope()): Promise<unknown> {
  const { entries } = readBlueprint(`entries:\n  - model: a.b\n    attrs:\n      x: ${yaml}\n`, 'file');
  return resolve(of, entries[0]?.attrs?.['x']);
}

describe('tags', () => {
  for (const [yaml, expected] of [
    ['!KeyOf known', 7],
    ['!Find [a.b, [slug, x], [name, y]]', 'slug=x&name=y'],
    ['!Find [a.c, [slug, x]]', null],
    ['!FindObject [a.b, [slug, x]]', { pk: 7, name: 'seven' }],
    ['!AtIndex [!FindObject [a.b, [slug, x]], name]', 'seven'],
    ['!Context host', 'wiki'],
    ['!Context [nothing, fallback]', 'fallback'],
    ['!Context nested', 'wiki.test'],
    ['!Context nothing', null],
    ['!Env SET', 'yes'],
    ['!Env [UNSET, fallback]', 'fallback'],
    ['!Env EMPTY', null],
    ['!File [/does/not/exist, fallback]', 'fallback'],
    ['!Format ["https://%s:%d/%s%%", !Context host, 443, null]', 'https://wiki:443/None%'],
    ['!Format ["%05.1f|%-4s|%x", 3.14159, ab, 255]', '003.1|ab  |ff'],
    ['!If [!Env SET]', true],
    ['!If [!Env UNSET, a, b]', 'b'],
    ['!If [true, a, !KeyOf unknown]', 'a'],
    ['!Condition [AND, true, 1]', true],
    ['!Condition [NAND, true, 1]', false],
    ['!Condition [OR, false, ""]', false],
    ['!Condition [NOR, false, []]', true],
    ['!Condition [XOR, true, true, true]', true],
    ['!Condition [XNOR, true, false]', false],
    ['!Enumerate [[a, b], SEQ, !Format ["%s%s", !Index 0, !Value 0]]', ['0a', '1b']],
    ['!Enumerate [{a: 1, b: 2}, MAP, [!Value 0, !Index 0]]', { 1: 'a', 2: 'b' }],
    ['!Enumerate [ab, SEQ, !Value 0]', ['a', 'b']],
    ['!Enumerate [[1, 2], SEQ, !Enumerate [[x], SEQ, !Format ["%s%s", !Value 1, !Value 0]]]', [['1x'], ['2x']]],
    ['!Enumerate [[[1], [2]], SEQ, !Enumerate [!Value 1, SEQ, !Value 0]]', [[1], [2]]],
    ['!ParseJSON \'{"a": [1]}\'', { a: [1] }],
    ['!AtIndex [[a, b], 1]', 'b'],
    ['!AtIndex [[a, b], 5, none]', 'none'],
    ['[yes, no, on, off, y, n]', [true, false, true, false, 'y', 'n']],
  ] as const)
    test(`core 109: ${yaml}`, async () => {
      const of = scope(
        { host: 'wiki', nested: new Tagged('Format', ['%s.test', new Tagged('Context', 'host')]) },
        { SET: 'yes', EMPTY: '' },
      );
      expect(await resolved(yaml, of)).toEqual(expected);
    });

  for (const [yaml, reason] of [
    ['!KeyOf unknown', /names no earlier entry/],
    ['!Format ["%s %s", 1]', /takes 2 values, not 1/],
    ['!Condition [AND]', /needs values/],
    ['!Condition [MAYBE, 1]', /does not know MAYBE/],
    ['!Enumerate [5, SEQ, 1]', /cannot go through 5/],
    ['!Enumerate [[1], LIST, 1]', /SEQ or MAP/],
    ['!Enumerate [[1], MAP, 5]', /neither a pair nor a mapping/],
    ['!Enumerate [!Value 0, SEQ, 1]', /cannot be a value of its own/],
    ['!Value 0', /no !Enumerate around/],
    ['!Enumerate [[1], SEQ, !Index 1]', /no !Enumerate around/],
    ['!AtIndex [[a], 5]', /finds nothing/],
    ['!AtIndex [[a], x]', /needs a number/],
    ['!AtIndex [5, 0]', /a list or a mapping/],
    ['!ParseJSON "{"', /malformed/],
    ['!Unheard of', /unknown/],
    ['!Context loop', /leads back to itself/],
  ] as const)
    test(`core 109: ${yaml} is an error`, async () => {
      await expect(resolved(yaml, scope({ loop: new Tagged('Context', 'loop') }))).rejects.toThrow(reason);
    });
});

describe('files', () => {
  test('anchors, merge keys, doubled keys and sections; entries know their lines', () => {
    const { entries, context } = readBlueprint(
      [
        'context: {a: 1}',
        'entries:',
        '  first:',
        '    - &base',
        '      model: a.b',
        '      attrs: {x: 1, x: 2}',
        '  second:',
        '    - <<: *base',
        '      id: other',
      ].join('\n'),
      'file',
    );
    expect(context).toEqual({ a: 1 });
    expect(entries).toMatchObject([
      { model: 'a.b', attrs: { x: 2 }, line: 5 },
      { model: 'a.b', id: 'other', line: 8 },
    ]);
  });

  for (const [what, text] of [
    ['another version', 'version: 2\nentries: []'],
    ['no mapping', '- 1'],
    ['bad YAML', 'entries: ['],
    ['an entry without its parts', 'entries: [5]'],
  ] as const)
    test(`${what} is refused with its name`, () => {
      expect(() => readBlueprint(text, 'broken.yaml')).toThrow(/broken\.yaml/);
    });

  test('keys of an export stand for those of this installation, also in lists and one level of mappings', () => {
    const keys = new Map<string, string | number>([['old', 'new']]);
    const deep = { a: { b: 'old' } };
    expect(remapKeys({ pk: 'old', one: 'old', many: ['old', 'x'], map: { inner: 'old' }, deep }, keys)).toEqual({
      pk: 'old',
      one: 'new',
      many: ['new', 'x'],
      map: { inner: 'new' },
      deep,
    });
  });
});
