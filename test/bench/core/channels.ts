// How soon one committed change reaches a thousand control channels of a core (core.md §23.2), beside a bare websocket server
// that sends the same text to as many clients. The clients live in the measuring process, on both sides.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { instruction } from '@gatehouse/contract/control-channel';
import { WebSocket, WebSocketServer } from 'ws';
import { percentile, rounded, type Subject, startSubject, token } from './subject.ts';

const channels = 1_000;
const atATime = 50;
const rounds = 10;

export async function measureChannels() {
  await using core = await startSubject();
  const listeners = new Set<(text: string) => void>();
  const outpost = await outpostOf(core);
  const sockets = await openAll((nth) =>
    openChannel(core, `ws/outpost/${outpost}/?instance_uuid=bench-${nth}`, listeners),
  );
  const ours: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const change = () => core.call('POST', '/core/users/', { username: `told-${round}`, name: '' });
    ours.push(await timeToAll(listeners, change, (text) => text.includes('"delta"')));
  }
  for (const socket of sockets) socket.terminate();
  const reference = await bareServer(listeners);
  return {
    channels,
    median_ms: rounded(percentile(ours, 0.5)),
    worst_ms: rounded(Math.max(...ours)),
    bare_server_ms: rounded(percentile(reference, 0.5)),
    ratio: rounded(percentile(ours, 0.5) / percentile(reference, 0.5)),
  };
}

async function outpostOf(core: Subject): Promise<string> {
  const { results } = await core.call<{ results: { pk: string }[] }>('GET', '/outposts/instances/');
  return results[0]?.pk ?? '';
}

/** Resolves when the core has acknowledged that this one wants to know. */
export async function openChannel(
  core: Pick<Subject, 'url'>,
  path: string,
  listeners: ReadonlySet<(text: string) => void>,
): Promise<WebSocket> {
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`${core.url.replace('http', 'ws')}${path}`, { headers, perMessageDeflate: false });
  socket.on('message', (data) => {
    const text = String(data);
    for (const tell of listeners) tell(text);
  });
  await once(socket, 'open');
  socket.send(JSON.stringify({ instruction: instruction.hello, args: { ak_delta: 1 } }));
  await once(socket, 'message');
  return socket;
}

async function openAll(open: (nth: number) => Promise<WebSocket>): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  for (let at = 0; at < channels; at += atATime)
    sockets.push(...(await Promise.all(Array.from({ length: atATime }, (_, offset) => open(at + offset)))));
  return sockets;
}

/** @returns milliseconds from the call until all have heard */
async function timeToAll(
  listeners: Set<(text: string) => void>,
  begin: () => Promise<unknown>,
  isIt: (text: string) => boolean,
): Promise<number> {
  let heard = 0;
  const startedMs = performance.now();
  const all = new Promise<number>((resolve) => {
    const tell = (text: string) => {
      if (!isIt(text)) return;
      heard += 1;
      if (heard < channels) return;
      listeners.delete(tell);
      resolve(performance.now() - startedMs);
    };
    listeners.add(tell);
  });
  await begin();
  return all;
}

/** The least a server can do: one frame for each of its clients. */
async function bareServer(listeners: Set<(text: string) => void>): Promise<number[]> {
  const server = createServer().listen(0, '127.0.0.1');
  const bare = new WebSocketServer({ server, perMessageDeflate: false });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server's address
  const sockets = await openAll(async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
    socket.on('message', (data) => {
      const text = String(data);
      for (const tell of listeners) tell(text);
    });
    await once(socket, 'open');
    return socket;
  });
  const took: number[] = [];
  for (let round = 0; round < rounds; round += 1)
    took.push(
      await timeToAll(
        listeners,
        async () => {
          for (const client of bare.clients) client.send('{"told":1}');
        },
        (text) => text.includes('told'),
      ),
    );
  for (const socket of sockets) socket.terminate();
  bare.close();
  server.close();
  return took;
}
