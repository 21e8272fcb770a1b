// The websocket to outposts (core-contract §5): upgrade with the service account's token, an acknowledgement for each
// message, the state of the instance, and what is pushed.
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { decodeMessage, deltaSupport, encodeMessage, instruction } from '@gatehouse/contract/control-channel';
import { type WebSocket, WebSocketServer } from 'ws';
import { principalOfToken } from '../api/authentication.ts';
import type { CoreDeps } from '../deps.ts';
import { may } from '../identity/permissions.ts';
import { reportInstance } from './instances.ts';

const path = /^\/ws\/outpost\/([0-9a-f-]{36})\/$/;
const messageLimit = 65_536;
const silenceLimitMs = 60_000;

export interface ControlChannelServer {
  close(): Promise<void>;
}

export function serveControlChannel(deps: CoreDeps, server: Server): ControlChannelServer {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: messageLimit });
  server.on('upgrade', (request, socket, head) => {
    upgrade(deps, sockets, request, socket, head).catch((error: unknown) => {
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

async function upgrade(
  deps: CoreDeps,
  sockets: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on('error', () => socket.destroy());
  const url = new URL(request.url ?? '/', 'http://localhost');
  const outpost = path.exec(url.pathname)?.[1];
  if (outpost === undefined) return refuse(socket, 404);
  if (!(await isAllowed(deps, request, outpost))) return refuse(socket, 403);
  const uid = url.searchParams.get('instance_uuid') ?? '';
  if (uid === '' || uid.length > 64) return refuse(socket, 400);
  sockets.handleUpgrade(request, socket, head, (client) => attach(deps, client, outpost, uid));
}

async function isAllowed(deps: CoreDeps, request: IncomingMessage, outpost: string): Promise<boolean> {
  const bearer = /^Bearer +(\S.*)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer === undefined) return false;
  const principal = await principalOfToken(deps, bearer).catch(() => undefined);
  return principal !== undefined && may(principal, 'authentik_outposts.view_outpost', outpost);
}

function attach(deps: CoreDeps, client: WebSocket, outpost: string, uid: string): void {
  const instance = deps.channels.connect(outpost, (text) => client.send(text));
  let args: Record<string, unknown> = {};
  let silence = setTimeout(() => client.terminate(), silenceLimitMs);
  client.on('message', (data, isBinary) => {
    clearTimeout(silence);
    silence = setTimeout(() => client.terminate(), silenceLimitMs);
    const message = isBinary ? undefined : decodeMessage(String(data));
    if (message === undefined || message.instruction === instruction.ack) return;
    if (message.instruction === instruction.hello) {
      args = { ...args, ...message.args };
      if (args['ak_delta'] === deltaSupport.ak_delta) instance.wantsDeltas();
    }
    client.send(encodeMessage({ instruction: instruction.ack, args: {} }));
    reportInstance(deps, { outpost, uid, args }).catch((error: unknown) =>
      deps.log.warn('instance not recorded', { error: error instanceof Error ? error.message : String(error) }),
    );
  });
  client.on('close', () => {
    clearTimeout(silence);
    instance.detach();
  });
  client.on('error', () => client.terminate());
}

const phrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  503: 'Service Unavailable',
};

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${phrases[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
