// Metrics and health over plain HTTP, on TCP addresses and the unix socket (core-contract §7, §1.8).

import { rm } from 'node:fs/promises';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Address, formatAddress } from '../config/options.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../log/index.ts';
import type { Metrics } from '../metrics/index.ts';
import type { Health } from './state.ts';

export interface HealthServerOptions {
  readonly health: Health;
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  readonly addresses: readonly Address[];
  readonly socketPath?: string;
  /** Pages for this machine alone: on the unix socket, never on an address. By path, each with its text. */
  readonly localPages?: Readonly<Record<string, () => string | Promise<string>>>;
  readonly log: Logger;
}

export interface HealthServer extends AsyncDisposable {
  readonly bound: readonly Address[];
}

const pingPath = '/outpost.goauthentik.io/ping';

/** `<TMPDIR>/authentik-metrics.sock`, with the instance's name in it where it has one. */
export function healthSocketPath(instanceName = ''): string {
  return join(tmpdir(), instanceName === '' ? 'authentik-metrics.sock' : `authentik-metrics-${instanceName}.sock`);
}

/** @throws GatewayError `ERR_NET_BIND`; a stale socket file is removed first */
export async function serveHealth(options: HealthServerOptions): Promise<HealthServer> {
  const { localPages = {} } = options;
  const answerLocal = (request: IncomingMessage, response: ServerResponse) => {
    const page = Object.hasOwn(localPages, request.url ?? '') ? localPages[request.url ?? ''] : undefined;
    if (page === undefined) return answer(request, response);
    Promise.resolve(page()).then(
      (text) => response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' }).end(text),
      (error: unknown) => response.destroy(error instanceof Error ? error : undefined),
    );
  };
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    respond(options, request, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    );
  };
  const servers: Server[] = [];
  const bound: Address[] = [];
  const closeAll = () =>
    Promise.all(
      servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      ),
    );
  try {
    if (options.socketPath !== undefined) {
      await rm(options.socketPath, { force: true });
      servers.push(await listen(createServer(answerLocal), { path: options.socketPath }, options.socketPath));
    }
    for (const address of options.addresses) {
      const server = await listen(createServer(answer), address, formatAddress(address));
      servers.push(server);
      const at = server.address();
      if (typeof at === 'object' && at !== null) bound.push({ host: address.host, port: at.port });
    }
  } catch (error) {
    await closeAll();
    throw error;
  }
  for (const address of bound) options.log.info('listening', { addr: formatAddress(address), component: 'metrics' });
  return {
    bound,
    async [Symbol.asyncDispose]() {
      await closeAll();
      if (options.socketPath !== undefined) await rm(options.socketPath, { force: true });
    },
  };
}

async function respond(
  { health, metrics }: HealthServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '').split('?')[0];
  if (path === pingPath || path === '/-/live') {
    response.writeHead(204).end();
  } else if (path === '/-/ready') {
    const status = health.status();
    response
      .writeHead(status.ready ? 200 : 503, { 'Content-Type': 'application/json' })
      .end(`${JSON.stringify(status)}\n`);
  } else if (path === '/metrics') {
    response.writeHead(200, { 'Content-Type': metrics.contentType }).end(await metrics.text());
  } else {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('404 page not found\n');
  }
}

function listen(server: Server, where: { path: string } | Address, shown: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const hint =
        cause.code === 'EADDRINUSE'
          ? 'Stop what uses it, or set AUTHENTIK_LISTEN__METRICS.'
          : 'Check the address and the rights on it.';
      reject(new GatewayError('ERR_NET_BIND', `Cannot listen on ${shown} (metrics): ${cause.code}.`, { hint, cause }));
    });
    server.listen(where, () => resolve(server));
  });
}

/** Probes the local instance through its socket (core-contract §1.8). @returns the exit code: 0 below status 400, else 1 */
export function healthcheck(socketPath: string, path = pingPath): Promise<number> {
  return new Promise((resolve) => {
    const headers = { 'User-Agent': 'goauthentik.io/healthcheck', Host: 'localhost' };
    const probe = httpRequest({ socketPath, path, method: 'HEAD', headers, timeout: 5_000 }, (response) => {
      response.resume();
      resolve((response.statusCode ?? 500) >= 400 ? 1 : 0);
    });
    probe.on('timeout', () => probe.destroy());
    probe.on('error', () => resolve(1));
    probe.end();
  });
}

/** A local page of the running instance, or `undefined` when nothing runs or it has no such page. */
export function readLocalPage(socketPath: string, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asked = httpRequest({ socketPath, path, headers: { Host: 'localhost' }, timeout: 5_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(response.statusCode === 200 ? text : undefined));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.end();
  });
}
