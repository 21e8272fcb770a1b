// Stored files of one folder, the small ones kept in bounded memory (router.md §9, §20.1). What is kept is compared with the
// file system for every request, so that a file that was deleted, replaced or rewritten is never served afterwards: the look
// begins after the request has come, and requests that come together share it. Called by serve.ts.
import type { BigIntStats } from 'node:fs';
import { type FileHandle, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { contentTypeOf } from '@gatehouse/storage';
import { type Asset, variant } from '../assets/table.ts';
import { openBelow } from './open-below.ts';
import type { FileSender } from './pieces.ts';

export interface KeptFilesOptions {
  /** Nothing outside of it is ever opened. */
  readonly folder: string;
  /** Fields of an answer with this file that never change: names and values alternating. */
  readonly fieldsOf: (name: string, type: string) => readonly string[];
  readonly send: FileSender;
  /** Milliseconds since 1970, the file system's clock. */
  readonly now: () => number;
  /** Bytes that all kept files may take. */
  readonly maxBytes?: number;
}

/** A file to answer with; to be closed afterwards. */
export interface FoundFile {
  readonly asset: Asset;
  readonly close: () => Promise<void> | undefined;
}

/** Larger ones are read anew for every request, piece by piece. */
const largestKept = 2 * 1024 * 1024;
const defaultMaxBytes = 64 * 1024 * 1024;
/** What changed more recently may change again without its times telling. */
const settledMs = 2_000;
/** Files that are being read into memory; whoever comes then reads for himself, in small pieces. */
const mostLoading = 8;

interface Kept extends FoundFile {
  readonly seen: BigIntStats;
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** A look at the file system that has not begun. */
  look: Promise<boolean> | undefined;
}

export class KeptFiles {
  readonly #options: KeptFilesOptions;
  readonly #maxBytes: number;
  /** In order of their last use. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;
  #loading = 0;

  constructor(options: KeptFilesOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? defaultMaxBytes;
  }

  /** A plain file, reached without links and hidden names; `undefined` for whatever else is there. @param name below the folder, decoded */
  async find(name: string): Promise<FoundFile | undefined> {
    const kept = this.#kept.get(name);
    if (kept === undefined) return this.#open(name);
    if (await isAsSeen(kept)) {
      this.#touch(kept);
      return kept;
    }
    this.#drop(kept);
    return this.#open(name);
  }

  async #open(name: string): Promise<FoundFile | undefined> {
    const opened = await openBelow(this.#options.folder, name);
    if (opened === undefined) return undefined;
    const { handle, stats } = opened;
    if (this.#isWorthKeeping(stats)) {
      const body = await this.#read(handle, Number(stats.size)).catch(() => undefined);
      if (body !== undefined) {
        await handle.close();
        return this.#keep(name, stats, body);
      }
    }
    const stream: Asset['stream'] = (span, response) => this.#options.send(handle, span, response);
    return { asset: this.#assetOf(name, stats, Number(stats.size), stream), close: () => handle.close() };
  }

  #isWorthKeeping({ size, mtimeMs, ctimeMs }: BigIntStats): boolean {
    const lastChangeMs = Number(mtimeMs > ctimeMs ? mtimeMs : ctimeMs);
    const isSettled = this.#options.now() - lastChangeMs > settledMs;
    return size <= Math.min(largestKept, this.#maxBytes) && isSettled && this.#loading < mostLoading;
  }

  /** The whole file; `undefined` when it has become shorter. */
  async #read(handle: FileHandle, size: number): Promise<Buffer | undefined> {
    this.#loading += 1;
    try {
      const body = Buffer.allocUnsafeSlow(size);
      let at = 0;
      while (at < size) {
        const { bytesRead } = await handle.read(body, at, size - at, at);
        if (bytesRead === 0) return undefined;
        at += bytesRead;
      }
      return body;
    } finally {
      this.#loading -= 1;
    }
  }

  #keep(name: string, seen: BigIntStats, body: Buffer): FoundFile {
    const asset = this.#assetOf(name, seen, body);
    const path = join(this.#options.folder, name);
    const bytes = asset.identity.frame === undefined ? body.length : body.length * 2;
    const kept: Kept = { asset, close: nothing, seen, name, path, bytes, look: undefined };
    const former = this.#kept.get(name);
    if (former !== undefined) this.#drop(former);
    this.#kept.set(name, kept);
    this.#bytes += kept.bytes;
    for (const oldest of this.#kept.values()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#drop(oldest);
    }
    return kept;
  }

  /** @param content the body, or how long what `stream` sends is */
  #assetOf(
    name: string,
    { mtimeNs, mtime, size }: BigIntStats,
    content: Buffer | number,
    stream = streamNothing,
  ): Asset {
    const etag = `"${mtimeNs.toString(36)}-${size.toString(36)}"`;
    const lastModified = mtime.toUTCString();
    const fields = [...this.#options.fieldsOf(name, contentTypeOf(name)), 'Last-Modified', lastModified];
    return { stream, identity: variant(content, etag, fields), coded: {}, lastModified, available: [], etags: [etag] };
  }

  /** Now the one used last. */
  #touch(kept: Kept): void {
    if (this.#kept.get(kept.name) !== kept) return;
    this.#kept.delete(kept.name);
    this.#kept.set(kept.name, kept);
  }

  #drop(kept: Kept): void {
    if (this.#kept.get(kept.name) !== kept) return;
    this.#kept.delete(kept.name);
    this.#bytes -= kept.bytes;
  }
}

/** Of a file whose body is at hand. */
const streamNothing: Asset['stream'] = async (_span, response) => void response.destroy();

function nothing(): undefined {}

/** The same file, unchanged. A link on the way that has come since leads to this very file, or to one that differs. */
function isAsSeen(kept: Kept): Promise<boolean> {
  kept.look ??= new Promise((resolve) => {
    setImmediate(() => {
      kept.look = undefined; // from here on it is too late to join
      lstat(kept.path, { bigint: true }).then(
        (now) => resolve(isSame(now, kept.seen)),
        () => resolve(false),
      );
    });
  });
  return kept.look;
}

function isSame(one: BigIntStats, other: BigIntStats): boolean {
  const isSameFile = one.ino === other.ino && one.dev === other.dev;
  return isSameFile && one.size === other.size && one.mtimeNs === other.mtimeNs && one.ctimeNs === other.ctimeNs;
}
