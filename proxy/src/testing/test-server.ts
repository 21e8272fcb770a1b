// A whole proxy on free ports: gateway, listeners, an upstream that tells what it saw, and a browser that is logged in. For
// cases that need bytes on sockets.
import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { ProxyProviderRow } from '@gatehouse/contract/rest';
import { createMetrics, type Metrics } from '@gatehouse/daemon/metrics';
import { createCidrSet } from '@gatehouse/daemon/net';
import { createCertificateStore, selfSignedCertificate } from '@gatehouse/daemon/tls';
import { createAccessLog } from '../access-log.ts';
import { createProxyMetrics } from '../metrics.ts';
import { listenProxy, type ProxyServer } from '../server.ts';
import { type Browser, type TestGateway, type TestOptions, testGateway } from './test-gateway.ts';

export interface TestServer extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly server: ProxyServer;
  readonly metrics: Metrics;
  /** What the access log wrote. */
  readonly accessLines: readonly Record<string, unknown>[];
  readonly port: number;
  readonly upstream: TestUpstream;
  /** Cookie header of somebody who has logged in. */
  login(): Promise<{ readonly cookie: string; readonly browser: Browser }>;
  get(path: string, headers?: Readonly<Record<string, string>>, options?: SendOptions): Promise<Got>;
}

export interface SendOptions {
  readonly method?: string;
  readonly body?: string | Buffer;
}

export interface Got {
  readonly status: number;
  readonly reason: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly trailers: IncomingMessage['trailers'];
  readonly body: Buffer;
}

export interface TestUpstream extends AsyncDisposable {
  readonly origin: string;
  readonly server: Server;
  readonly seen: Seen[];
  answer: (request: IncomingMessage, response: ServerResponse) => void;
}

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
}

export async function testServer(
  rows: readonly Partial<ProxyProviderRow>[] = [{}],
  options: TestOptions & { readonly http2?: boolean } = {},
): Promise<TestServer> {
  const upstream = await testUpstream();
  const gateway = await testGateway({
    ...options,
    rows: rows.map((row) => ({ internal_host: upstream.origin, ...row })),
  });
  const metrics = createMetrics();
  const accessLines: Record<string, unknown>[] = [];
  const server = await listenProxy(
    {
      gateway: gateway.engine.gateway,
      forwarding: gateway.engine.forwarding,
      balancer: gateway.engine.balancer,
      tunnels: gateway.engine.tunnels,
      accessLog: createAccessLog({
        write: (line) => accessLines.push(JSON.parse(line)),
        log: gateway.log,
        clock: gateway.clock,
        metrics: createProxyMetrics(metrics),
        outpostName: () => 'o',
        headers: ['User-Agent'],
      }),
      certificates: createCertificateStore(await selfSignedCertificate()),
      trusted: createCidrSet(['127.0.0.0/8']),
      log: gateway.log,
      clock: { monotonicMs: () => performance.now(), now: () => gateway.clock.now() },
      limits: { total: 1_000, perClient: 1_000 },
      headerMs: 5_000,
      idleMs: 5_000,
      http2: options.http2 ?? true,
    },
    { http: [{ host: '127.0.0.1', port: 0 }], https: [{ host: '127.0.0.1', port: 0 }] },
  );
  const port = server.bound.http[0]?.port ?? 0;
  return {
    gateway,
    server,
    metrics,
    accessLines,
    port,
    upstream,
    async login() {
      const browser = gateway.browser();
      await browser.login('/');
      return { browser, cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    },
    get: (path, headers, given) => send(port, path, headers, given),
    async [Symbol.asyncDispose]() {
      await server.close(0);
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** @param path as it shall be on the wire */
export async function send(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  { method = 'GET', body }: SendOptions = {},
): Promise<Got> {
  const call = httpRequest({
    host: '127.0.0.1',
    port,
    path,
    method,
    agent: false,
    headers: { Host: 'app.company', ...headers },
  });
  call.end(body);
  const [answer] = (await once(call, 'response')) as [IncomingMessage]; // the event's one argument
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(Buffer.from(part));
  return {
    status: answer.statusCode ?? 0,
    reason: answer.statusMessage ?? '',
    headers: answer.headers,
    rawHeaders: answer.rawHeaders,
    trailers: answer.trailers,
    body: Buffer.concat(parts),
  };
}

export async function testUpstream(): Promise<TestUpstream> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ maxHeaderSize: 1024 * 1024 }, (request, response) => {
    seen.push({ method: request.method ?? '', url: request.url ?? '', rawHeaders: request.rawHeaders });
    upstream.answer(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = server.address();
  const upstream: TestUpstream = {
    origin: `http://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}`,
    server,
    seen,
    answer: (_, response) => response.end('hello'),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return upstream;
}
