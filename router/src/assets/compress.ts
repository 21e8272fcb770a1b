// The codings of an asset (router.md §20.1 "Precompression"): at the build with the highest effort, at the start, for
// folders that nobody prepared, with a moderate one. The one file that knows which codings this Node has.
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { contentTypeOf } from '@gatehouse/storage';
import type { Coding } from './negotiation.ts';

const brotli = promisify(zlib.brotliCompress);
const gzip = promisify(zlib.gzip);

const compressible = /^(?:text\/|image\/svg|application\/(?:json|javascript|wasm|xml))/;
const leastBytes = 1024;
/** A coding that saves less than this share is not worth its place. */
const leastSaved = 0.05;

export type Effort = 'most' | 'moderate';

/** Whether a file of this name and size is worth it: text of some length. */
export function isCompressible(name: string, size: number): boolean {
  return size > leastBytes && compressible.test(contentTypeOf(name));
}

/** `undefined` where there is none. */
export type Zstd = (body: Buffer, level: number) => Promise<Buffer | undefined>;

/** Every coding that makes `body` smaller; zstd is that of this Node, from 22.15 on, unless another one is given. */
export async function compress(
  body: Buffer,
  effort: Effort,
  zstdOf: Zstd = nodesZstd,
): Promise<Partial<Record<Coding, Buffer>>> {
  const most = effort === 'most';
  const quality = {
    [zlib.constants.BROTLI_PARAM_QUALITY]: most ? 11 : 5,
    [zlib.constants.BROTLI_PARAM_SIZE_HINT]: body.length,
  };
  const [br, zstd, gz] = await Promise.all([
    brotli(body, { params: quality }),
    zstdOf(body, most ? 19 : 3),
    gzip(body, { level: most ? 9 : 6 }),
  ]);
  const worth = (bytes: Buffer | undefined): bytes is Buffer =>
    bytes !== undefined && bytes.length <= body.length * (1 - leastSaved);
  return { ...(worth(br) ? { br } : {}), ...(worth(zstd) ? { zstd } : {}), ...(worth(gz) ? { gzip: gz } : {}) };
}

function nodesZstd(body: Buffer, level: number): Promise<Buffer | undefined> {
  const run: unknown = Reflect.get(zlib, 'zstdCompress'); // not in the types of the oldest Node we run on
  const parameter: unknown = Reflect.get(zlib.constants, 'ZSTD_c_compressionLevel');
  if (typeof run !== 'function' || typeof parameter !== 'number') return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    run(body, { params: { [parameter]: level } }, (error: Error | null, bytes: Buffer) =>
      error === null ? resolve(bytes) : reject(error),
    );
  });
}
