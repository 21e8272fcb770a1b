// One line per finished request (router.md §15, §20.7), written from what its handler left behind; handlers do not log.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Client } from '../forwarding/forwarded.ts';

/** What is known of a request while it runs; `route` is filled in by the front door. */
export interface RequestRecord {
  readonly id: string;
  readonly client: Client;
  /** The client speaks HTTP/2. */
  readonly http2: boolean;
  readonly startedMs: number;
  /** Of the request; node:http lets go of it when the request is over. */
  readonly socket: Socket;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  route: string;
}

export interface AccessLineOptions {
  /** Takes whole lines. */
  readonly output: { write(line: string): void };
  /** Lower-case names of request headers to show. */
  readonly headers: readonly string[];
  readonly tookMs: number;
  readonly nowMs: number;
}

/**
 * Put together by hand: through the logger a line costs more than most answers.
 * @param status 499 where the client left before the end of the answer
 */
export function writeAccessLine(
  request: IncomingMessage,
  record: RequestRecord,
  status: number,
  { output, headers, tookMs, nowMs }: AccessLineOptions,
): void {
  const { socket, client } = record;
  const rounded = Math.round(tookMs * 1000) / 1000;
  const bytesIn = socket.bytesRead - record.bytesRead;
  const bytesOut = socket.bytesWritten - record.bytesWritten;
  output.write(
    `{"level":"info","timestamp":"${isoTime(nowMs)}","logger":"authentik.router","request_id":"${record.id}","method":${quoted(request.method ?? '')},"path":${quoted(maskTarget(request.url ?? ''))},"status":${status},"route":"${record.route}","client":${quoted(client.address)},"host":${quoted(client.host)},"scheme":"${client.scheme}","http_version":"${record.http2 ? '2.0' : request.httpVersion}","took_ms":${rounded},"bytes_in":${bytesIn},"bytes_out":${bytesOut},"headers":${chosenHeaders(request, headers)},"event":"request"}\n`,
  );
}

/** JSON of a text; most need no escapes. */
function quoted(text: string): string {
  return /["\\]|[^ -~]/.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Many requests share a millisecond. */
let lastMs = -1;
let lastText = '';
function isoTime(nowMs: number): string {
  if (nowMs !== lastMs) {
    lastMs = nowMs;
    lastText = new Date(nowMs).toISOString();
  }
  return lastText;
}

const bearerParameters = /^(?:token|code|id_token_hint|state|ticket|signature|x-amz-[a-z-]+)$/i;

/** The target with the values of bearer parameters replaced (R55): file tokens, presigned URLs, codes and tickets. */
export function maskTarget(target: string): string {
  const queryAt = target.indexOf('?');
  if (queryAt === -1) return target;
  const parts = target.slice(queryAt + 1).split('&');
  const masked = parts.map((part) => {
    const name = part.split('=', 1)[0] ?? '';
    return bearerParameters.test(decoded(name)) ? `${name}=***` : part;
  });
  return `${target.slice(0, queryAt)}?${masked.join('&')}`;
}

/** As whoever reads the parameters will see the name: `%74oken` is `token`. */
function decoded(name: string): string {
  return new URLSearchParams(`${name}=`).keys().next().value ?? '';
}

/** Status as the client saw it. */
export function statusOf(response: ServerResponse): number {
  return response.writableFinished ? response.statusCode : 499;
}

function chosenHeaders(request: IncomingMessage, names: readonly string[]): string {
  let fields = '';
  for (const name of names) {
    const value = request.headers[name];
    if (value === undefined) continue;
    fields += `${fields === '' ? '' : ','}${quoted(name.replaceAll('-', '_'))}:${quoted(String(value).slice(0, 512))}`;
  }
  return `{${fields}}`;
}
