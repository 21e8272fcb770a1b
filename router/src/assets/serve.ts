// Answers a request for an asset from the table (router.md §8.2, R13–R21): conditions first, then coding or range, then
// one write. Called by the server for rules 1 to 6.
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { evaluateConditions, isRangeWanted } from './conditions.ts';
import { type Coding, codings, negotiate } from './negotiation.ts';
import { readRange } from './ranges.ts';
import type { Asset, AssetTable, Variant } from './table.ts';

/** What goes on every answer. */
export interface AssetContext {
  readonly version: string;
  /** What every answer carries, names and values alternating. */
  readonly own: readonly string[];
}

const notFound = '404 page not found\n';

/** @returns the status sent, for the access line */
export async function serveAsset(
  table: AssetTable,
  file: string,
  request: IncomingMessage,
  response: ServerResponse,
  { version, own }: AssetContext,
): Promise<number> {
  // One ready-made list per answer: `setHeader` beforehand would make Node merge the two, name by name.
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuseMethod(request, response, version, own);
  const asset = table.get(file);
  if (asset === undefined) return answerNotFound(response, version, own);
  const range = isRangeWanted(request, { etag: asset.identity.etag, lastModified: asset.lastModified })
    ? readRange(request.headers.range, asset.identity.size)
    : { kind: 'whole' as const };
  const available = codings.filter((coding) => asset.coded[coding] !== undefined);
  const coding: Coding | undefined =
    range.kind === 'whole' ? negotiate(request.headers['accept-encoding']?.toString(), available) : undefined;
  const chosen = (coding === undefined ? undefined : asset.coded[coding]) ?? asset.identity;
  const current = { etag: chosen.etag, etags: tagsOf(asset), lastModified: asset.lastModified };
  const verdict = evaluateConditions(request, current);
  if (verdict === 'precondition-failed') return finish(response, 412, [...own, 'X-authentik-version', version]);
  if (verdict === 'unchanged') return finish(response, 304, [...withoutLength(chosen.headers), ...own]);
  if (range.kind === 'unsatisfiable')
    return finish(response, 416, [
      ...own,
      'Content-Range',
      `bytes */${asset.identity.size}`,
      'X-authentik-version',
      version,
    ]);
  if (range.kind === 'part') return sendPart(asset, range, { request, response, own });
  return sendWhole(asset, chosen, { request, response, own });
}

/** Text of every "no such file", for assets and stored files alike. */
export function answerNotFound(response: ServerResponse, version: string, own: readonly string[] = []): number {
  const headers = ['Content-Type', 'text/plain', 'Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'];
  const length = String(notFound.length);
  response.writeHead(404, [...headers, ...own, 'X-authentik-version', version, 'Content-Length', length]);
  response.end(notFound);
  return 404;
}

/** OPTIONS is answered, every other method but GET and HEAD refused. */
export function refuseMethod(
  request: IncomingMessage,
  response: ServerResponse,
  version: string,
  own: readonly string[] = [],
): number {
  const status = request.method === 'OPTIONS' ? 204 : 405;
  return finish(response, status, [...own, 'Allow', 'GET, HEAD', 'X-authentik-version', version]);
}

function finish(response: ServerResponse, status: number, headers: readonly string[]): number {
  response.writeHead(status, [...headers]).end();
  return status;
}

interface Turn {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly own: readonly string[];
}

async function sendWhole(asset: Asset, chosen: Variant, { request, response, own }: Turn): Promise<number> {
  response.writeHead(200, [...chosen.headers, ...own]);
  if (request.method === 'HEAD') response.end();
  else if (chosen.body !== undefined) response.end(chosen.body);
  else await stream(asset.path, undefined, response);
  return 200;
}

async function sendPart(
  asset: Asset,
  range: { start: number; end: number },
  { request, response, own }: Turn,
): Promise<number> {
  const length = range.end - range.start + 1;
  const headers = withoutLength(asset.identity.headers);
  response.writeHead(206, [
    ...headers,
    ...own,
    'Content-Length',
    String(length),
    'Content-Range',
    `bytes ${range.start}-${range.end}/${asset.identity.size}`,
  ]);
  if (request.method === 'HEAD') response.end();
  else if (asset.identity.body !== undefined) response.end(asset.identity.body.subarray(range.start, range.end + 1));
  else await stream(asset.path, range, response);
  return 206;
}

async function stream(
  path: string,
  range: { start: number; end: number } | undefined,
  response: ServerResponse,
): Promise<void> {
  // A client that leaves ends the pipeline with an error that concerns nobody else.
  await pipeline(createReadStream(path, { ...range, highWaterMark: 256 * 1024 }), response).catch(() =>
    response.destroy(),
  );
}

function tagsOf(asset: Asset): string[] {
  return [asset.identity.etag, ...codings.flatMap((coding) => asset.coded[coding]?.etag ?? [])];
}

function withoutLength(headers: readonly string[]): string[] {
  return headers.filter((_, at) => headers[at - (at % 2)] !== 'Content-Length');
}
