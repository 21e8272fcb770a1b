// STYLE 45: what the documents say is so: links lead somewhere, commands and scripts exist, nothing names one machine.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandFile } from '../harness/index.ts';

const root = join(import.meta.dirname, '../..');
const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean);
const documents = tracked.filter((file) => file.endsWith('.md') && existsSync(join(root, file)));
const linesOf = (file: string) => readFileSync(join(root, file), 'utf8').split('\n');
const found = (pattern: RegExp, files: readonly string[]) =>
  files.flatMap((file) =>
    linesOf(file).flatMap((line, at) =>
      [...line.matchAll(pattern)].map((match) => ({ at: `${file}:${at + 1}`, file, text: match[1] ?? '' })),
    ),
  );

describe('documents', () => {
  test('links lead somewhere', () => {
    const links = found(/\]\(([^)\s]+)\)/g, documents).filter(({ text }) => !/^(https?:|#|mailto:)/.test(text));
    const dead = links.filter(({ file, text }) => !existsSync(join(root, dirname(file), text.split('#')[0] ?? '')));
    expect(dead.map(({ at, text }) => `${at} ${text}`)).toEqual([]);
  });

  test('npm scripts that they name exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const named = found(/npm run ([a-z][\w:-]*)/g, documents);
    expect(named.filter(({ text }) => !(text in scripts)).map(({ at, text }) => `${at} ${text}`)).toEqual([]);
  });

  test('commands of gatehouse that they name exist', () => {
    const help = execFileSync(process.execPath, [commandFile, '--help'], { encoding: 'utf8' });
    const commands = new Set([...help.matchAll(/^ {2}([a-z][\w-]*)/gm)].map((match) => match[1] ?? ''));
    const named = found(/`(?:\$ )?gatehouse ([a-z][\w-]*)[^`]*`/g, documents);
    expect(commands.size).toBeGreaterThan(3);
    expect(named.filter(({ text }) => !commands.has(text)).map(({ at, text }) => `${at} ${text}`)).toEqual([]);
  });

  test.each(['core', 'ldap', 'radius', 'proxy', 'router'])('commands of gatehouse %s that they name exist', (name) => {
    const help = execFileSync(process.execPath, [commandFile, name, '--help'], { encoding: 'utf8' });
    const commands = new Set(
      [...help.matchAll(new RegExp(`^ {2}gatehouse ${name} ([a-z]+)`, 'gm'))].map(([, word]) => word),
    );
    const named = found(new RegExp(`gatehouse ${name} ([a-z][\\w-]*)`, 'g'), documents);
    expect(commands).toContain('healthcheck');
    expect(named.filter(({ text }) => !commands.has(text)).map(({ at, text }) => `${at} ${text}`)).toEqual([]);
  });
});

test('no file names a folder of one machine or the host of a package registry', () => {
  const texts = tracked.filter(
    (file) => /\.(ts|js|json|md|ya?ml|css|html|sh|service)$|\/run$/.test(file) && existsSync(join(root, file)),
  );
  const hosts =
    /((?:registry|deb|pypi|static|index|repo1?)\.(?:npmjs|debian|crates|maven)[.\w]*|files\.pythonhosted\.org)/g;
  const folders = /(?:^|[^\w./-])(\/(?:work|home\/\w+|Users\/\w+)\/[\w-]+)/g;
  const named = [hosts, folders].flatMap((pattern) => found(pattern, texts));
  expect(named.map(({ at, text }) => `${at} ${text}`)).toEqual([]);
});
