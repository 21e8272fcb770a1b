// The control channel against a websocket server, with a clock that stands until it is turned.
import { createCoreClient } from '@gatehouse/contract/client';
import { Secret } from '@gatehouse/daemon/config';
import { captureLogger, fakeClock } from '@gatehouse/daemon/testing';
import { afterEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { runControlChannel } from './channel.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function start(refusals = 0) {
  let refused = 0;
  const verifyClient = () => ++refused > refusals;
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', verifyClient });
  await new Promise((listening) => server.once('listening', listening));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const heard: { readonly instruction: number }[] = [];
  const ended: string[] = [];
  const connected: boolean[] = [];
  const lost: string[] = [];
  server.on('connection', (socket) => socket.on('message', (data) => heard.push(JSON.parse(String(data)))));
  const clock = fakeClock();
  const ending = new AbortController();
  const client = createCoreClient({
    host: `http://127.0.0.1:${port}/`,
    token: new Secret('token'),
    insecure: false,
    userAgent: 'test',
  });
  const finished = runControlChannel({
    client,
    outpostPk: '8f0e2f0a-0000-4000-8000-000000000001',
    instanceUuid: '8f0e2f0a-0000-4000-8000-000000000002',
    buildHash: '',
    log: captureLogger(),
    clock,
    signal: ending.signal,
    onConnected: (wasAway) => connected.push(wasAway),
    onDisconnected: (reason) => lost.push(reason),
    onTriggerUpdate: () => undefined,
    onSessionEnd: (id) => ended.push(id),
  });
  ends.push(async () => {
    ending.abort();
    await finished;
    await client.close();
    for (const socket of server.clients) socket.terminate();
    await new Promise((closed) => server.close(closed));
  });
  return { server, heard, ended, connected, lost, clock };
}

const hellos = (heard: readonly { readonly instruction: number }[]) =>
  heard.filter(({ instruction }) => instruction === 1).length;

test('core-contract 14: HELLO at once and every ten seconds', async () => {
  const { heard, clock } = await start();
  await expect.poll(() => hellos(heard)).toBe(1);
  for (const count of [2, 3, 4]) {
    await clock.advance(9_999);
    await clock.advance(1);
    await expect.poll(() => hellos(heard)).toBe(count);
  }
});

test('core-contract 22: what is no session end ends none', async () => {
  const { server, heard, ended } = await start();
  await expect.poll(() => hellos(heard)).toBe(1);
  const [socket] = server.clients;
  for (const args of [{}, { session_id: 7 }, { session_id: 'f00' }])
    socket?.send(JSON.stringify({ instruction: 4, args }));
  await expect.poll(() => ended).toEqual(['f00']);
});

test('what was said before a channel that was refused at first is asked for', async () => {
  const { connected, lost, clock } = await start(1);
  await expect.poll(() => lost.length).toBe(1);
  await clock.advance(2_000);
  await expect.poll(() => connected).toEqual([true]);
});

test('B20: a channel that opens at once asks for nothing again', async () => {
  const { connected } = await start();
  await expect.poll(() => connected).toEqual([false]);
});
