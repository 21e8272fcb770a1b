// WebSockets through the whole router: router.md §12 and §19, by number.
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { healthyRouter } from '../testing/healthy-router.ts';
import { startPlainCore } from '../testing/plain-core.ts';
import { runRouter, until } from '../testing/running-router.ts';

test('router R41: a WebSocket outlives the timeouts of HTTP', async () => {
  const short = { AUTHENTIK_WEB__TIMEOUT_HTTP_READ: '50ms', AUTHENTIK_WEB__TIMEOUT_HTTP_WRITE: '50ms' };
  await using site = await healthyRouter({ ...short, AUTHENTIK_WEB__TIMEOUT_HTTP_IDLE: '50ms' });
  const socket = new WebSocket(`ws://127.0.0.1:${site.port}/ws/client/`);
  await once(socket, 'open');
  await new Promise((resolve) => setTimeout(resolve, 300));
  socket.send('still here');
  const [echo] = await once(socket, 'message');
  expect(String(echo)).toBe('still here');
  socket.close();
  await once(socket, 'close');
  await until(() =>
    site.log.lines.some(({ event, route, status }) => event === 'request' && route === 'tunnel' && status === 101),
  );
});

test('router §12: at the end a WebSocket is closed with 1012, service restart', async () => {
  await using core = await startPlainCore();
  const site = await runRouter({ core });
  await until(() => site.router.watch.state === 'healthy');
  const socket = new WebSocket(`ws://127.0.0.1:${site.port}/ws/client/`);
  await once(socket, 'open');
  socket.send('one');
  await once(socket, 'message');
  const closed = once(socket, 'close');
  await site[Symbol.asyncDispose]();
  expect((await closed)[0]).toBe(1012);
});

test('router §12: an upgrade that the core refuses leaves no line to the core', async () => {
  await using site = await healthyRouter();
  const asked = httpRequest({
    port: site.port,
    path: '/static/dist/x',
    headers: { connection: 'upgrade', upgrade: 'websocket' },
  });
  asked.end();
  const [answer] = await once(asked, 'response');
  expect(answer.statusCode).toBe(404);
  expect(site.core.seen).toEqual([]);
});
