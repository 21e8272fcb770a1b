// Answers a request with a file, an asset of the table (router.md §8.2, R13–R21) or a stored one (§9): conditions first,
// then coding or range, then one write. Called by the front door for rules 1 to 6, and by files/serve.ts.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ReadyResponse } from '@gatehouse/proxy/ready-response';
import { evaluateConditions, isRangeWanted } from './conditions.ts';
import { negotiate } from './negotiation.ts';
import { readRange } from './ranges.ts';
import type { Asset, Span, Variant } from './table.ts';

/** What goes on every answer. */
export interface AssetContext {
  readonly version: string;
  /** What every answer carries, each field with its CRLF. */
  readonly ownLines: string;
  /** The `Date` of this moment, as a line. */
  readonly dateLine: () => string;
}

const notFound = '404 page not found\n';

/** @param asset `undefined` when there is none of that name. @returns a promise only where a file is streamed from disk */
export function serveAsset(
  asset: Asset | undefined,
  request: IncomingMessage,
  response: ReadyResponse,
  context: AssetContext,
): Promise<void> | undefined {
  // One ready-made list per answer: `setHeader` beforehand would make Node merge the two, name by name.
  const { version } = context;
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refuseMethod(request, response, version, listOf(context.ownLines));
  if (asset === undefined) return answerNotFound(response, version, listOf(context.ownLines));
  const range = rangeOf(request, asset);
  const coding =
    range.kind === 'whole' && asset.available.length > 0
      ? negotiate(request.headers['accept-encoding']?.toString(), asset.available)
      : undefined;
  const chosen = (coding === undefined ? undefined : asset.coded[coding]) ?? asset.identity;
  const turn = { request, response, context };
  const verdict = evaluateConditions(request, {
    etag: chosen.etag,
    etags: asset.etags,
    lastModified: asset.lastModified,
  });
  if (verdict === 'unchanged') return sendUnchanged(chosen, turn);
  if (verdict === 'precondition-failed') return finish(turn, 412, []);
  if (range.kind === 'unsatisfiable') return finish(turn, 416, ['Content-Range', `bytes */${asset.identity.size}`]);
  return range.kind === 'part' ? sendPart(asset, range, turn) : sendWhole(asset, chosen, turn);
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
  response.writeHead(status, [...own, 'Allow', 'GET, HEAD', 'X-authentik-version', version]).end();
}

interface Turn {
  readonly request: IncomingMessage;
  readonly response: ReadyResponse;
  readonly context: AssetContext;
}

function finish({ response, context }: Turn, status: number, headers: readonly string[]): undefined {
  response.writeHead(status, [...listOf(context.ownLines), ...headers, 'X-authentik-version', context.version]).end();
}

function sendUnchanged(chosen: Variant, { response, context }: Turn): undefined {
  const lines = `${chosen.unchangedLines}${context.ownLines}${context.dateLine()}`;
  if (!response.sendHead({ status: 304, reason: 'Not Modified', lines })) response.writeHead(304, listOf(lines));
  response.end();
}

/** The usual case by a head whose text is ready but for date and id; everything else the way of node:http. */
function sendWhole(asset: Asset, chosen: Variant, { request, response, context }: Turn): Promise<void> | undefined {
  const { body, frame } = chosen;
  const isHead = request.method === 'HEAD';
  const head = { status: 200, reason: 'OK', lines: `${chosen.lines}${context.ownLines}${context.dateLine()}` };
  if (frame !== undefined && response.sendFramed(head, frame)) return undefined;
  if (!response.sendHead(head)) response.writeHead(200, listOf(head.lines));
  if (body === undefined && !isHead && chosen.size > 0)
    return asset.stream({ start: 0, end: chosen.size - 1 }, response);
  response.end(isHead ? undefined : body);
  return undefined;
}

function sendPart(asset: Asset, range: Span, { request, response, context }: Turn): Promise<void> | undefined {
  const length = range.end - range.start + 1;
  const headers = listOf(asset.identity.unchangedLines + context.ownLines);
  const contentRange = `bytes ${range.start}-${range.end}/${asset.identity.size}`;
  response.writeHead(206, [...headers, 'Content-Length', String(length), 'Content-Range', contentRange]);
  const { body } = asset.identity;
  if (request.method !== 'HEAD' && body === undefined) return asset.stream(range, response);
  response.end(request.method === 'HEAD' ? undefined : body?.subarray(range.start, range.end + 1));
  return undefined;
}

/** Lines of ours as an alternating list. */
export function listOf(lines: string): string[] {
  const list: string[] = [];
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) list.push(line.slice(0, colon), line.slice(colon + 2));
  }
  return list;
}
