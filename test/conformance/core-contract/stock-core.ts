// A core as an outpost sees one, and nothing more: the lists of core-contract §3, key pairs, and the control channel, each
// answer settable, each call kept. Unlike ours it says exactly what a test tells it, on the wire and in that order.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { until } from '../../harness/index.ts';

export interface StockCall {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
}

export interface StockChannel {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** What the outpost has said, parsed. */
  readonly heard: { readonly instruction: number; readonly args: Record<string, unknown> }[];
  /** Close code, once closed. */
  readonly closed: Promise<number>;
  say(message: unknown): void;
  close(): void;
}

export interface StockCore extends AsyncDisposable {
  readonly url: string;
  readonly outpost: Record<string, unknown> & { readonly pk: string };
  /** Rows of the provider list; replaced as a whole. */
  providers: Record<string, unknown>[];
  readonly keyPairs: Map<string, { readonly fingerprint: string; readonly cert: string; readonly key: string }>;
  readonly calls: readonly StockCall[];
  readonly channels: readonly StockChannel[];
  /** Calls whose path has this part. */
  asked(part: string): readonly StockCall[];
  /** The channel opened as the `nth`, once it is there. */
  channel(nth?: number): Promise<StockChannel>;
  /** Paths with this part answer so until the returned function is called. */
  answer(part: string, status: number, body?: unknown): () => void;
}

export interface StockCoreOptions {
  readonly type: 'ldap' | 'radius' | 'proxy';
  readonly providers: Record<string, unknown>[];
  /** Path of the core, with slashes at both ends. */
  readonly prefix?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
}

interface State {
  readonly options: StockCoreOptions;
  readonly prefix: string;
  readonly outpost: StockCore['outpost'];
  readonly keyPairs: StockCore['keyPairs'];
  readonly calls: StockCall[];
  readonly channels: StockChannel[];
  readonly rules: Set<{ readonly part: string; readonly status: number; readonly body: unknown }>;
  providers: Record<string, unknown>[];
}

export async function startStockCore(options: StockCoreOptions): Promise<StockCore> {
  const state: State = {
    options,
    prefix: options.prefix ?? '/',
    outpost: { pk: randomUUID(), name: 'edge', type: options.type, refresh_interval_s: 300, managed: null, config: {} },
    keyPairs: new Map(),
    calls: [],
    channels: [],
    rules: new Set(),
    providers: options.providers,
  };
  const respond = (request: IncomingMessage, response: ServerResponse) => answerCall(state, request, response);
  const server = options.tls === undefined ? createServer(respond) : createTlsServer(options.tls, respond);
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    sockets.handleUpgrade(request, socket, head, (client) => state.channels.push(channelOf(state, request, client))),
  );
  const port = await listen(server);
  return Object.assign(state, {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}${state.prefix}`,
    asked: (part: string) => state.calls.filter(({ path }) => path.includes(part)),
    channel: (nth = 0) => until(() => state.channels[nth], 20_000),
    answer(part: string, status: number, body: unknown = { detail: 'spoilt' }) {
      const rule = { part, status, body };
      state.rules.add(rule);
      return () => void state.rules.delete(rule);
    },
    async [Symbol.asyncDispose]() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  });
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function answerCall(state: State, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://core');
  request.resume();
  state.calls.push({ path: url.pathname, query: url.searchParams, headers: request.headers });
  const rule = [...state.rules].find(({ part }) => url.pathname.includes(part));
  const answer = rule ?? plainAnswer(state, url);
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
}

function plainAnswer(state: State, url: URL): { readonly status: number; readonly body: unknown } {
  const api = `${state.prefix}api/v3`;
  if (!url.pathname.startsWith(`${api}/`)) return { status: 404, body: { detail: 'Not found.' } };
  const path = url.pathname.slice(api.length);
  if (path === '/root/config/') return { status: 200, body: { cache_timeout_flows: 300 } };
  if (path === '/outposts/instances/') return page([state.outpost], url);
  if (path === `/outposts/${state.options.type}/`) return page(state.providers, url);
  if (path === '/core/users/' || path === '/core/groups/') return page([], url);
  const [, id, what] = /^\/crypto\/certificatekeypairs\/([^/]+)\/(\w*)/.exec(path) ?? [];
  const pair = state.keyPairs.get(id ?? '');
  if (pair === undefined) return { status: 404, body: { detail: 'Not found.' } };
  if (what === 'view_certificate') return { status: 200, body: { data: pair.cert } };
  if (what === 'view_private_key') return { status: 200, body: { data: pair.key } };
  return { status: 200, body: { pk: id, name: 'pair', fingerprint_sha256: pair.fingerprint } };
}

function page(rows: readonly unknown[], url: URL): { readonly status: number; readonly body: unknown } {
  const number = Number(url.searchParams.get('page') ?? 1);
  const size = Math.min(100, Number(url.searchParams.get('page_size') ?? 20));
  const end = number * size;
  const pagination = { next: end < rows.length ? number + 1 : 0, previous: number - 1, count: rows.length };
  return { status: 200, body: { pagination, results: rows.slice(end - size, end), autocomplete: {} } };
}

function channelOf(state: State, request: IncomingMessage, client: WebSocket): StockChannel {
  const url = new URL(request.url ?? '/', 'http://core');
  const heard: { instruction: number; args: Record<string, unknown> }[] = [];
  client.on('message', (data) => heard.push(JSON.parse(String(data))));
  return {
    path: url.pathname.slice(state.prefix.length - 1),
    query: url.searchParams,
    headers: request.headers,
    heard,
    closed: new Promise((done) => client.once('close', done)),
    say: (message) => client.send(typeof message === 'string' ? message : JSON.stringify(message)),
    close: () => client.close(1001),
  };
}
