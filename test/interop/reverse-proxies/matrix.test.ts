// Every row of proxy.md §14.9 against the real servers, with the printed recipes and the daemon as a process.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { fakeIssuer } from '@gatehouse/proxy/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, type RunningDaemon, skipWithout, startDaemon } from '../../harness/index.ts';
import { Browser } from './browser.ts';
import { type ReverseProxy, reverseProxies, startReverseProxy } from './servers.ts';

interface Setting extends AsyncDisposable {
  readonly site: string;
  readonly daemon: RunningDaemon;
  readonly seen: IncomingMessage[];
  readonly bearer: string;
}

for (const kind of reverseProxies) {
  describe.skipIf(skipWithout(kind.name))(kind.name, () => {
    let setting: Setting;
    beforeAll(async () => {
      setting = await start(kind);
    });
    afterAll(() => setting[Symbol.asyncDispose]());

    test('§14.9 row 1: an anonymous GET ends, after login, on exactly that URL', async () => {
      const browser = new Browser();
      const page = await browser.open(`${setting.site}/p?a=1&b=2`);
      expect([page.status, page.url]).toEqual([200, `${setting.site}/p?a=1&b=2`]);
      expect(setting.seen.at(-1)?.url).toBe('/p?a=1&b=2');
    });
    test('§14.9 rows 2, 3: identity arrives, what the client claims does not', async () => {
      const browser = new Browser();
      await browser.open(`${setting.site}/`);
      const spoofed = {
        'X-Authentik-Email': 'root@evil',
        'X-Authentik-Meta-App': 'evil',
        X_Authentik_Email: 'root@evil',
        'X-Forwarded-Host': 'evil',
      };
      const page = await browser.send(`${setting.site}/x`, { headers: spoofed });
      expect(page.status).toBe(200);
      const headers = setting.seen.at(-1)?.headers ?? {};
      expect([headers['x-authentik-username'], headers['x-authentik-email']]).toEqual(['alice', 'alice@company']);
      expect(headers['x-authentik-groups']).toBe('a|b');
      expect(JSON.stringify(headers)).not.toContain('evil');
    });
    test('§14.9 row 4: a POST body arrives unchanged', async () => {
      const browser = new Browser();
      await browser.open(`${setting.site}/`);
      const body = 'x'.repeat(100_000);
      const page = await browser.send(`${setting.site}/echo`, { method: 'POST', body });
      expect(page.body).toBe(body);
    });
    test('§14.9 row 5: a websocket works when logged in, and only then', async () => {
      const browser = new Browser();
      expect(await handshake(setting.site, '')).toMatch(/^HTTP\/1\.1 401 /);
      await browser.open(`${setting.site}/`);
      const host = setting.site.slice('http://'.length);
      const cookie = [...browser.cookies(host)].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await handshake(setting.site, `Cookie: ${cookie}\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 101 /);
      expect(answer).toContain('ping');
    });
    test('§14.9 row 6: the cookie of an allowed request reaches the browser', async () => {
      const browser = new Browser();
      const page = await browser.send(`${setting.site}/`, { headers: { Authorization: `Bearer ${setting.bearer}` } });
      expect(page.status).toBe(200);
      expect((await browser.send(`${setting.site}/`)).status).toBe(200);
    });
    test('§17.8: a cookie that carries its session can be renewed by an answer that lets in', async () => {
      const browser = new Browser();
      await browser.open(`${setting.site}/`);
      const given = () => browser.given.filter((set) => set.startsWith(`${cookieName}=`)).length;
      // By the login, and once more by the first answer that let in.
      expect(given()).toBe(2);
      expect((await browser.send(`${setting.site}/`)).status).toBe(200);
      expect(given()).toBe(2);
    });
    for (const path of [
      '/outpost.goauthentik.io/../admin',
      '/outpost.goauthentik.io/%2e%2e/admin',
      '/outpost.goauthentik.io/..%2fadmin',
    ]) {
      test(`§14.9 row 7: ${path} is not let through`, async () => {
        const before = setting.seen.length;
        const page = await new Browser().send(setting.site + path);
        expect(page.status).not.toBe(200);
        expect(setting.seen.length).toBe(before);
      });
    }
    test('API clients get 401 and are not redirected', async () => {
      const page = await new Browser().send(`${setting.site}/api`, { headers: { Accept: 'application/json' } });
      expect([page.status, page.headers.location]).toEqual([401, undefined]);
    });
    test('§14.9 row 8: signing out ends the session and lands on the core', async () => {
      const browser = new Browser();
      await browser.open(`${setting.site}/`);
      const page = await browser.send(`${setting.site}/outpost.goauthentik.io/sign_out`);
      expect(page.headers.location).toContain('/application/o/app/end-session/?id_token_hint=');
      expect((await browser.send(`${setting.site}/`)).status).toBe(302);
    });
    test('§14.9 row 9: without the outpost an error, never the application', async () => {
      const browser = new Browser();
      await browser.open(`${setting.site}/`);
      await setting.daemon.stop();
      const before = setting.seen.length;
      const page = await browser.send(`${setting.site}/`);
      expect(kind.withoutOutpost).toContain(page.status);
      expect(setting.seen.length).toBe(before);
    });
  });
}

const cookieName = 'authentik_proxy_ba7816bf';

/** Sessions in cookies, which ask most of a reverse proxy: room for them, and their way back to the browser. */
async function start(kind: ReverseProxy): Promise<Setting> {
  const issuer = await fakeIssuer();
  Object.assign(issuer, { offline: true, remembers: true });
  const seen: IncomingMessage[] = [];
  const application = await startApplication(seen);
  const port = await freePort();
  const publicHost = `app.localhost:${port}`;
  issuer.providers.push(
    issuer.row({
      mode: kind.mode,
      external_host: `http://${publicHost}`,
      internal_host: `http://${application.address}`,
    }),
  );
  const bearer = 'a.b.c';
  issuer.active.set(bearer, { sub: 'u', preferred_username: 'bot', exp: 9_999_999_999 });
  const daemon = await startDaemon('proxy', {
    env: { AUTHENTIK_HOST: issuer.url, AUTHENTIK_TOKEN: 'x', AKPROXY_SESSION__STORE: 'cookie' },
  });
  const at = daemon.bound('http');
  const site = {
    publicHost,
    listen: `127.0.0.1:${port}`,
    outpost: `127.0.0.1:${at.port}`,
    application: application.address,
    cookieName,
  };
  await untilServing(at.port, publicHost);
  const server = await startReverseProxy(kind, site, port);
  return {
    site: `http://${publicHost}`,
    daemon,
    seen,
    bearer,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await daemon[Symbol.asyncDispose]();
      await application[Symbol.asyncDispose]();
      await issuer[Symbol.asyncDispose]();
    },
  };
}

/** The daemon answers at once, with 503 until it has its providers. */
async function untilServing(port: number, host: string): Promise<void> {
  for (;;) {
    const page = await fetch(`http://127.0.0.1:${port}/outpost.goauthentik.io/start`, {
      headers: { 'x-forwarded-host': host },
      redirect: 'manual',
    });
    await page.arrayBuffer();
    if (page.status === 302) return;
  }
}

async function startApplication(seen: IncomingMessage[]): Promise<AsyncDisposable & { readonly address: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    seen.push(request);
    if (request.url === '/echo') request.pipe(response);
    else response.end('application');
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request, socket) => {
    seen.push(request);
    // RFC 6455 §4.2.2: some reverse proxies check the answer to the key.
    const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${guid}`).digest('base64');
    const fields = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n`;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = server.address();
  return {
    address: `127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Opens an upgrade, sends bytes after the 101, and gives everything that came back. */
async function handshake(site: string, headers: string): Promise<string> {
  const host = site.slice('http://'.length);
  const socket = connect(Number(host.split(':')[1]), '127.0.0.1');
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGVzdHRlc3R0ZXN0dGVzdA==\r\n';
  socket.write(`GET /ws HTTP/1.1\r\nHost: ${host}\r\n${headers}${upgrade}\r\n`);
  let text = '';
  let isOpen = false;
  for await (const part of socket) {
    text += String(part);
    if (!text.includes('\r\n\r\n')) continue;
    if (!text.startsWith('HTTP/1.1 101')) break;
    if (!isOpen) socket.write('ping');
    isOpen = true;
    if (text.includes('ping')) break;
  }
  socket.destroy();
  return text;
}
