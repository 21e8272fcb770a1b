// Stored files over /files/ (router.md §9, files.md §7.2, F7, F50): a signed URL opens one file, everything else is the
// same 404. Served so that nothing uploaded can run in our origin. Called by the front door for rules 7 and 8.
import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { contentTypeOf, type UrlSigner, type Usage } from '@gatehouse/storage';
import { evaluateConditions, isRangeWanted } from '../assets/conditions.ts';
import { readRange } from '../assets/ranges.ts';
import { answerNotFound, refuseMethod } from '../assets/serve.ts';
import type { createFileSender } from './pieces.ts';

export interface StoredFiles {
  /** Folder that holds `<usage>/<tenant>/<name>`. */
  readonly basePath: string;
  readonly signer: UrlSigner;
  readonly send: ReturnType<typeof createFileSender>;
}

export interface ServeFileOptions {
  readonly stored: StoredFiles;
  readonly usage: Usage;
  /** `<tenant>/<name>`, decoded. */
  readonly path: string;
  readonly version: string;
  readonly nowMs: number;
}

/** Shown in the page; everything else is a download. */
const safeImages = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/svg+xml',
  'image/vnd.microsoft.icon',
]);
const contentPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

export async function serveStoredFile(
  request: IncomingMessage,
  response: ServerResponse,
  options: ServeFileOptions,
): Promise<void> {
  const { stored, usage, path, version, nowMs } = options;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    refuseMethod(request, response, version);
    return;
  }
  const token = new URLSearchParams(request.url?.split('?')[1] ?? '').get('token') ?? '';
  const remainingS = await stored.signer.remainingS(token, `${usage}/${path}`, nowMs);
  const file = remainingS === undefined ? undefined : await openFile(join(stored.basePath, usage), path);
  if (file === undefined || remainingS === undefined) {
    answerNotFound(response, version);
    return;
  }
  try {
    await send(request, response, file, { ...options, remainingS });
  } finally {
    await file.close();
  }
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  file: FileHandle,
  options: ServeFileOptions & { readonly remainingS: number },
): Promise<void> {
  const { size, mtime, mtimeMs } = await file.stat();
  const etag = `"${Math.round(mtimeMs).toString(36)}-${size.toString(36)}"`;
  const lastModified = mtime.toUTCString();
  const headers = { ...protection(options), ETag: etag, 'Last-Modified': lastModified };
  const verdict = evaluateConditions(request, { etag, etags: [etag], lastModified });
  if (verdict !== 'send') {
    response.writeHead(verdict === 'unchanged' ? 304 : 412, headers).end();
    return;
  }
  const wanted = isRangeWanted(request, { etag, lastModified }) ? request.headers.range : undefined;
  const range = readRange(wanted, size);
  if (range.kind === 'unsatisfiable') {
    response.writeHead(416, { ...headers, 'Content-Range': `bytes */${size}` }).end();
    return;
  }
  const { start, end } = range.kind === 'part' ? range : { start: 0, end: size - 1 };
  const part = range.kind === 'part' ? { 'Content-Range': `bytes ${start}-${end}/${size}` } : {};
  response.writeHead(range.kind === 'part' ? 206 : 200, { ...headers, ...part, 'Content-Length': end - start + 1 });
  if (request.method === 'HEAD' || size === 0) {
    response.end();
    return;
  }
  await options.stored.send(file, { start, end }, response);
}

function protection({ usage, path, version, remainingS }: ServeFileOptions & { readonly remainingS: number }) {
  const type = contentTypeOf(path);
  const inline = usage === 'media' && safeImages.has(type);
  return {
    'Content-Type': type,
    'Content-Disposition': inline ? 'inline' : 'attachment',
    'Content-Security-Policy': contentPolicy,
    'Cache-Control': usage === 'media' ? `private, max-age=${remainingS}` : 'no-store',
    'Cross-Origin-Resource-Policy': 'same-site',
    'X-Content-Type-Options': 'nosniff',
    'Accept-Ranges': 'bytes',
    'X-authentik-version': version,
  };
}

/** A plain file below `folder`, reached without links and hidden names; `undefined` for whatever else is there. */
async function openFile(folder: string, path: string): Promise<FileHandle | undefined> {
  if (path.split('/').some((segment) => segment === '' || segment.startsWith('.'))) return undefined;
  try {
    const wanted = join(await realpath(folder), path);
    if ((await realpath(wanted)) !== wanted) return undefined; // a link on the way
    const handle = await open(wanted, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    return undefined;
  } catch {
    return undefined; // missing, unreadable, a name the system refuses: the answer hides which
  }
}
