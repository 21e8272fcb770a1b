// Turns a request of node:http into an Incoming, or says why it is none: several Hosts, a target in absolute form for
// somebody else, CONNECT and the asterisk form (RFC 9112 §3.2), more fields than node:http tells of. Called by server.ts for
// every request.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { parseAuthority, type Scheme } from './host-name.ts';
import type { Incoming } from './incoming.ts';

/** Who is at the other end of a connection; found out once per connection. */
export interface Peer {
  readonly address: string;
  readonly port: number;
  /** Whether its forwarding headers are believed. */
  readonly trusted: boolean;
}

/** Ids are unique among processes by their beginning and within one by their end. */
const processPart = randomBytes(8).toString('hex');
let received = 0;

/**
 * node:http leaves out of `headers` what comes behind the thousandth field, and some of it out of `rawHeaders`: then what is
 * judged is not what is forwarded.
 */
const mostFields = 500;

export interface Passed {
  readonly requestId?: string;
  readonly added?: readonly string[];
  /** Asks the client for a body that it holds back (RFC 9110 §10.1.1). */
  readonly askForBody?: () => void;
}

/**
 * @param passed by whoever was asked first: the id of the request, what every answer carries, how to ask for the body
 * @returns the status of a request that is refused whatever it asks for
 */
export function receive(
  message: IncomingMessage,
  peer: Peer,
  scheme: Scheme,
  passed: Passed = {},
): Incoming | 400 | 431 {
  const { headers, rawHeaders, method = '' } = message;
  const rawTarget = originForm(message.url ?? '', headers.host ?? '');
  if (rawHeaders.length > 2 * mostFields) return 431;
  // RFC 9112 §3.2: one Host, and one host in it; lists are what proxies make of X-Forwarded-Host.
  if (rawTarget === undefined || countHosts(rawHeaders) > 1 || headers.host?.includes(',') === true) return 400;
  return {
    method,
    rawTarget,
    headers,
    rawHeaders,
    peer: peer.address,
    peerPort: peer.port,
    scheme,
    trusted: peer.trusted,
    askForBody: passed.askForBody,
    readBody() {
      passed.askForBody?.();
      return readBody(message);
    },
    requestId: passed.requestId ?? `${processPart}-${(received++).toString(36)}`,
    added: passed.added ?? [],
  };
}

/** An absolute target must name the very host of the Host field, so that no two parts of us see different ones. */
function originForm(url: string, host: string): string | undefined {
  if (url.startsWith('/')) return url;
  const match = /^https?:\/\/([^/?#]+)(.*)$/is.exec(url);
  if (match === null) return undefined;
  const [named, told] = [parseAuthority(match[1] ?? ''), parseAuthority(host)];
  if (named === undefined || named.host !== told?.host || named.port !== told.port) return undefined;
  const rest = match[2] ?? '';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}

const maxBodyBytes = 64 * 1024;

async function readBody(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of message) {
    const chunk = Buffer.from(part);
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return '';
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}
