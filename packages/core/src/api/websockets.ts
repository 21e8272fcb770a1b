// Websockets of the core: one upgrade handler, which finds the endpoint of a path and lets it say who may come in.
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { CoreDeps } from '../deps.ts';
import { withoutWebPath } from './web-path.ts';

export type { WebSocket } from 'ws';

/** Status of a refusal, or what is done with the open socket. */
export type Admission = keyof typeof phrases | ((client: WebSocket) => void);

export interface WebsocketEndpoint {
  readonly path: RegExp;
  /** @param part what the first group of `path` matched */
  admit(request: IncomingMessage, url: URL, part: string): Promise<Admission>;
}

export interface WebsocketServer {
  close(): Promise<void>;
}

const messageLimit = 65_536;

export function serveWebsockets(
  deps: CoreDeps,
  server: Server,
  endpoints: readonly WebsocketEndpoint[],
): WebsocketServer {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: messageLimit });
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    socket.on('error', () => socket.destroy());
    const url = new URL(withoutWebPath(request.url ?? '/', deps.webPath), 'http://localhost');
    const endpoint = endpoints.find(({ path }) => path.test(url.pathname));
    const part = endpoint?.path.exec(url.pathname)?.[1] ?? '';
    const admission = endpoint === undefined ? 404 : await endpoint.admit(request, url, part);
    if (typeof admission === 'number') refuse(socket, admission);
    else sockets.handleUpgrade(request, socket, head, admission);
  };
  server.on('upgrade', (request, socket, head) => {
    upgrade(request, socket, head).catch((error: unknown) => {
      deps.log.warn('upgrade failed', { error: error instanceof Error ? error.message : String(error) });
      refuse(socket, 503);
    });
  });
  return {
    async close() {
      for (const client of sockets.clients) client.close(1001);
      await new Promise<void>((done) => sockets.close(() => done()));
    },
  };
}

const phrases = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  503: 'Service Unavailable',
} as const;

function refuse(socket: Duplex, status: keyof typeof phrases): void {
  socket.end(`HTTP/1.1 ${status} ${phrases[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
