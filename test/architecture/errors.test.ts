// STYLE 27: the codes of errors are a closed list for each package, in its `errors.ts`; each is thrown somewhere, and none is
// thrown that is not listed.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const workspaces = [
  'ldap',
  'radius',
  'proxy',
  'router',
  ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}`),
];
const sources = workspaces
  .filter((workspace) => !workspace.endsWith('.md'))
  .flatMap((workspace) => sourceFiles(join(root, workspace, 'src')))
  .map((file) => ({ file: relative(root, file), ...codesIn(readFileSync(file, 'utf8')) }));
const lists = sources.filter(({ file }) => file.endsWith('src/errors.ts'));
const listed = new Map(lists.flatMap(({ file, members }) => members.map((one) => [one, file] as const)));

test('every code that is used is listed in an errors.ts', () => {
  const strays = sources.flatMap(({ file, used }) =>
    used.filter((one) => !listed.has(one)).map((one) => `${file}: ${one}`),
  );
  expect(strays).toEqual([]);
});

test('every listed code is used', () => {
  const used = new Set(sources.flatMap((source) => source.used));
  expect([...listed.keys()].filter((one) => !used.has(one))).toEqual([]);
});

test('a code names its package; those of the daemon package name their room', () => {
  const wrong = [...listed].filter(([one, file]) => {
    const name = file.split('/').at(-3) ?? '';
    const rooms = name === 'daemon' ? ['CONFIG', 'NET', 'LIFECYCLE'] : [name.toUpperCase()];
    return !rooms.some((room) => one.startsWith(`ERR_${room}_`));
  });
  expect(wrong).toEqual([]);
});

function sourceFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Codes by how they stand there: as a member of a union, or as a value. */
function codesIn(text: string): { readonly members: readonly string[]; readonly used: readonly string[] } {
  const found = [...text.matchAll(/(\||(?:type \w+ =))?\s*'(ERR_[A-Z0-9_]*[A-Z0-9])'/g)];
  const named = (isMember: boolean) =>
    found.filter((match) => (match[1] !== undefined) === isMember).map((match) => match[2] ?? '');
  return { members: named(true), used: named(false) };
}
