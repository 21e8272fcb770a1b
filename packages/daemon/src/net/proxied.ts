// Reads a PROXY header from a fresh socket before anything else sees it (ldap.md §2.2, core-contract case 45). Only peers
// on the trusted list may name another client; a header from anybody else ends the connection. Called by tcp.ts.
import type { Socket } from 'node:net';
import { decodeProxyHeader, type ProxyEndpoint, type ProxyHeader } from '@gatehouse/wire/proxy-protocol';
import { type CidrSet, canonicalIp } from './cidr.ts';

export interface Peer {
  /** Canonical text: no zone, IPv4-mapped addresses dotted. */
  readonly address: string;
  readonly port: number;
  /** The address comes from a PROXY header of a trusted peer. */
  readonly proxied: boolean;
}

export interface ProxiedOptions {
  /** `require`: a connection without a header from a trusted peer is refused. */
  readonly mode: 'optional' | 'require';
  readonly trusted: CidrSet;
  /** How long a silent peer is waited for before the connection goes on without a header; spec: 10 s. */
  readonly waitMs: number;
}

export type Identified =
  | { readonly kind: 'peer'; readonly peer: Peer }
  | {
      readonly kind: 'refused';
      readonly reason: 'proxy_header_untrusted' | 'proxy_header_malformed' | 'proxy_header_missing';
    }
  | { readonly kind: 'gone' };

/**
 * Waits for the first bytes of `socket` and tells who is at the other end. The bytes after the header stay in the socket,
 * in the state of a socket nobody has read from. Ends by itself after `waitMs` or when the socket closes.
 */
export async function identifyPeer(socket: Socket, direct: Peer, options: ProxiedOptions): Promise<Identified> {
  const trusted = options.trusted.has(direct.address);
  const found = await readHeader(socket, options.waitMs);
  if (found.kind === 'gone') return found;
  if (found.kind === 'none') {
    return options.mode === 'require' ? refused('proxy_header_missing') : { kind: 'peer', peer: direct };
  }
  if (!trusted) return refused('proxy_header_untrusted');
  if (found.kind === 'malformed') return refused('proxy_header_malformed');
  // A load balancer's own health check: it speaks for itself, so the socket's address is the client's.
  if (found.source === undefined) return { kind: 'peer', peer: direct };
  const { address, port } = found.source;
  return { kind: 'peer', peer: { address: canonicalIp(address), port, proxied: true } };
}

type Found =
  | { readonly kind: 'gone' }
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'header'; readonly source: ProxyEndpoint | undefined };

function readHeader(socket: Socket, waitMs: number): Promise<Found> {
  return new Promise((resolve) => {
    let seen: Buffer = Buffer.alloc(0);
    const finish = (found: Found, used: number) => {
      clearTimeout(silence);
      socket.off('readable', read).off('close', gone);
      if (seen.length > used) socket.unshift(seen.subarray(used));
      resolve(found);
    };
    const gone = () => finish({ kind: 'gone' }, seen.length);
    const read = () => {
      const chunk: Buffer | null = socket.read();
      if (chunk === null) return; // the end; `close` follows
      seen = Buffer.concat([seen, chunk]);
      const decoded = decodeProxyHeader(seen);
      if (decoded.kind === 'absent') finish({ kind: 'none' }, 0);
      if (decoded.kind === 'malformed') finish({ kind: 'malformed' }, seen.length);
      if (decoded.kind === 'header') finish({ kind: 'header', source: sourceOf(decoded.header) }, decoded.length);
    };
    const silence = setTimeout(() => finish({ kind: 'none' }, 0), waitMs);
    socket.on('readable', read).once('close', gone);
  });
}

function sourceOf(header: ProxyHeader): ProxyEndpoint | undefined {
  return header.command === 'proxy' ? header.source : undefined;
}

function refused(reason: Extract<Identified, { kind: 'refused' }>['reason']): Identified {
  return { kind: 'refused', reason };
}
