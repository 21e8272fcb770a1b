// Upgrades (proxy.md §9.8): the handshake goes to the upstream as it came, and only after the upstream's own 101 are the two
// sockets joined, as bytes. Any other answer is relayed as an ordinary one. Tunnels end with the session they began under.
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { GatewayError } from '@gatehouse/daemon/errors';
import type { UpstreamTarget } from '../applications/application.ts';
import { proxyError } from '../errors.ts';
import { stripResponseHeaders } from '../identity/strip.ts';
import { probeAfterMs } from './exchange.ts';
import { tlsOptions } from './pools.ts';

export interface Tunnel {
  readonly target: UpstreamTarget;
  readonly method: string;
  readonly path: string;
  /** Alternating names and values, without Connection and Upgrade. */
  readonly headers: readonly string[];
  /** Token of the client's `Upgrade` field. */
  readonly protocol: string;
  readonly socket: Duplex;
  /** Bytes that came behind the client's request. */
  readonly head: Buffer;
}

export type TunnelOutcome =
  /** The answer has begun; the tunnel lives on by itself. */
  | { readonly kind: 'answered'; readonly status: number }
  /** Nothing was written to the client. */
  | { readonly kind: 'failed'; readonly error: GatewayError; readonly wasConnected: boolean };

const connectMs = 10_000;

export function openTunnel(tunnel: Tunnel): Promise<TunnelOutcome> {
  const { target, socket } = tunnel;
  const url = new URL(target.origin);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    let wasConnected = false;
    const upstream = send({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port || (url.protocol === 'https:' ? 443 : 80),
      method: tunnel.method,
      path: tunnel.path,
      agent: false,
      maxHeaderSize: 1024 * 1024,
      ...tlsOptions(target),
      // A flat list is written as it is; node:http's types know only the other forms.
      headers: handshake(tunnel) as unknown as OutgoingHttpHeaders,
    });
    const abort = () => upstream.destroy();
    const late = setTimeout(() => upstream.destroy(new Error(`no connection within ${connectMs / 1000} s`)), connectMs);
    const fail = (cause: Error) => {
      clearTimeout(late);
      socket.off('close', abort);
      const error = proxyError('ERR_PROXY_UPSTREAM', `The upstream failed: ${cause.message}.`, cause);
      resolve({ kind: 'failed', error, wasConnected });
    };
    upstream.setTimeout(0);
    upstream.once('socket', (connecting) =>
      connecting.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        clearTimeout(late);
        connecting.setKeepAlive(true, probeAfterMs);
        wasConnected = true;
      }),
    );
    upstream.once('error', fail);
    socket.once('close', abort);
    upstream.once('upgrade', (answer, behind, rest) => {
      socket.write(
        statusAndFields(answer, ['Connection', 'Upgrade', 'Upgrade', answer.headers.upgrade ?? tunnel.protocol]),
      );
      join(tunnel, behind, rest);
      resolve({ kind: 'answered', status: 101 });
    });
    upstream.once('response', (answer) => {
      socket.write(statusAndFields(answer, ['Connection', 'close']));
      answer.pipe(socket);
      resolve({ kind: 'answered', status: answer.statusCode ?? 502 });
    });
    upstream.end();
  });
}

function handshake({ headers, protocol }: Tunnel): string[] {
  return [...headers, 'Connection', 'Upgrade', 'Upgrade', protocol];
}

function join({ socket, head }: Tunnel, behind: Duplex, rest: Buffer): void {
  if (rest.length > 0) socket.write(rest);
  if (head.length > 0) behind.write(head);
  const end = () => {
    socket.destroy();
    behind.destroy();
  };
  for (const side of [socket, behind]) side.once('error', end).once('close', end);
  if ('setTimeout' in socket && typeof socket.setTimeout === 'function') socket.setTimeout(0);
  if ('setTimeout' in behind && typeof behind.setTimeout === 'function') behind.setTimeout(0);
  socket.pipe(behind);
  behind.pipe(socket);
}

function statusAndFields(answer: IncomingMessage, added: readonly string[]): Buffer {
  const fields = [...stripResponseHeaders(answer.rawHeaders), 'X-Powered-By', 'goauthentik.io', ...added];
  const lines = [`HTTP/1.1 ${answer.statusCode ?? 502} ${answer.statusMessage ?? ''}`];
  for (let at = 0; at + 1 < fields.length; at += 2) lines.push(`${fields[at]}: ${fields[at + 1]}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
