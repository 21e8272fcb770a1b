// Protocol switches (router.md §12): the handshake is a parsed request to the core, and only after its 101 do bytes run
// both ways unread. Any other answer is passed on and the connection closed: nobody gets a raw line to the core.
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createFrameBoundary, restartFrame } from './close-frame.ts';
import type { CoreTarget } from './core-connection.ts';
import { hopByHop } from './forwarded.ts';

export interface TunnelOptions {
  readonly target: CoreTarget;
  /** Alternating names and values, ready for the core but for the upgrade itself. */
  readonly headers: readonly string[];
  readonly requestId: string;
  readonly answerTimeoutMs: number;
  /** Gets what ends the tunnel from our side, once it stands. */
  readonly onSwitched: (end: () => void) => void;
}

/** Resolves when the connection is over. After `failed` nothing has been written to the client. */
export type Tunnelled =
  | { readonly kind: 'switched' }
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'client-gone' }
  | { readonly kind: 'failed'; readonly cause: Error };

const keepAliveMs = 30_000;

export function tunnel(
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
  options: TunnelOptions,
): Promise<Tunnelled> {
  return new Promise((resolve) => {
    const asked = ask(request, options);
    const gone = () => {
      asked.destroy();
      resolve({ kind: 'client-gone' });
    };
    client.once('close', gone).on('error', () => client.destroy());
    asked.once('error', (cause) => resolve({ kind: 'failed', cause }));
    asked.once('upgrade', (answer: IncomingMessage, core: Duplex, early: Buffer) => {
      client.off('close', gone);
      const upgrade = ['Connection', 'Upgrade', 'Upgrade', answer.headers.upgrade ?? ''];
      client.write(headOf(101, 'Switching Protocols', [...passable(answer.rawHeaders), ...upgrade], options.requestId));
      const boundary = createFrameBoundary();
      const isWebSocket = answer.headers.upgrade?.toLowerCase() === 'websocket';
      if (isWebSocket) core.on('data', (chunk: Buffer) => boundary.see(chunk));
      if (isWebSocket) boundary.see(early);
      splice(client, core, head, early, () => resolve({ kind: 'switched' }));
      options.onSwitched(() => {
        core.unpipe(client);
        if (isWebSocket && boundary.isBetween()) client.write(restartFrame);
        endSoon(client);
        core.destroy();
      });
    });
    asked.once('response', (answer: IncomingMessage) => {
      client.off('close', gone);
      const status = answer.statusCode ?? 502;
      const headers = [...passable(answer.rawHeaders), 'Connection', 'close'];
      client.write(headOf(status, answer.statusMessage ?? '', headers, options.requestId));
      client.once('close', () => resolve({ kind: 'answered', status }));
      answer.pipe(client);
    });
    asked.end();
  });
}

function ask(request: IncomingMessage, { target, headers, answerTimeoutMs }: TunnelOptions): ClientRequest {
  const where = target.kind === 'unix' ? { socketPath: target.path } : { host: target.host, port: target.port };
  const asked = httpRequest({
    ...where,
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers: [...headers, 'Connection', 'Upgrade', 'Upgrade', request.headers.upgrade ?? ''],
    agent: false,
    timeout: answerTimeoutMs,
  });
  asked.once('timeout', () => asked.destroy(new Error('the core did not answer the upgrade in time')));
  return asked;
}

/** Both directions until either side closes; a half-close is passed on. */
function splice(client: Duplex, core: Duplex, head: Buffer, early: Buffer, ended: () => void): void {
  for (const side of [client, core]) {
    if (!(side instanceof Socket)) continue;
    side.setTimeout(0);
    side.setKeepAlive(true, keepAliveMs);
    side.setNoDelay(true);
  }
  if (early.length > 0) client.write(early);
  if (head.length > 0) core.write(head);
  core.on('error', () => core.destroy());
  client.pipe(core);
  core.pipe(client);
  client.once('close', () => {
    core.destroy();
    ended();
  });
  core.once('close', () => endSoon(client));
}

/** After what is still to be written; nobody reads from this side any more, so its own end would never be seen. */
function endSoon(side: Duplex): void {
  if (side instanceof Socket) side.destroySoon();
  else side.end(() => side.destroy());
}

function passable(raw: readonly string[]): string[] {
  const dropped = hopByHop(raw);
  return raw.flatMap((name, at) => {
    const isName = at % 2 === 0;
    const keep = isName && !dropped.has(name.toLowerCase()) && name.toLowerCase() !== 'server';
    return keep ? [name, raw[at + 1] ?? ''] : [];
  });
}

/** A response head; header values come from a parser that refused line breaks. */
export function headOf(status: number, text: string, headers: readonly string[], requestId: string): string {
  const lines = headers.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${headers[at + 1] ?? ''}`] : []));
  return `HTTP/1.1 ${status} ${text}\r\n${lines.join('\r\n')}\r\nX-Powered-By: authentik\r\nX-authentik-id: ${requestId}\r\n\r\n`;
}
