// The assets of a release as one table in memory (router.md §20.1): every answer is a look-up, no path of a request ever
// reaches the file system. Built from a folder at start; small files are kept with ready-made headers, in all codings.
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { contentTypeOf } from '@gatehouse/storage';
import { type Coding, codings } from './negotiation.ts';

const compressBrotli = promisify(brotliCompress);
const compressGzip = promisify(gzip);

/** Files up to this size are kept in memory, while there is room; others are streamed from disk. */
const residentBytes = 2 * 1024 * 1024;
/** What all kept files and their codings may take. */
const residentTotal = 96 * 1024 * 1024;
const compressible = /^(?:text\/|image\/svg|application\/(?:json|javascript|wasm|xml))/;
const leastCompressed = 1024;

export interface Variant {
  /** `undefined` when the file is too large to be kept. */
  readonly body: Buffer | undefined;
  readonly size: number;
  readonly etag: string;
  /** Ready-made raw list: names and values alternating. */
  readonly headers: readonly string[];
  /** The same as text, each field with its CRLF. */
  readonly lines: string;
}

export interface Asset {
  readonly path: string;
  readonly identity: Variant;
  readonly coded: Readonly<Partial<Record<Coding, Variant>>>;
  readonly lastModified: string;
  /** Codings at hand, in order of preference. */
  readonly available: readonly Coding[];
  /** Tags of every representation. */
  readonly etags: readonly string[];
}

export interface AssetRoot {
  readonly folder: string;
  /** First part of the asset's name: `dist`, `authentik`. */
  readonly name: string;
}

export type AssetTable = ReadonlyMap<string, Asset>;

/** Reads whole folders; links are not followed, hidden files left out. Earlier roots win. */
export async function loadAssets(
  roots: readonly AssetRoot[],
  options: { readonly version: string; readonly brotliQuality?: number },
): Promise<AssetTable> {
  const table = new Map<string, Asset>();
  let room = residentTotal;
  for (const root of roots) {
    for (const path of await files(root.folder)) {
      const name = `${root.name}/${relative(root.folder, path).split(sep).join('/')}`;
      if (table.has(name)) continue;
      const asset = await loadAsset(path, name, options);
      const bytes = [asset.identity, ...Object.values(asset.coded)].reduce(
        (sum, one) => sum + (one.body?.length ?? 0),
        0,
      );
      table.set(
        name,
        bytes <= room
          ? asset
          : { ...asset, identity: { ...asset.identity, body: undefined }, coded: {}, available: [] },
      );
      if (bytes <= room) room -= bytes;
    }
  }
  return table;
}

/** Names with a content hash or the release's version never change their content (router.md R17). */
export function isImmutable(name: string, version: string): boolean {
  const file = name.slice(name.lastIndexOf('/') + 1);
  const hashed = /[-.](?:(?=[^.]*\d)[A-Z0-9a-z]{8,}|[A-Z2-7]{8})\.[a-z0-9.]+$/; // the bundler's hashes need no digit
  return hashed.test(file) || file.includes(`-${version}.`);
}

async function files(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const nested = entries
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(async (entry) => {
      if (entry.name.startsWith('.')) return [];
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return files(path);
      return entry.isFile() ? [path] : [];
    });
  return (await Promise.all(nested)).flat();
}

async function loadAsset(
  path: string,
  name: string,
  options: { version: string; brotliQuality?: number },
): Promise<Asset> {
  const body = await readFile(path);
  const lastModified = (await stat(path)).mtime.toUTCString();
  const common = commonHeaders(name, lastModified, options.version);
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 32);
  const compress = compressible.test(contentTypeOf(name)) && body.byteLength > leastCompressed;
  const identity = variant(body, `"${hash}"`, [...common, ...(compress ? ['Vary', 'Accept-Encoding'] : [])]);
  if (!compress) return asset(path, identity, {}, lastModified);
  const quality = options.brotliQuality ?? 5;
  const br = await compressBrotli(body, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } });
  const zipped = await compressGzip(body, { level: 6 });
  const coded = (coding: Coding, bytes: Buffer) => {
    const headers = [...common, 'Vary', 'Accept-Encoding', 'Content-Encoding', coding];
    return bytes.byteLength > body.byteLength * 0.95
      ? {}
      : { [coding]: variant(bytes, `"${hash}-${coding}"`, headers, true) };
  };
  return asset(path, identity, { ...coded('br', br), ...coded('gzip', zipped) }, lastModified);
}

function asset(path: string, identity: Variant, coded: Asset['coded'], lastModified: string): Asset {
  const available = codings.filter((coding) => coded[coding] !== undefined);
  const etags = [identity.etag, ...available.flatMap((coding) => coded[coding]?.etag ?? [])];
  return { path, identity, coded, lastModified, available, etags };
}

function variant(
  body: Buffer,
  etag: string,
  common: readonly string[],
  keep = body.byteLength <= residentBytes,
): Variant {
  const size = body.byteLength;
  const headers = [...common, 'Content-Length', String(size), 'ETag', etag];
  const lines = headers.map((part, at) => (at % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join('');
  return { body: keep ? body : undefined, size, etag, headers, lines };
}

function commonHeaders(name: string, lastModified: string, version: string): string[] {
  const type = contentTypeOf(name);
  const charset = type.startsWith('text/') ? `${type}; charset=utf-8` : type;
  const freshness = isImmutable(name, version)
    ? 'public, max-age=31536000, immutable, no-transform'
    : 'public, max-age=300, stale-while-revalidate=86400, no-transform';
  return [
    'Content-Type',
    charset,
    'Cache-Control',
    freshness,
    'Last-Modified',
    lastModified,
    'X-Content-Type-Options',
    'nosniff',
    'Accept-Ranges',
    'bytes',
    'X-authentik-version',
    version,
  ];
}
