// Reads every import of every workspace and fails on upward, sideways or undeclared ones (DESIGN §2, STYLE 9).
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const layers = [
  ['wire'],
  ['daemon'],
  ['contract', 'storage'],
  ['outpost', 'web'],
  ['ldap', 'radius', 'proxy', 'core'],
  ['router'],
  ['cli'],
  ['test'],
] as const;
const exceptions: Readonly<Record<string, { readonly never?: readonly string[]; readonly only?: readonly string[] }>> =
  {
    core: { never: ['outpost'] },
    web: { only: ['contract'] },
  };
const folders: Readonly<Record<string, string>> = {
  daemon: 'packages/daemon',
  wire: 'packages/wire',
  contract: 'packages/contract',
  storage: 'packages/storage',
  outpost: 'packages/outpost',
  core: 'packages/core',
  web: 'packages/web',
  cli: 'packages/cli',
  ldap: 'ldap',
  radius: 'radius',
  proxy: 'proxy',
  router: 'router',
  test: 'test',
};

describe('layers', () => {
  for (const [name, folder] of Object.entries(folders)) {
    const imports = sourceFiles(join(root, folder)).flatMap((file) =>
      importsOf(file).map((target) => ({ file, target })),
    );
    const own = imports.filter(({ target }) => target.startsWith('@gatehouse/'));

    test(`${name} imports only what its layer may`, () => {
      expect(own.filter(({ target }) => !mayImport(name, target.split('/')[1] ?? '')).map(show)).toEqual([]);
    });

    test(`${name} declares every package it imports`, () => {
      const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
      const rootManifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
      const declared = new Set(Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }));
      const forTests = new Set(Object.keys(rootManifest.devDependencies));
      const undeclared = imports.filter(({ file, target }) => {
        if (target.startsWith('.') || target.startsWith('node:')) return false;
        const packageName = target
          .split('/')
          .slice(0, target.startsWith('@') ? 2 : 1)
          .join('/');
        if (packageName === `@gatehouse/${name}` || declared.has(packageName)) return false;
        const neverShipped = name === 'test' || /\.(test|bench|type-test)\.ts$|\/(testing|build)\//.test(file);
        const typesOnly = packageName === '@goauthentik/api';
        return !((neverShipped || typesOnly || name === 'web') && forTests.has(packageName));
      });
      expect(undeclared.map(show)).toEqual([]);
    });

    test(`${name} reaches no other workspace by a relative path`, () => {
      const escaping = imports.filter(({ file, target }) => {
        return target.startsWith('.') && !join(file, '..', target).startsWith(join(root, folder));
      });
      expect(escaping.map(show)).toEqual([]);
    });
  }
});

function mayImport(from: string, to: string): boolean {
  if (from === to) return true;
  const rule = exceptions[from];
  if (rule?.only) return rule.only.includes(to);
  if (rule?.never?.includes(to)) return false;
  return layerOf(to) < layerOf(from);
}

function layerOf(name: string): number {
  const index = layers.findIndex((layer) => (layer as readonly string[]).includes(name));
  return index === -1 ? Number.POSITIVE_INFINITY : index;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder).flatMap((entry) => {
    if (entry === 'dist' || entry === 'node_modules') return [];
    const path = join(folder, entry);
    if (statSync(path).isDirectory()) return sourceFiles(path);
    return path.endsWith('.ts') && !path.endsWith('.d.ts') ? [path] : [];
  });
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s+'([^']+)'|import\s*\(\s*'([^']+)'\s*\)|(?:^|\n)\s*import\s+'([^']+)'/g,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

function show({ file, target }: { file: string; target: string }): string {
  return `${file.slice(root.length + 1)} → ${target}`;
}
