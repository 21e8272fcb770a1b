// One request as every mode sees it: facts of the connection, headers looked up by name, and the request id. Built once by
// server.ts; modes and endpoints never touch the socket.
import { type CidrSet, canonicalIp } from '@gatehouse/daemon/net';
import { parseScheme, type Scheme } from './host-name.ts';

export interface Incoming {
  readonly method: string;
  /** As received: `request.url`. */
  readonly rawTarget: string;
  /** Lower-case names, as node:http joins them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Alternating names and values, as received. */
  readonly rawHeaders: readonly string[];
  /** Socket peer, or the source of an accepted PROXY header; without port. */
  readonly peer: string;
  readonly peerPort: number;
  /** Scheme of the listener. */
  readonly scheme: Scheme;
  /** Whether forwarding headers of this peer are believed. */
  readonly trusted: boolean;
  readonly requestId: string;
  /** What every answer carries: names and values alternating, of whoever listens for us. */
  readonly added: readonly string[];
  /** To be called before the body is read, of a request that waits with it. */
  readonly askForBody: (() => void) | undefined;
  /** The body as text, for the few endpoints that take a form; empty when it is larger than 64 KiB. */
  readonly readBody: () => Promise<string>;
}

export function header(request: Pick<Incoming, 'headers'>, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : (value?.[0] ?? '');
}

/** What the listener's peer says about the connection in front of it; an untrusted peer says nothing. */
export function clientScheme(request: Incoming): Scheme {
  if (!request.trusted) return request.scheme;
  return parseScheme(header(request, 'x-forwarded-proto')) ?? request.scheme;
}

/** Host by which an application is chosen (§2.4); the first where a proxy has made a list of it. */
export function requestHost(request: Incoming): string {
  const forwarded = request.trusted ? header(request, 'x-forwarded-host') : '';
  const host = forwarded || header(request, 'host');
  return host.includes(',') ? (host.split(',')[0]?.trim() ?? '') : host;
}

/** The client's address for logs and limits: the right-most address that is not one of our own proxies. */
export function clientAddress(request: Incoming, trustedPeers: CidrSet): string {
  if (!request.trusted) return request.peer;
  const claimed = header(request, 'x-forwarded-for')
    .split(',')
    .map((part) => canonicalIp(part.trim()))
    .filter((part) => /^[\da-f.:]+$/i.test(part));
  return claimed.findLast((address) => !trustedPeers.has(address)) ?? claimed[0] ?? request.peer;
}
