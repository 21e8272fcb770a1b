// The table of conformance cases in proxy/docs/conformance.md, made from the names of the tests: which test stands for which
// case. A case without a test fails here; UPDATE_DOCS=1 writes the table anew.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const caseCount = 110;

test('issue 6: every case of proxy.md §15 has a test, and the table names it', () => {
  const rows = new Map<number, string[]>();
  for (const file of ['proxy/src', 'test/conformance/proxy', 'test/interop/reverse-proxies'].flatMap((folder) =>
    testFiles(join(root, folder)),
  )) {
    for (const { numbers, title } of casesIn(readFileSync(file, 'utf8'))) {
      for (const number of numbers)
        rows.set(number, [...(rows.get(number) ?? []), `${title} (\`${relative(root, file)}\`)`]);
    }
  }
  const numbers = Array.from({ length: caseCount }, (_, at) => at + 1);
  expect(numbers.filter((number) => !rows.has(number))).toEqual([]);
  const lines = numbers.map(
    (number) => `| ${number} | ${[...new Set(rows.get(number))].join('<br>').replaceAll('|', '\\|')} |`,
  );
  const text = `# Conformance cases\n\nMade from the names of the tests; numbers are those of the specification's §15.\n\n| Case | Tests |\n|---|---|\n${lines.join('\n')}\n`;
  const path = join(root, 'proxy/docs/conformance.md');
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, text);
  expect(readFileSync(path, 'utf8')).toBe(text);
});

function testFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && (entry.name.endsWith('.test.ts') || entry.name.endsWith('-suite.ts')))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function casesIn(source: string): { readonly numbers: readonly number[]; readonly title: string }[] {
  const titles = [...source.matchAll(/(?:'|`)(proxy \d+(?:, \d+)*[^'`\n]*)(?:'|`)/g)].map((match) => match[1] ?? '');
  return titles.map((title) => {
    const listed = /^proxy (\d+(?:, \d+)*)/.exec(title)?.[1] ?? '';
    return { title, numbers: listed.split(', ').map(Number) };
  });
}
