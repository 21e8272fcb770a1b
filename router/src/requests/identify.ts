// Who asks, and under which id (router.md §4, §15): found out once per connection as long as nobody speaks for somebody else.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Logger } from '@gatehouse/daemon/log';
import {
  type Client,
  certificateInVain,
  identifyClient,
  requestIdOf,
  speaksForOthers,
  type Trust,
} from '../forwarding/forwarded.ts';
import { connectionOf } from '../listeners/connections.ts';
import type { RequestRecord } from './access-log.ts';

interface KnownClient {
  readonly host: string | undefined;
  readonly trust: Trust;
  readonly client: Client;
}

export interface Moment {
  readonly trust: Trust;
  readonly startedMs: number;
  /** Bytes are counted for the access line only. */
  readonly countsBytes: boolean;
}

/** So many peers are told of in the log, each once. */
const mostWarnings = 100;

/** @returns what makes the record of a request */
export function createIdentifier(log: Logger): (request: IncomingMessage, moment: Moment) => RequestRecord {
  const known = new WeakMap<object, KnownClient>();
  const clientOf = ({ socket, headers }: IncomingMessage, trust: Trust): Client => {
    if (speaksForOthers(headers)) return identifyClient(connectionOf(socket), headers, trust);
    const held = known.get(socket);
    if (held !== undefined && held.host === headers.host && held.trust === trust) return held.client;
    const client = identifyClient(connectionOf(socket), headers, trust);
    known.set(socket, { host: headers.host, trust, client });
    return client;
  };
  const warned = new Set<string>();
  const warn = ({ headers, socket }: IncomingMessage, client: Client) => {
    const header = certificateInVain(headers, client);
    const peer = connectionOf(socket).address;
    if (header === undefined || warned.has(peer) || warned.size >= mostWarnings) return;
    warned.add(peer);
    const hint = 'Name the peer in AUTHENTIK_LISTEN__MTLS_PROXY_CIDRS if it checks who its clients are.';
    log.warn('client certificate header dropped', { client: peer, name: header, hint });
  };
  return (request, { trust, startedMs, countsBytes }) => {
    const client = clientOf(request, trust);
    if (client.trusted && !client.certificateTrusted) warn(request, client);
    const { socket } = request;
    return {
      id: requestIdOf(request.headers, client, freshId),
      client,
      http2: connectionOf(socket).http2 === true,
      startedMs,
      socket,
      bytesRead: countsBytes ? socket.bytesRead : 0,
      bytesWritten: countsBytes ? socket.bytesWritten : 0,
      route: 'none',
    };
  };
}

/** Ids differ between processes by their beginning and within one by their end; as long as the core's. */
const processPart = randomBytes(10).toString('hex');
let drawn = 0;
function freshId(): string {
  drawn += 1;
  return processPart + drawn.toString(16).padStart(12, '0');
}
