// The seam for the embedded proxy outpost (router.md §6 rules 13b and 13c): asked before the routing table, for every host.
// Implemented by the proxy's own code when the outpost is enabled; called by the front door.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Client } from '../forwarding/forwarded.ts';

export interface ApplicationHandler {
  /**
   * Whether this request is for an application. Static assets and stored files are never asked about.
   * @param target path and query as received; a proxied application sees them unchanged
   */
  claims(client: Client, target: string): boolean;
  handle(request: IncomingMessage, response: ServerResponse, client: Client): Promise<void>;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, client: Client): Promise<void>;
}
