// Answers a request for an asset from the table (router.md §8.2, R13–R21): conditions first, then coding or range, then
// one write. Called by the server for rules 1 to 6.
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { ReadyResponse } from '@gatehouse/proxy/ready-response';
import { evaluateConditions, isRangeWanted } from './conditions.ts';
import { negotiate } from './negotiation.ts';
import { readRange } from './ranges.ts';
import type { Asset, AssetTable, Variant } from './table.ts';

/** What goes on every answer. */
export interface AssetContext {
  readonly version: string;
  /** What every answer carries, names and values alternating. */
  readonly own: readonly string[];
  /** `own` as text, and the `Date` of this moment, each field with its CRLF. */
  readonly ownLines: string;
  readonly dateLine: () => string;
}

const notFound = '404 page not found\n';

/** @returns a promise only where a file is streamed from disk */
export function serveAsset(
  table: AssetTable,
  file: string,
  request: IncomingMessage,
  response: ReadyResponse,
  context: AssetContext,
): Promise<void> | undefined {
  // One ready-made list per answer: `setHeader` beforehand would make Node merge the two, name by name.
  const { version, own } = context;
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuseMethod(request, response, version, own);
  const asset = table.get(file);
  if (asset === undefined) return answerNotFound(response, version, own);
  const range = rangeOf(request, asset);
  const coding =
    range.kind === 'whole' && asset.available.length > 0
      ? negotiate(request.headers['accept-encoding']?.toString(), asset.available)
      : undefined;
  const chosen = (coding === undefined ? undefined : asset.coded[coding]) ?? asset.identity;
  const verdict = evaluateConditions(request, {
    etag: chosen.etag,
    etags: asset.etags,
    lastModified: asset.lastModified,
  });
  if (verdict === 'precondition-failed') return finish(response, 412, [...own, 'X-authentik-version', version]);
  if (verdict === 'unchanged') return finish(response, 304, [...withoutLength(chosen.headers), ...own]);
  if (range.kind === 'unsatisfiable') {
    const size = `bytes */${asset.identity.size}`;
    return finish(response, 416, [...own, 'Content-Range', size, 'X-authentik-version', version]);
  }
  if (range.kind === 'part') return sendPart(asset, range, { request, response, own });
  return sendWhole(asset, chosen, { request, response, context });
}

function rangeOf(request: IncomingMessage, asset: Asset): ReturnType<typeof readRange> {
  const { range } = request.headers;
  if (range === undefined) return { kind: 'whole' };
  const { etag, size } = asset.identity;
  return isRangeWanted(request, { etag, lastModified: asset.lastModified })
    ? readRange(range, size)
    : { kind: 'whole' };
}

/** Text of every "no such file", for assets and stored files alike. */
export function answerNotFound(response: ServerResponse, version: string, own: readonly string[] = []): undefined {
  const headers = ['Content-Type', 'text/plain', 'Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'];
  const length = String(notFound.length);
  response.writeHead(404, [...headers, ...own, 'X-authentik-version', version, 'Content-Length', length]);
  response.end(notFound);
}

/** OPTIONS is answered, every other method but GET and HEAD refused. */
export function refuseMethod(
  request: IncomingMessage,
  response: ServerResponse,
  version: string,
  own: readonly string[] = [],
): undefined {
  const status = request.method === 'OPTIONS' ? 204 : 405;
  return finish(response, status, [...own, 'Allow', 'GET, HEAD', 'X-authentik-version', version]);
}

function finish(response: ServerResponse, status: number, headers: readonly string[]): undefined {
  response.writeHead(status, [...headers]).end();
}

interface Turn {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly own: readonly string[];
}

interface WholeTurn extends Omit<Turn, 'own' | 'response'> {
  readonly response: ReadyResponse;
  readonly context: AssetContext;
}

/** The usual case by a head whose text is ready but for date and id; everything else the way of node:http. */
function sendWhole(
  asset: Asset,
  chosen: Variant,
  { request, response, context }: WholeTurn,
): Promise<void> | undefined {
  const { body } = chosen;
  const isHead = request.method === 'HEAD';
  if (body !== undefined) {
    const lines = `${chosen.lines}${context.ownLines}${context.dateLine()}`;
    if (!response.sendHead({ status: 200, reason: 'OK', lines }))
      response.writeHead(200, [...chosen.headers, ...context.own]);
    response.end(isHead ? undefined : body);
    return undefined;
  }
  response.writeHead(200, [...chosen.headers, ...context.own]);
  if (!isHead) return stream(asset.path, undefined, response);
  response.end();
  return undefined;
}

function sendPart(
  asset: Asset,
  range: { start: number; end: number },
  { request, response, own }: Turn,
): Promise<void> | undefined {
  const length = range.end - range.start + 1;
  const headers = withoutLength(asset.identity.headers);
  const contentRange = `bytes ${range.start}-${range.end}/${asset.identity.size}`;
  response.writeHead(206, [...headers, ...own, 'Content-Length', String(length), 'Content-Range', contentRange]);
  const { body } = asset.identity;
  if (request.method !== 'HEAD' && body === undefined) return stream(asset.path, range, response);
  response.end(request.method === 'HEAD' ? undefined : body?.subarray(range.start, range.end + 1));
  return undefined;
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

function withoutLength(headers: readonly string[]): string[] {
  return headers.filter((_, at) => headers[at - (at % 2)] !== 'Content-Length');
}
