// A gate in front of a core that lets calls through, counts them, and spoils those it is told to: the faults of a core and of
// the way to it, one at a time. Websockets pass untouched.
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';

export type Fault =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang' }
  /** Cuts the connection instead of answering. */
  | { readonly kind: 'cut' }
  /** 200 with something that is no JSON. */
  | { readonly kind: 'garbage' }
  /** 200 with a JSON value of the wrong shape. */
  | { readonly kind: 'nonsense' };

export interface SeenCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

export interface Gate extends AsyncDisposable {
  readonly url: string;
  readonly calls: SeenCall[];
  /** Spoils calls whose `METHOD path` matches, from the `skip`th on, until the returned function is called. */
  spoil(matching: RegExp, fault: Fault, skip?: number): () => void;
}

export async function startGate(coreUrl: string): Promise<Gate> {
  const target = new URL(coreUrl);
  const calls: SeenCall[] = [];
  const rules = new Set<{ readonly matching: RegExp; readonly fault: Fault; skip: number }>();
  const open = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    const call = { method: incoming.method ?? '', path: incoming.url ?? '', headers: incoming.headers };
    calls.push(call);
    const rule = [...rules].find(({ matching }) => matching.test(`${call.method} ${call.path}`));
    if (rule === undefined || rule.skip > 0) {
      if (rule !== undefined) rule.skip -= 1;
      pass(target, incoming, outgoing);
    } else spoilCall(rule.fault, incoming, outgoing);
  });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  server.on('upgrade', (incoming, socket: Socket, head) => {
    const upstream = connect(Number(target.port), target.hostname, () => {
      const headers = Object.entries(incoming.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
      upstream.write(`GET ${incoming.url} HTTP/1.1\r\n${headers.join('')}\r\n`);
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    upstream.on('close', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
    socket.on('close', () => upstream.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    calls,
    spoil(matching, fault, skip = 0) {
      const rule = { matching, fault, skip };
      rules.add(rule);
      return () => void rules.delete(rule);
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

function pass(target: URL, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { method, url: path, headers } = incoming;
  const upstream = forward({ host: target.hostname, port: target.port, method, path, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(outgoing);
  });
  upstream.on('error', () => outgoing.destroy());
  incoming.pipe(upstream);
}

function spoilCall(fault: Fault, incoming: IncomingMessage, outgoing: ServerResponse): void {
  switch (fault.kind) {
    case 'status':
      outgoing
        .writeHead(fault.status, { 'Content-Type': 'application/json', ...fault.headers })
        .end(fault.body ?? '{"detail":"spoilt"}');
      break;
    case 'hang':
      break;
    case 'cut':
      incoming.socket.destroy();
      break;
    case 'garbage':
      outgoing.writeHead(200, { 'Content-Type': 'application/json' }).end('<html>not what you asked for');
      break;
    case 'nonsense':
      outgoing.writeHead(200, { 'Content-Type': 'application/json' }).end('{"component":42}');
      break;
  }
}
