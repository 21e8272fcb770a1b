// A whole answer or a rejection, whatever happens to the call, and nothing left behind.
import { getEventListeners, once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { coreAddress } from './base-url.ts';
import { createExchange, type Exchange, type RawCall } from './exchange.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A core that answers so. */
async function start(
  answer: (response: ServerResponse) => void,
  limits = {},
): Promise<{ exchange: Exchange; server: Server }> {
  const server = createServer((_, response) => {
    response.on('error', () => undefined);
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const exchange = createExchange(coreAddress(`http://127.0.0.1:${port}/`), { insecure: false, ...limits });
  ends.push(async () => {
    server.closeAllConnections();
    server.close();
    await exchange.close();
  });
  return { exchange, server };
}

const call: RawCall = { method: 'GET', target: '/', headers: { accept: 'application/json' } };

test('an answer in many pieces is one text, with the names of its headers in small letters', async () => {
  const text = 'ä€😀'.repeat(20_000);
  const { exchange } = await start((response) => {
    response.writeHead(201, { 'X-One': 'a', 'Set-Cookie': ['b=1', 'c=2'] });
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += 1_001) response.write(bytes.subarray(at, at + 1_001));
    response.end();
  });
  const answer = await exchange.send(call);
  expect(answer).toMatchObject({ status: 201, headers: { 'x-one': 'a', 'set-cookie': ['b=1', 'c=2'] } });
  expect(answer.body).toBe(text);
});

test('a hint before the answer is not the answer; one without a body is an empty text', async () => {
  const { exchange } = await start((response) =>
    response.writeEarlyHints({ link: '</a>; rel=preload' }, () => response.writeHead(204).end()),
  );
  expect(await exchange.send(call)).toMatchObject({ status: 204, body: '' });
});

describe('a call that is given up', () => {
  const reason = new Error('enough');

  test('before it begins reaches nobody', async () => {
    let calls = 0;
    const { exchange } = await start((response) => {
      calls += 1;
      response.end(String(calls));
    });
    await expect(exchange.send({ ...call, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await exchange.send(call)).toMatchObject({ body: '1' });
  });

  for (const [when, answer] of [
    ['before the answer begins', () => undefined],
    ['in the middle of the answer', (response: ServerResponse) => response.writeHead(200).write('[')],
  ] as const)
    test(`${when} rejects with the reason, closes its connection, and keeps no listener`, async () => {
      const { exchange, server } = await start(answer);
      const giving = new AbortController();
      const asked = once(server, 'request');
      const sent = exchange.send({ ...call, signal: giving.signal });
      const rejected = expect(sent).rejects.toBe(reason);
      const [request] = await asked;
      const closed = new Promise((resolve) => request.socket.on('error', () => undefined).on('close', resolve));
      giving.abort(reason);
      await rejected;
      await closed;
      expect(getEventListeners(giving.signal, 'abort')).toEqual([]);
    });
});

test('a finished call keeps no listener', async () => {
  const { exchange } = await start((response) => response.end('{}'));
  const { signal } = new AbortController();
  await exchange.send({ ...call, signal });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('an answer that never ends takes no longer than both limits', async () => {
  const { exchange } = await start(
    (response) => {
      const more = setInterval(() => response.write(' '), 5);
      response.on('close', () => clearInterval(more));
    },
    { connectTimeoutMs: 50 },
  );
  await expect(exchange.send({ ...call, timeoutMs: 100 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
});

test('an answer that is too large is no answer', async () => {
  const { exchange } = await start((response) => response.end('x'.repeat(200_000)), { maxAnswerBytes: 100_000 });
  await expect(exchange.send(call)).rejects.toThrow('answer too large');
});

test('a connection that is cut, or refused, rejects with its code', async () => {
  const { exchange, server } = await start((response) => response.socket?.destroy());
  await expect(exchange.send(call)).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
  server.close();
  await expect(exchange.send(call)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
