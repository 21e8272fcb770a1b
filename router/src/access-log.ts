// One line per finished request (router.md §15, §20.7), written from what its handler left behind; handlers do not log.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '@gatehouse/daemon/log';
import type { Client } from './forwarding/forwarded.ts';

/** What is known of a request while it runs; `route` is filled in by the front door. */
export interface RequestRecord {
  readonly id: string;
  readonly client: Client;
  readonly startedMs: number;
  /** Of the request; node:http lets go of it when the request is over. */
  readonly socket: Socket;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  route: string;
}

export interface AccessLineOptions {
  readonly log: Logger;
  readonly headers: readonly string[];
  readonly tookMs: number;
}

/** @param status 499 where the client left before the end of the answer */
export function writeAccessLine(
  request: IncomingMessage,
  record: RequestRecord,
  status: number,
  options: AccessLineOptions,
): void {
  const { socket } = record;
  options.log.info('request', {
    request_id: record.id,
    method: request.method ?? '',
    path: maskTarget(request.url ?? ''),
    status,
    route: record.route,
    client: record.client.address,
    host: record.client.host,
    scheme: record.client.scheme,
    took_ms: Math.round(options.tookMs * 1000) / 1000,
    bytes_in: socket.bytesRead - record.bytesRead,
    bytes_out: socket.bytesWritten - record.bytesWritten,
    headers: chosenHeaders(request, options.headers),
  });
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

function chosenHeaders(request: IncomingMessage, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = request.headers[name.toLowerCase()];
      return value === undefined ? [] : [[name.toLowerCase().replaceAll('-', '_'), String(value).slice(0, 512)]];
    }),
  );
}
