// A plain HTTP server in the place of the core, for tests of the router: records what reaches it, answers as told, speaks
// WebSocket as an echo.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { WebSocketServer } from 'ws';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface PlainCore extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly seen: SeenRequest[];
  /** Status of the live view. */
  live: number;
  /** Rows of the brand list, which the router itself asks for. */
  brands: readonly object[];
  /** Replaces the standard answer, 200 and JSON. */
  answer: Answer | undefined;
  /** Ends every connection, and refuses new ones until `listen`. */
  die(): Promise<void>;
}

export async function startPlainCore(): Promise<PlainCore> {
  const seen: SeenRequest[] = [];
  const core: Pick<PlainCore, 'live' | 'answer' | 'brands'> = { live: 200, answer: undefined, brands: [] };
  const server = createServer({ maxHeaderSize: 262_144 }, (request, response) => {
    if (request.url?.endsWith('/-/health/live/') === true) return void response.writeHead(core.live).end();
    if (request.url?.includes('/api/v3/core/brands/') === true) return void answerBrands(response, core.brands);
    if (core.answer !== undefined) return core.answer(request, response);
    record(request, seen).then(
      () => {
        response.setHeader('Server', 'plain');
        response.setHeader('Set-Cookie', ['a=1', 'b=2']);
        response.end('{"from":"core"}\n');
      },
      () => response.destroy(), // the client left in the middle of its body
    );
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const die = async () => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return Object.assign(core, {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    die,
    [Symbol.asyncDispose]: die,
  });
}

function answerBrands(response: ServerResponse, results: readonly object[]): void {
  const body = { pagination: { next: 0, count: results.length }, results };
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

async function record(request: IncomingMessage, seen: SeenRequest[]): Promise<void> {
  const { method = '', url = '', headers, rawHeaders } = request;
  seen.push({ method, url, headers, rawHeaders, body: await text(request) });
}
