// The seam for the embedded proxy outpost (router.md §6 rules 13b and 13c): asked before the routing table, for every host.
// Implemented by the proxy's own code when the outpost is enabled; called by the front door.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';
import type { ReadyResponse } from '@gatehouse/proxy/ready-response';
import type { Client } from '../forwarding/forwarded.ts';

/** What the front door knows of a request. */
export interface Asked {
  readonly client: Client;
  readonly id: string;
  /** What every answer carries, names and values alternating. */
  readonly own: readonly string[];
}

export interface ApplicationHandler {
  /**
   * Whether this request is for an application. Static assets and stored files are never asked about.
   * @param target path and query as received; a proxied application sees them unchanged
   */
  claims(client: Client, target: string): boolean;
  /** Answers, and writes the access line: who is logged in is known there. */
  handle(request: IncomingMessage, response: ReadyResponse, asked: Asked): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, asked: Asked): void;
  /** Certificate of the application of this name, where it has one (router.md §5.2). */
  certificate?(serverName: string): SecureContext | undefined;
}
