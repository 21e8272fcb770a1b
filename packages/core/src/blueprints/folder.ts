// The files of blueprints: the shipped ones, those to try things with, and the folder of the installation. Nothing outside
// these folders is ever read, whatever a path or a link says.
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { coreError } from '../errors.ts';
import { contentHash } from './models.ts';
import { type Blueprint, readBlueprint } from './read.ts';

export interface BlueprintFile {
  /** Below its folder, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly hash: string;
  readonly modified: Date;
}

export interface BlueprintFolders {
  /** All files; of two with one path the later folder's. */
  files(): Promise<readonly BlueprintFile[]>;
  paths(): Promise<readonly string[]>;
  /** @throws GatewayError `ERR_CORE_BLUEPRINT` for a path that is none of the files */
  read(path: string): Promise<BlueprintFile>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface ParsedFile {
  readonly file: BlueprintFile;
  readonly blueprint: Blueprint;
}

export const labels = { instantiate: 'blueprints.goauthentik.io/instantiate' } as const;

/** Whether discovery makes an instance of it. */
export function isInstantiated({ labels: found }: Blueprint): boolean {
  return String(found[labels.instantiate] ?? 'true') !== 'false';
}

export function parseFile(file: BlueprintFile): ParsedFile {
  return { file, blueprint: readBlueprint(file.text, file.path) };
}

export function createBlueprintFolders(
  folders: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): BlueprintFolders {
  const locate = async (): Promise<ReadonlyMap<string, string>> => {
    const found = new Map<string, string>();
    for (const folder of folders) for (const file of await yamlFiles(folder)) found.set(pathBelow(folder, file), file);
    return found;
  };
  return {
    env,
    paths: async () => [...(await locate()).keys()].sort(),
    async files() {
      const located = [...(await locate())].sort(([one], [other]) => (one < other ? -1 : 1));
      return Promise.all(located.map(([path, file]) => load(path, file)));
    },
    async read(path) {
      const file = (await locate()).get(path);
      if (file !== undefined) return load(path, file);
      throw coreError('ERR_CORE_BLUEPRINT', `There is no blueprint ${path}.`, 'Choose one of the available paths.');
    },
  };
}

const pathBelow = (folder: string, file: string) => relative(folder, file).split(sep).join('/');

async function load(path: string, file: string): Promise<BlueprintFile> {
  const [text, { mtime }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
  return { path, text, hash: contentHash(text), modified: mtime };
}

/** Files ending in `.yaml`, no part of whose path begins with a dot, and whose links stay inside the folder. */
async function yamlFiles(folder: string): Promise<string[]> {
  const root = await realpath(folder).catch((cause: unknown) => {
    throw coreError(
      'ERR_CORE_BLUEPRINT',
      `The blueprint folder ${folder} cannot be read.`,
      'Check AUTHENTIK_BLUEPRINTS_DIR.',
      cause,
    );
  });
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.name.endsWith('.yaml') || entry.isDirectory() || file.slice(folder.length).includes(`${sep}.`)) continue;
    const real = await realpath(file).catch(() => undefined);
    if (real?.startsWith(`${root}${sep}`)) found.push(file);
  }
  return found;
}
