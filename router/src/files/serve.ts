// Stored files over /files/ (router.md §9, files.md §7.2, F7, F50): a signed URL opens one file, everything else is the
// same 404. Served so that nothing uploaded can run in our origin. Called by the front door for rules 7 and 8.
import type { IncomingMessage } from 'node:http';
import type { ReadyResponse } from '@gatehouse/proxy/ready-response';
import type { UrlSigner, Usage } from '@gatehouse/storage';
import { type AssetContext, answerNotFound, listOf, refuseMethod, serveAsset } from '../assets/serve.ts';
import { KeptFiles } from './kept-files.ts';
import type { FileSender } from './pieces.ts';

/** The stored files of one usage. */
export interface StoredFiles {
  readonly usage: Usage;
  readonly signer: UrlSigner;
  readonly files: KeptFiles;
}

export interface StoredFilesOptions {
  readonly usage: Usage;
  readonly signer: UrlSigner;
  /** Holds `<tenant>/<name>`. */
  readonly folder: string;
  readonly version: string;
  readonly send: FileSender;
  readonly now: () => number;
}

export interface ServeFileOptions {
  readonly stored: StoredFiles;
  /** `<tenant>/<name>`, decoded. */
  readonly path: string;
  readonly context: AssetContext;
  readonly nowMs: number;
}

/** Shown in the page; everything else is a download. */
export const safeImages = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/svg+xml',
  'image/vnd.microsoft.icon',
]);
const contentPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

export function openStoredFiles({ usage, signer, folder, version, send, now }: StoredFilesOptions): StoredFiles {
  const fieldsOf = (_name: string, type: string) => protection(usage, type, version);
  return { usage, signer, files: new KeptFiles({ folder, fieldsOf, send, now }) };
}

export async function serveStoredFile(
  request: IncomingMessage,
  response: ReadyResponse,
  { stored, path, context, nowMs }: ServeFileOptions,
): Promise<void> {
  const { version, ownLines } = context;
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refuseMethod(request, response, version, listOf(ownLines));
  const { usage, signer, files } = stored;
  const remainingS = await signer.remainingS(tokenOf(request.url ?? ''), `${usage}/${path}`, nowMs);
  const found = remainingS === undefined ? undefined : await files.find(path);
  if (found === undefined) return answerNotFound(response, version, listOf(ownLines));
  try {
    const caching = usage === 'media' ? `private, max-age=${remainingS}` : 'no-store';
    const lines = `Cache-Control: ${caching}\r\n${ownLines}`;
    await serveAsset(found.asset, request, response, { ...context, ownLines: lines });
  } finally {
    await found.close();
  }
}

/** As the URLs of the file backend have it; in any other form by the book. */
function tokenOf(target: string): string {
  const queryAt = target.indexOf('?');
  if (queryAt === -1) return '';
  const query = target.slice(queryAt + 1);
  const plain = /^token=([\w.-]+)$/.exec(query);
  return plain?.[1] ?? new URLSearchParams(query).get('token') ?? '';
}

function protection(usage: Usage, type: string, version: string): readonly string[] {
  const disposition = usage === 'media' && safeImages.has(type) ? 'inline' : 'attachment';
  const fields = {
    'Content-Type': type,
    'Content-Disposition': disposition,
    'Content-Security-Policy': contentPolicy,
    'Cross-Origin-Resource-Policy': 'same-site',
    'X-Content-Type-Options': 'nosniff',
    'Accept-Ranges': 'bytes',
    'X-authentik-version': version,
  };
  return Object.entries(fields).flat();
}
