// An application behind our proxy outpost, or behind nginx that asks the outpost: static files, a WebSocket, server-sent
// events. It knows nothing of logins; what its page sees of its two streams is written into the page.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { freePort, type RunningDaemon, startDaemon, until } from '../../harness/index.ts';
import { reverseProxies, startReverseProxy } from '../../interop/reverse-proxies/servers.ts';
import type { Site } from './site.ts';

export interface ProtectedSite extends AsyncDisposable {
  /** As a browser calls it, without a slash at the end. */
  readonly url: string;
  readonly proxy: RunningDaemon;
  /** Headers of the last request that reached the application. */
  readonly seen: () => IncomingMessage['headers'];
}

const tickMs = 50;
const page = `<!doctype html><html lang="en"><title>Notice board</title>
<h1>Notice board</h1><p>Hello <b id="user"></b></p>
<p>Socket: <output id="socket">closed</output>, <output id="said"></output></p>
<p>Events: <output id="events">0</output></p>
<a href="/outpost.goauthentik.io/sign_out">Sign out</a>
<script src="/board.js"></script></html>`;
const script = `
const show = (id, text) => { document.getElementById(id).textContent = text; };
fetch('/who').then((answer) => answer.text()).then((name) => show('user', name));
const socket = new WebSocket(location.origin.replace('http', 'ws') + '/socket');
socket.onopen = () => { show('socket', 'open'); socket.send('ping'); };
socket.onmessage = ({ data }) => show('said', data);
socket.onclose = () => { show('socket', 'closed'); window.closedAt = Date.now(); };
const events = new EventSource('/events');
events.onmessage = ({ data }) => show('events', data);
`;

export type Front = 'proxy' | 'nginx' | 'caddy' | 'haproxy';

/** The demo's proxy provider in front of a new application: by itself, or asked by a server with the printed recipe. */
export async function startProtectedSite(site: Site, by: Front = 'proxy'): Promise<ProtectedSite> {
  let seen: IncomingMessage['headers'] = {};
  const application = createServer((request, response) => {
    seen = request.headers;
    answer(request, response);
  });
  const sockets = new WebSocketServer({ server: application, path: '/socket' });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`pong to ${String(data)}`)));
  await once(application.listen(0, '127.0.0.1'), 'listening');
  const { port: applicationPort } = application.address() as AddressInfo; // listens on TCP
  const port = await freePort();
  const url = `http://board.localhost:${port}`;
  const { results } = await site.core.call<{ results: { pk: number; name: string }[] }>('GET', '/providers/proxy/');
  const provider = results.find(({ name }) => name === 'Notice board');
  await site.core.call('PATCH', `/providers/proxy/${provider?.pk}/`, {
    mode: by === 'proxy' ? 'proxy' : 'forward_single',
    external_host: url,
    internal_host: by === 'proxy' ? `http://127.0.0.1:${applicationPort}` : '',
  });
  const outpostPort = by === 'proxy' ? port : await freePort();
  const proxy = await startDaemon('proxy', {
    env: {
      AUTHENTIK_HOST: site.core.url,
      AUTHENTIK_HOST_BROWSER: site.url,
      AUTHENTIK_TOKEN: await site.core.outpostToken('proxy'),
      AUTHENTIK_LISTEN__HTTP: `127.0.0.1:${outpostPort}`,
    },
  });
  const { host, port: metricsPort } = proxy.bound('metrics');
  await until(async () => (await fetch(`http://${host}:${metricsPort}/-/ready`)).ok);
  const front =
    by === 'proxy' ? undefined : await startFront(by, { port, outpost: outpostPort, application: applicationPort });
  return {
    url,
    proxy,
    seen: () => seen,
    async [Symbol.asyncDispose]() {
      await front?.[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      sockets.close();
      application.closeAllConnections();
      application.close();
    },
  };
}

interface ProviderRow {
  readonly pk: number;
  readonly name: string;
  readonly authorization_flow: string;
  readonly invalidation_flow: string;
  readonly internal_host: string;
}

/** Another application at the same outpost, in front of the same server. @returns its URL, without a slash at the end */
export async function addApplication({ core }: Site, board: ProtectedSite, name: string): Promise<string> {
  const url = `http://${name}.localhost:${new URL(board.url).port}`;
  const rows = async <Row>(path: string) => (await core.call<{ results: Row[] }>('GET', path)).results;
  const first = (await rows<ProviderRow>('/providers/proxy/')).find((row) => row.name === 'Notice board');
  if (first === undefined) throw new Error('the notice board has no provider');
  const { authorization_flow, invalidation_flow, internal_host } = first;
  const provider = { name, mode: 'proxy', external_host: url, authorization_flow, invalidation_flow, internal_host };
  const { pk } = await core.call<{ pk: number }>('POST', '/providers/proxy/', provider);
  await core.call('POST', '/core/applications/', { name, slug: name, provider: pk });
  const outposts = await rows<{ pk: string; providers: number[] }>('/outposts/instances/');
  const outpost = outposts.find(({ providers }) => providers.includes(first.pk));
  await core.call('PATCH', `/outposts/instances/${outpost?.pk}/`, { providers: [first.pk, pk] });
  const probe = `http://127.0.0.1:${board.proxy.bound('http').port}/outpost.goauthentik.io/userinfo`;
  const headers = { 'X-Forwarded-Host': new URL(url).host };
  await until(async () => (await (await fetch(probe, { headers })).text()).includes(url));
  return url;
}

function startFront(
  by: Front,
  { port, outpost, application }: { readonly port: number; readonly outpost: number; readonly application: number },
): Promise<AsyncDisposable> {
  const kind = reverseProxies.find(({ name }) => name === by);
  if (kind === undefined) throw new Error(`there is no recipe for ${by}`);
  const at = (where: number) => `127.0.0.1:${where}`;
  const publicHost = `board.localhost:${port}`;
  const places = { publicHost, listen: at(port), outpost: at(outpost), application: at(application), cookieName: '' };
  return startReverseProxy(kind, places, port);
}

function answer({ url, headers }: IncomingMessage, response: ServerResponse): void {
  if (url === '/board.js') response.setHeader('Content-Type', 'text/javascript').end(script);
  else if (url === '/who') response.end(String(headers['x-authentik-username'] ?? 'nobody'));
  else if (url === '/events') stream(response);
  else response.setHeader('Content-Type', 'text/html; charset=utf-8').end(page);
}

function stream(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  let count = 0;
  const timer = setInterval(() => {
    count += 1;
    response.write(`data: ${count}\n\n`);
  }, tickMs);
  response.on('close', () => clearInterval(timer));
}
