// Bundles the pages into `dist/browser` (esbuild): code split between pages, names with content hashes, images copied under
// the names that stored brands and flows refer to (router.md §8.1). Takes about a second.
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { browserFolder, type Manifest, manifestFile, type PageFiles, type PageName } from './manifest.ts';
import { slimTokens } from './slim-tokens.ts';

const workspace = fileURLToPath(new URL('../../', import.meta.url));
const entries: Readonly<Record<PageName | 'theme', string>> = {
  flow: 'src/flow/main.ts',
  user: 'src/user/main.ts',
  admin: 'src/admin/main.ts',
  theme: 'src/theme.ts',
};

export async function bundle(): Promise<Manifest> {
  await rm(browserFolder, { recursive: true, force: true });
  await mkdir(browserFolder, { recursive: true });
  await cp(`${workspace}assets`, `${browserFolder}assets`, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: workspace,
    entryPoints: entries,
    outdir: browserFolder,
    entryNames: '[name]-[hash]',
    chunkNames: 'chunks/[name]-[hash]',
    assetNames: 'fonts/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    charset: 'utf8',
    legalComments: 'none',
    metafile: true,
    loader: { '.woff2': 'file' },
    plugins: [slimTokens],
    logLevel: 'warning',
  });
  const manifest: Manifest = {
    theme: filesOf(metafile, entries.theme).script,
    pages: {
      flow: filesOf(metafile, entries.flow),
      user: filesOf(metafile, entries.user),
      admin: filesOf(metafile, entries.admin),
    },
  };
  await writeFile(manifestFile, `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

function filesOf({ outputs }: Metafile, entry: string): PageFiles {
  const found = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === entry);
  if (found === undefined) throw new Error(`The bundle has no output for ${entry}.`);
  const [path, { cssBundle, imports }] = found;
  const shared = imports.filter(({ kind }) => kind === 'import-statement').map(({ path: chunk }) => below(chunk));
  return { script: below(path), styles: cssBundle === undefined ? [] : [below(cssBundle)], shared };
}

/** Name below the folder that is served; esbuild names files from the workspace on. */
function below(path: string): string {
  return relative(browserFolder, join(workspace, path));
}
