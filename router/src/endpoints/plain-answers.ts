// The short answers of the front door itself: texts, redirects, nothing at all.
import type { Duplex } from 'node:stream';
import { headOf } from '../forwarding/tunnel.ts';
import { type Exchange, setOwn } from '../requests/exchange.ts';

export function answerPlain(exchange: Exchange, status: number, text: string): undefined {
  setOwn(exchange);
  exchange.response.writeHead(status, { 'Content-Type': 'text/plain' }).end(`${text}\n`);
}

export function answerEmpty(exchange: Exchange, status: number): undefined {
  setOwn(exchange);
  exchange.response.writeHead(status, { 'Content-Length': '0', 'Cache-Control': 'no-store' }).end();
}

export function answerText(exchange: Exchange, text: string): undefined {
  const { request, response, settings } = exchange;
  setOwn(exchange);
  response.writeHead(200, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'public, max-age=3600',
    'X-Content-Type-Options': 'nosniff',
    'X-authentik-version': settings.version,
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}

export function redirect(exchange: Exchange, status: number, location: string): undefined {
  setOwn(exchange);
  exchange.response.writeHead(status, { Location: location, 'Content-Length': '0' }).end();
}

/** To a request for another protocol, on its bare socket. */
export function refuseSwitch(socket: Duplex, status: number, text: string, requestId: string): void {
  socket.end(headOf(status, text, ['Connection', 'close', 'Content-Length', '0'], requestId));
}
