// HTTP/2 as a browser uses it (router R40): the page over h2, its WebSocket over a connection of its own.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { startDaemon } from '../../harness/index.ts';

const page = `<!doctype html><title>loading</title><script>
const socket = new WebSocket('wss://' + location.host + '/ws/client/');
socket.onopen = () => socket.send('hello');
socket.onmessage = ({ data }) => { document.title = data; };
</script>`;

test('router R40, R41: Chromium loads a page over HTTP/2 and talks over its WebSocket', async () => {
  const core = createServer((_, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end(page));
  const sockets = new WebSocketServer({ server: core });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo of ${String(data)}`)));
  await once(core.listen(0, '127.0.0.1'), 'listening');
  const at = core.address();
  const port = typeof at === 'object' && at !== null ? at.port : 0;
  await using router = await startDaemon('router', { env: { AUTHENTIK_CORE__URL: `http://127.0.0.1:${port}` } });
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu'],
  });
  try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const visited = await context.newPage();
    const url = `https://localhost:${router.bound('https').port}/if/user/`;
    await expect.poll(async () => (await visited.goto(url))?.status(), { timeout: 20_000 }).toBe(200);
    await visited.waitForFunction('document.title === "echo of hello"');
    const protocol = await visited.evaluate<string>('performance.getEntriesByType("navigation")[0].nextHopProtocol');
    expect(protocol).toBe('h2');
  } finally {
    await browser.close();
    for (const socket of sockets.clients) socket.terminate();
    core.closeAllConnections();
    core.close();
  }
});
