// New settings while there is traffic (proxy.md §1.5): what is under way goes on, and the next request finds them.
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { upgradeLines } from './testing/raw-exchange.ts';
import { testServer, testUpstream } from './testing/test-server.ts';

test('a reload drops no connection: an answer under way, a tunnel and a kept connection live on', async () => {
  await using proxy = await testServer();
  await using moved = await testUpstream();
  moved.answer = (_, response) => response.end('moved');
  const { cookie } = await proxy.login();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = async () => {
    const call = httpRequest({ host: '127.0.0.1', port: proxy.port, agent, headers: { Host: 'app.company', cookie } });
    const [answer] = (await once(call.end(), 'response')) as [IncomingMessage]; // the event's one argument
    let text = '';
    for await (const part of answer) text += String(part);
    return { text, port: call.socket?.localPort };
  };
  const before = await ask();
  proxy.upstream.server.on('upgrade', (_, socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.pipe(socket);
  });
  const tunnel = connect(proxy.port, '127.0.0.1');
  tunnel.write(`GET /ws HTTP/1.1\r\nHost: app.company\r\nCookie: ${cookie}\r\n${upgradeLines}\r\n`);
  await once(tunnel, 'data');
  const begun = new Promise<ServerResponse>((resolve) => {
    proxy.upstream.answer = (_, response) => {
      response.write('first');
      resolve(response);
    };
  });
  const slow = httpRequest({ host: '127.0.0.1', port: proxy.port, headers: { Host: 'app.company', cookie } }).end();
  const [answer] = (await once(slow, 'response')) as [IncomingMessage]; // the event's one argument

  proxy.gateway.load([{ internal_host: moved.origin }, { external_host: 'https://new.company', client_id: 'new' }]);

  const after = await ask();
  expect([before.text, after.text, after.port]).toEqual(['hello', 'moved', before.port]);
  tunnel.write('still here');
  expect(String((await once(tunnel, 'data'))[0])).toBe('still here');
  (await begun).end(' last');
  let text = '';
  for await (const part of answer) text += String(part);
  expect(text).toBe('first last');
  expect((await proxy.get('/', { Host: 'new.company' })).status).toBe(302);
  tunnel.destroy();
  agent.destroy();
});
