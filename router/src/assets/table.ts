// The assets of a release as one table in memory (router.md §20.1): every answer is a look-up, no path of a request ever
// reaches the file system. Built from a folder at start; small files are kept with ready-made headers, in all codings.
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Frame } from '@gatehouse/proxy/ready-response';
import { contentTypeOf } from '@gatehouse/storage';
import { compress, isCompressible } from './compress.ts';
import { isImmutable } from './immutable.ts';
import { type Coding, codings } from './negotiation.ts';
import { filesBelow, openPrepared, type Prepared, sha256Of } from './prepared.ts';

/** Files up to this size are kept in memory, while there is room; others are streamed from disk. */
const residentBytes = 2 * 1024 * 1024;
/** Bodies up to this size leave together with their head; larger ones take more than one write anyway. */
const framedBytes = 64 * 1024;
/** What all kept files and their codings may take. */
const residentTotal = 96 * 1024 * 1024;

export interface Variant {
  /** `undefined` when the file is too large to be kept. */
  readonly body: Buffer | undefined;
  readonly size: number;
  readonly etag: string;
  /** Its fields as text, each with its CRLF. */
  readonly lines: string;
  /** The same without Content-Length, for an answer without content. */
  readonly unchangedLines: string;
  /** For a small body that is kept. */
  readonly frame: Frame | undefined;
}

/** Bytes of a file, both ends inclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A file that can be answered with. */
export interface Asset {
  /** Sends a part of what is not kept, and ends the answer. */
  readonly stream: (span: Span, response: ServerResponse) => Promise<void>;
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
  options: { readonly version: string },
): Promise<AssetTable> {
  const table = new Map<string, Asset>();
  let room = residentTotal;
  for (const root of roots) {
    const prepared = await openPrepared(root.folder);
    for (const path of await filesBelow(root.folder)) {
      const name = `${root.name}/${relative(root.folder, path).split(sep).join('/')}`;
      if (table.has(name)) continue;
      const asset = await loadAsset(path, name, { ...options, prepared });
      const bytes = [asset.identity, ...Object.values(asset.coded)].reduce(
        (sum, one) => sum + (one.body?.length ?? 0),
        0,
      );
      table.set(
        name,
        bytes <= room
          ? asset
          : { ...asset, identity: { ...asset.identity, body: undefined, frame: undefined }, coded: {}, available: [] },
      );
      if (bytes <= room) room -= bytes;
    }
  }
  return table;
}

interface LoadOptions {
  readonly version: string;
  readonly prepared: Prepared;
}

async function loadAsset(path: string, name: string, { version, prepared }: LoadOptions): Promise<Asset> {
  const body = await readFile(path);
  const lastModified = (await stat(path)).mtime.toUTCString();
  const common = commonHeaders(name, lastModified, version);
  const sha256 = sha256Of(body);
  const hash = sha256.slice(0, 32);
  const isCoded = isCompressible(name, body.byteLength);
  const content = body.byteLength <= residentBytes ? body : body.byteLength;
  const identity = variant(content, `"${hash}"`, [...common, ...(isCoded ? ['Vary', 'Accept-Encoding'] : [])]);
  if (!isCoded) return asset(path, identity, {}, lastModified);
  const inRoot = name.slice(name.indexOf('/') + 1);
  const bodies = (await prepared.codingsOf(inRoot, sha256)) ?? (await compress(body, 'moderate'));
  const coded: Partial<Record<Coding, Variant>> = {};
  for (const coding of codings) {
    const bytes = bodies[coding];
    if (bytes === undefined) continue;
    const headers = [...common, 'Vary', 'Accept-Encoding', 'Content-Encoding', coding];
    coded[coding] = variant(bytes, `"${hash}-${coding}"`, headers);
  }
  return asset(path, identity, coded, lastModified);
}

function asset(path: string, identity: Variant, coded: Asset['coded'], lastModified: string): Asset {
  const available = codings.filter((coding) => coded[coding] !== undefined);
  const etags = [identity.etag, ...available.flatMap((coding) => coded[coding]?.etag ?? [])];
  const stream = (span: Span, response: ServerResponse) => streamFile(path, span, response);
  return { stream, identity, coded, lastModified, available, etags };
}

/** A client that leaves ends the pipeline with an error that concerns nobody else. */
async function streamFile(path: string, span: Span, response: ServerResponse): Promise<void> {
  const content = createReadStream(path, { ...span, highWaterMark: 256 * 1024 });
  await pipeline(content, response).catch(() => response.destroy());
}

/**
 * @param content the body, or the size of one that is not kept
 * @param common fields of the representation: names and values alternating
 */
export function variant(content: Buffer | number, etag: string, common: readonly string[]): Variant {
  const [body, size] = typeof content === 'number' ? [undefined, content] : [content, content.byteLength];
  return {
    body,
    size,
    etag,
    lines: linesOf([...common, 'Content-Length', String(size), 'ETag', etag]),
    unchangedLines: linesOf([...common, 'ETag', etag]),
    frame: body !== undefined && size <= framedBytes ? new Frame(body) : undefined,
  };
}

function linesOf(headers: readonly string[]): string {
  return headers.map((part, at) => (at % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join('');
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
