// Which test stands for which conformance case, made from the names of the tests: one table for each specification, beside
// the workspace it is about. UPDATE_DOCS=1 writes the tables anew. A test's name begins with its cases, as in
// `ldap 8: …`, `radius C06–C08, C12: …` or `flow-executor 8–10, ldap 12: …`.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

interface Specification {
  /** First word of the names of its tests. */
  readonly name: string;
  readonly section: string;
  readonly table: string;
  readonly cases: readonly string[];
  /** Cases that are left out or of later increments, with the reason why no test stands for them. */
  readonly later?: Readonly<Record<string, string>>;
  /** Whether a case without a test is a failure. */
  readonly complete: boolean;
}

const root = join(import.meta.dirname, '../..');
const testFolders = ['ldap', 'radius', 'proxy', 'router', 'packages', 'test'];

const specifications: readonly Specification[] = [
  { name: 'ldap', section: '§18', table: 'ldap/docs/conformance.md', cases: numbered(95), complete: true },
  {
    name: 'radius',
    section: '§17',
    table: 'radius/docs/conformance.md',
    cases: numbered(90, (number) => `C${String(number).padStart(2, '0')}`),
    complete: true,
  },
  { name: 'proxy', section: '§15', table: 'proxy/docs/conformance.md', cases: numbered(110), complete: true },
  {
    name: 'router',
    section: '§19',
    table: 'router/docs/conformance.md',
    cases: numbered(58, (number) => `R${number}`),
    complete: false,
  },
  {
    name: 'files',
    section: '§14',
    table: 'packages/storage/docs/conformance.md',
    cases: numbered(52, (number) => `F${number}`),
    complete: false,
  },
  {
    name: 'core',
    section: '§22',
    table: 'packages/core/docs/conformance-core.md',
    cases: numbered(132),
    complete: true,
  },
  {
    name: 'flow-executor',
    section: '§16',
    table: 'packages/core/docs/conformance-flow-executor.md',
    cases: numbered(53),
    later: { '25': 'left out (F18): a warm-up saves one plan and leaves a session behind' },
    complete: true,
  },
  {
    name: 'core-contract',
    section: '§10',
    table: 'packages/contract/docs/conformance.md',
    cases: numbered(45),
    complete: true,
  },
];

const titles = testFiles().flatMap((file) =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/'([a-z-]+ [A-Z]?\d[^'\n]*)'|`([a-z-]+ [A-Z]?\d[^`\n]*)`/g)].map(
    (match) => ({ file, title: match[1] ?? match[2] ?? '' }),
  ),
);

describe.each(specifications)('$name', (specification) => {
  const tests = testsByCase(specification);

  if (specification.complete) {
    test('every case has a test', () => {
      const missing = specification.cases.filter((id) => !tests.has(id) && specification.later?.[id] === undefined);
      expect(missing).toEqual([]);
    });
  }

  test('its table names the tests of each case', () => {
    const text = tableOf(specification, tests);
    const path = join(root, specification.table);
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, text);
    expect(readFileSync(path, 'utf8'), 'UPDATE_DOCS=1 npx vitest run test/conformance/tables.test.ts').toBe(text);
  });
});

function testsByCase({ name, cases }: Specification): ReadonlyMap<string, readonly string[]> {
  const known = new Set(cases);
  const found = new Map<string, string[]>();
  for (const { file, title } of titles) {
    for (const id of casesIn(title, name)) {
      if (known.has(id)) found.set(id, [...(found.get(id) ?? []), `${title} (\`${file}\`)`]);
    }
  }
  return found;
}

/** The cases of `specification` that a test's name begins with; `C06–C08` is three. */
function casesIn(title: string, specification: string): readonly string[] {
  const ids: string[] = [];
  let name = '';
  for (const word of (title.split(':')[0] ?? '').split(/,? /)) {
    if (specifications.some((other) => other.name === word)) name = word;
    else if (name === specification) ids.push(...spread(word));
  }
  return ids;
}

function spread(word: string): readonly string[] {
  const [, letter, first, last] = /^([A-Z]?)(\d+)(?:–[A-Z]?(\d+))?$/.exec(word) ?? [];
  if (first === undefined) return [];
  const count = Number(last ?? first) - Number(first) + 1;
  return Array.from({ length: count }, (_, at) => letter + String(Number(first) + at).padStart(first.length, '0'));
}

function tableOf(specification: Specification, tests: ReadonlyMap<string, readonly string[]>): string {
  const { name, section, cases, later } = specification;
  const covered = cases.filter((id) => tests.has(id)).length;
  const row = (id: string) => {
    const named = [...new Set(tests.get(id))].join('<br>').replaceAll('|', '\\|');
    return `| ${id} | ${named || (later?.[id] ?? '**no test yet**')} |`;
  };
  return [
    `# Conformance cases of ${name}`,
    '',
    `Made from the names of the tests; numbers are those of the specification's ${section}. ${covered} of ${cases.length} cases have a test.`,
    '',
    '| Case | Tests |',
    '|---|---|',
    ...cases.map(row),
    '',
  ].join('\n');
}

function numbered(count: number, name: (number: number) => string = String): readonly string[] {
  return Array.from({ length: count }, (_, at) => name(at + 1));
}

function testFiles(): readonly string[] {
  return testFolders
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && /(\.test|-suite)\.ts$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !/(^|\/)(node_modules|dist)\//.test(file))
    .sort();
}
