// What the build leaves beside a folder of assets (router.md §20.1 "Manifest"): `<folder>.assets/manifest.json` with size,
// hash, type and codings of every file, and the codings themselves under the hash of what they are codings of. A file that
// has changed since has another hash, so that nothing stale is ever served.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { contentTypeOf } from '@gatehouse/storage';
import { z } from 'zod';
import { routerError } from '../errors.ts';
import { compress, isCompressible, type Zstd } from './compress.ts';
import { isImmutable } from './immutable.ts';
import { type Coding, codings } from './negotiation.ts';

const shape = z.object({
  version: z.literal(1),
  files: z.record(
    z.string(),
    z.object({
      size: z.number(),
      sha256: z.string(),
      type: z.string(),
      immutable: z.boolean(),
      /** Size by coding. */
      codings: z.partialRecord(z.enum(codings), z.number()),
    }),
  ),
});

export type AssetManifest = z.infer<typeof shape>;

/** Bodies by coding. */
type Codings = Partial<Record<Coding, Buffer>>;

/** Codings of a file with this content; `undefined` where the build has not seen it. */
export interface Prepared {
  codingsOf(name: string, sha256: string): Promise<Codings | undefined>;
}

const besides = (folder: string) => `${folder.replace(/[/\\]+$/, '')}.assets`;

/** Compresses every file of a folder with the highest effort: seconds for a megabyte, nothing for what is as it was. */
export async function prepareAssets(folder: string, zstd: Zstd): Promise<AssetManifest> {
  const target = besides(folder);
  const before = await openPrepared(folder).catch(() => nothingPrepared);
  const files: AssetManifest['files'] = {};
  const written = new Map<string, Buffer>();
  for (const path of await filesBelow(folder)) {
    const name = relative(folder, path).split(sep).join('/');
    const body = await readFile(path);
    const sha256 = sha256Of(body);
    const fresh = async () => (isCompressible(name, body.length) ? compress(body, 'most', zstd) : {});
    const coded: Codings = (await before.codingsOf(name, sha256)) ?? (await fresh());
    for (const [coding, bytes] of Object.entries(coded)) written.set(`${sha256}.${coding}`, bytes);
    const sizes = Object.fromEntries(Object.entries(coded).map(([coding, bytes]) => [coding, bytes.length]));
    const immutable = isImmutable(name, '');
    files[name] = { size: body.length, sha256, type: contentTypeOf(name), immutable, codings: sizes };
  }
  const manifest: AssetManifest = { version: 1, files };
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  for (const [name, bytes] of written) await writeFile(join(target, name), bytes);
  await writeFile(join(target, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

const nothingPrepared: Prepared = { codingsOf: async () => undefined };

/** @throws GatewayError `ERR_ROUTER_ASSET_MANIFEST` for a manifest that is none; a missing one is no fault */
export async function openPrepared(folder: string): Promise<Prepared> {
  const source = besides(folder);
  const text = await readFile(join(source, 'manifest.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return nothingPrepared;
  const { data, success } = shape.safeParse(parse(text));
  if (!success) {
    const what = `${join(source, 'manifest.json')} is no manifest of assets.`;
    throw routerError('ERR_ROUTER_ASSET_MANIFEST', what, 'Build the pages again, or remove that folder.');
  }
  return {
    async codingsOf(name, sha256) {
      const entry = data.files[name];
      if (entry?.sha256 !== sha256) return undefined;
      const found = await Promise.all(
        codings
          .filter((coding) => entry.codings[coding] !== undefined)
          .map(async (coding) => [coding, await readFile(join(source, `${sha256}.${coding}`))] as const),
      );
      return Object.fromEntries(found);
    },
  };
}

export function sha256Of(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}

/** Plain files, hidden ones and links left out, in order of name. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const nested = entries
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(async (entry) => {
      if (entry.name.startsWith('.')) return [];
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesBelow(path);
      return entry.isFile() ? [path] : [];
    });
  return (await Promise.all(nested)).flat();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
