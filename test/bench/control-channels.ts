// How soon one committed change reaches a thousand control channels of a core (core.md §23.2), beside a bare websocket server
// that sends the same text to as many clients.
// Run: npx tsc -b && npx tsx --conditions source test/bench/control-channels.ts [channels]; prints one JSON document.
import { createServer } from 'node:http';
import { cpus } from 'node:os';
import { instruction } from '@gatehouse/contract/control-channel';
import { startTestCore } from '@gatehouse/core/testing';
import { WebSocket, WebSocketServer } from 'ws';

const channels = Number(process.argv[2] ?? 1_000);
const rounds = 10;

await using core = await startTestCore();
const token = await core.outpostToken('ldap');
const { results } = await core.call<{ results: { pk: string; type: string }[] }>('GET', '/outposts/instances/');
const outpost = results.find(({ type }) => type === 'ldap')?.pk;
const listeners = new Set<(text: string) => void>();

const open = (url: string, hello: string | undefined) =>
  new Promise<WebSocket>((resolve, reject) => {
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` }, perMessageDeflate: false });
    socket.on('error', reject);
    socket.on('message', (data) => {
      const text = String(data);
      if (hello !== undefined && JSON.parse(text).instruction === instruction.ack) resolve(socket);
      for (const tell of listeners) tell(text);
    });
    socket.on('open', () => (hello === undefined ? resolve(socket) : socket.send(hello)));
  });

/** Resolves with the time from the call until all have heard. */
async function timeToAll(begin: () => Promise<unknown>, isIt: (text: string) => boolean): Promise<number> {
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

const hello = JSON.stringify({ instruction: instruction.hello, args: { ak_delta: 1 } });
const base = core.url.replace('http', 'ws');
const sockets: WebSocket[] = [];
for (let at = 0; at < channels; at += 50)
  sockets.push(
    ...(await Promise.all(
      Array.from({ length: Math.min(50, channels - at) }, (_, offset) =>
        open(`${base}ws/outpost/${outpost}/?instance_uuid=bench-${at + offset}`, hello),
      ),
    )),
  );
const ours: number[] = [];
for (let round = 0; round < rounds; round += 1)
  ours.push(
    await timeToAll(
      () => core.call('POST', '/core/users/', { username: `told-${round}`, name: '' }),
      (text) => JSON.parse(text).instruction === instruction.providerSpecific,
    ),
  );
for (const socket of sockets.splice(0)) socket.terminate();

const server = createServer().listen(0, '127.0.0.1');
const bare = new WebSocketServer({ server, perMessageDeflate: false });
await new Promise((listening) => bare.once('listening', listening));
const address = bare.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;
for (let at = 0; at < channels; at += 50)
  sockets.push(
    ...(await Promise.all(
      Array.from({ length: Math.min(50, channels - at) }, () => open(`ws://127.0.0.1:${port}/`, undefined)),
    )),
  );
const reference: number[] = [];
for (let round = 0; round < rounds; round += 1)
  reference.push(
    await timeToAll(
      async () => {
        for (const client of bare.clients) client.send('{"told":1}');
      },
      (text) => text.includes('told'),
    ),
  );
for (const socket of sockets) socket.terminate();
bare.close();
server.close();

const median = (values: readonly number[]) => values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0;
console.log(
  JSON.stringify(
    {
      date: new Date().toISOString().slice(0, 10),
      machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
      node: process.version,
      channels,
      rounds,
      medianMs: Math.round(median(ours)),
      worstMs: Math.round(Math.max(...ours)),
      gatheredForMs: 50,
      bareServerMs: Math.round(median(reference)),
      ratio: Number((median(ours) / median(reference)).toFixed(1)),
    },
    null,
    2,
  ),
);
