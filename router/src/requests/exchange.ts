// One request at the front door: what came, what is known of it, and the fields that every answer of ours carries.
import type { IncomingMessage } from 'node:http';
import type { ReadyResponse } from '@gatehouse/proxy/ready-response';
import type { Trust } from '../forwarding/forwarded.ts';
import type { RequestRecord } from './access-log.ts';

/** Settings that a reload may change while requests run. */
export interface FrontDoorSettings {
  readonly webPath: string;
  readonly trust: Trust;
  readonly version: string;
  /** Whether links below /media/ lead to stored images. */
  readonly oldMedia: boolean;
  /** Whether HTTP/2 is offered to new connections over TLS. */
  readonly http2: boolean;
  readonly maxBodyBytes: number;
  readonly readStallMs: number;
  readonly writeStallMs: number;
  readonly answerTimeoutMs: number;
  readonly hstsMaxAgeS: number;
  readonly securityContact: string;
  readonly loggedHeaders: readonly string[];
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ReadyResponse;
  readonly record: RequestRecord;
  readonly settings: FrontDoorSettings;
}

type Own = Pick<Exchange, 'record' | 'settings'>;

/** What every answer carries: names and values alternating. */
export function ownFields({ record: { id, client }, settings: { hstsMaxAgeS } }: Own): readonly string[] {
  const secure = hstsMaxAgeS > 0 && client.scheme === 'https';
  return ['X-authentik-id', id, ...(secure ? ['Strict-Transport-Security', `max-age=${hstsMaxAgeS}`] : [])];
}

/** The same as lines, each with its CRLF. */
export function ownLines({ record: { id, client }, settings: { hstsMaxAgeS } }: Own): string {
  const secure = hstsMaxAgeS > 0 && client.scheme === 'https';
  return `X-authentik-id: ${id}\r\n${secure ? `Strict-Transport-Security: max-age=${hstsMaxAgeS}\r\n` : ''}`;
}

/**
 * For answers whose headers are an object. Never before a list: node:http then keeps only the last of several cookies.
 */
export function setOwn(exchange: Exchange): void {
  const own = ownFields(exchange);
  for (let at = 0; at + 1 < own.length; at += 2) exchange.response.setHeader(own[at] ?? '', own[at + 1] ?? '');
}

/** RFC 9112 §3.2: one Host, no other form of target than a path; whatever two readers could read differently is refused. */
export function isAmbiguous({ url, rawHeaders }: IncomingMessage): boolean {
  if (url?.startsWith('/') !== true) return true;
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts > 1;
}

/** Assets and stored files answer on every host (router.md §6); they are never an application's. */
export function isOurs(target: string, { webPath }: FrontDoorSettings): boolean {
  if (!target.startsWith(webPath)) return false;
  return target.startsWith('static/', webPath.length) || target.startsWith('files/', webPath.length);
}

export function acceptOf({ headers }: IncomingMessage): string {
  return headers.accept ?? '';
}
