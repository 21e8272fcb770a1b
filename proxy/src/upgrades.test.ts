import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { rawValue } from './identity/strip.ts';
import { installed } from './testing/installed.ts';
import { lastSeen, raw, upgradeLines } from './testing/raw-exchange.ts';
import { type TestServer, testServer, testUpstream } from './testing/test-server.ts';

describe('upgrades', () => {
  const echo = (proxy: TestServer) =>
    proxy.upstream.server.on('upgrade', (request, socket) => {
      proxy.upstream.seen.push({ method: 'GET', url: request.url ?? '', rawHeaders: request.rawHeaders });
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: chat\r\n\r\nhello',
      );
      socket.pipe(socket);
      socket.on('error', () => {});
    });
  test('proxy 75: bytes both ways after the upstream’s own 101, identity on the handshake', async () => {
    await using proxy = await testServer();
    echo(proxy);
    const { cookie } = await proxy.login();
    const socket = connect(proxy.port, '127.0.0.1');
    socket.write(`GET /ws HTTP/1.1\r\nHost: app.company\r\nCookie: ${cookie}\r\n${upgradeLines}\r\nearly`);
    let text = '';
    for await (const part of socket) {
      text += String(part);
      if (text.endsWith('helloearly')) socket.write('more');
      if (text.endsWith('more')) break;
    }
    expect(text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(text).toContain('Sec-WebSocket-Protocol: chat');
    expect(rawValue(lastSeen(proxy), 'x-authentik-username')).toBe('alice');
    expect(rawValue(lastSeen(proxy), 'cookie')).toBeUndefined();
  });
  test('proxy 23: without a session 401, and the upstream hears nothing', async () => {
    await using proxy = await testServer();
    echo(proxy);
    expect(await raw(proxy.port, `GET /ws HTTP/1.1\r\nHost: app.company\r\n${upgradeLines}\r\n`)).toMatch(
      /^HTTP\/1\.1 401 /,
    );
    expect(proxy.upstream.seen).toEqual([]);
  });
  test('§9.8: an upstream that does not upgrade answers for itself', async () => {
    await using proxy = await testServer();
    const { cookie } = await proxy.login();
    const answer = await raw(
      proxy.port,
      `GET /ws HTTP/1.1\r\nHost: app.company\r\nCookie: ${cookie}\r\n${upgradeLines}\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*hello$/);
  });
  test('proxy 77: an upstream that is not there is 502 on the handshake too', async () => {
    await using proxy = await testServer([{ internal_host: 'http://127.0.0.1:1' }]);
    const { cookie } = await proxy.login();
    const answer = await raw(
      proxy.port,
      `GET /ws HTTP/1.1\r\nHost: app.company\r\nCookie: ${cookie}\r\n${upgradeLines}\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 502 /);
  });
  test('§17.21: of several upstreams, one that cannot be reached is passed over', async () => {
    const rules = 'app.company: { upstreams: [http://127.0.0.1:1, http://127.0.0.1:2, UPSTREAM] }';
    await using upstream = await testUpstream();
    await using proxy = await testServer([{}], { rules: rules.replace('UPSTREAM', upstream.origin) });
    upstream.server.on('upgrade', (_, socket) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    });
    const { cookie } = await proxy.login();
    const handshake = `GET /ws HTTP/1.1\r\nHost: app.company\r\nCookie: ${cookie}\r\n${upgradeLines}\r\n`;
    for (let round = 0; round < 6; round++) expect(await raw(proxy.port, handshake)).toMatch(/^HTTP\/1\.1 101 /);
    upstream.server.closeAllConnections();
    await upstream[Symbol.asyncDispose]();
    for (let round = 0; round < 8; round++) await raw(proxy.port, handshake);
    expect(await raw(proxy.port, handshake)).toMatch(/^HTTP\/1\.1 503 [\s\S]*Retry-After: 10/);
  });
  test('§17.10: a tunnel whose session ended while the channel was down closes when it is back', async () => {
    await using proxy = await testServer();
    echo(proxy);
    const { cookie } = await proxy.login();
    const socket = connect(proxy.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`GET /ws HTTP/1.1\r\nHost: app.company\r\nCookie: ${cookie}\r\n${upgradeLines}\r\n`);
    await once(socket, 'data');
    const closed = once(socket, 'close');
    proxy.gateway.engine.liveness.channel(false);
    proxy.gateway.engine.liveness.channel(true);
    await closed;
  });
  test.skipIf(!installed('ss'))('WISHES P28: an upstream that vanishes without a word is found out', async () => {
    await using proxy = await testServer();
    echo(proxy);
    const { cookie } = await proxy.login();
    await proxy.get('/', { cookie });
    await proxy.get('/', { cookie }, { method: 'POST', body: 'x' });
    const socket = connect(proxy.port, '127.0.0.1');
    socket.write(`GET /ws HTTP/1.1\r\nHost: app.company\r\nCookie: ${cookie}\r\n${upgradeLines}\r\n`);
    await once(socket, 'data');
    const { port } = new URL(proxy.upstream.origin);
    const toUpstream = execFileSync('ss', ['-tnoH', 'state', 'established', `dport = :${port}`], { encoding: 'utf8' });
    const lines = toUpstream.trim().split('\n');
    // Of the fast lane, the general lane and the tunnel.
    expect(lines.length).toBe(3);
    for (const line of lines) expect(line).toContain('timer:(keepalive');
    socket.destroy();
  });
  test('§17.30: the end of the session closes its tunnels', async () => {
    await using proxy = await testServer();
    echo(proxy);
    const { cookie, browser } = await proxy.login();
    const socket = connect(proxy.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`GET /ws HTTP/1.1\r\nHost: app.company\r\nCookie: ${cookie}\r\n${upgradeLines}\r\n`);
    await once(socket, 'data');
    const closed = once(socket, 'close');
    await browser.send('/outpost.goauthentik.io/sign_out');
    await closed;
  });
});
