// What a reload takes over, and what it says of the rest: router.md §17.
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:tls';
import { loadConfig } from '@gatehouse/daemon/config';
import { freePort } from '@gatehouse/daemon/net';
import { expect, test } from 'vitest';
import { needsRestart, routerConfig } from './config.ts';
import { startPlainCore } from './testing/plain-core.ts';
import { runRouter, until } from './testing/running-router.ts';

/** On the addresses of `runRouter` unless told otherwise. */
const configOf = (env: Readonly<Record<string, string>>) => {
  const listen = { AUTHENTIK_LISTEN__HTTP: '127.0.0.1:0', AUTHENTIK_LISTEN__HTTPS: '127.0.0.1:0' };
  return loadConfig(routerConfig, { env: { ...listen, ...env }, files: [] }).config;
};

test('router §17: HTTP/2 can be switched off by a reload, for new connections', async () => {
  await using site = await runRouter();
  const protocol = async () => {
    const socket = connect({ port: site.tlsPort, host: 'localhost', rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    const [outcome] = await Promise.race([
      once(socket, 'secureConnect').then(() => [socket.alpnProtocol]),
      once(socket, 'close').then(() => ['refused']),
    ]).catch(() => ['refused']);
    socket.destroy();
    return outcome;
  };
  expect(await protocol()).toBe('h2');
  await site.router.reload(configOf({ AUTHENTIK_WEB__HTTP2: 'false' }));
  expect(await protocol()).not.toBe('h2');
  await site.router.reload(configOf({}));
  expect(await protocol()).toBe('h2');
});

test('router §17: a reload names the settings that count after a restart only', async () => {
  const before = configOf({ AUTHENTIK_SECRET_KEY: 'one' });
  const changed = { AUTHENTIK_SECRET_KEY: 'two', AUTHENTIK_WEB__PATH: 'auth', AUTHENTIK_LISTEN__METRICS: ':9301' };
  expect(needsRestart(before, configOf({ AUTHENTIK_SECRET_KEY: 'one', AUTHENTIK_LOG_LEVEL: 'debug' }))).toEqual([]);
  expect([...needsRestart(before, configOf(changed))].sort()).toEqual(['listen.metrics', 'secret_key', 'web.path']);
  await using site = await runRouter();
  await site.router.reload(configOf({ AUTHENTIK_WEB__PATH: 'auth' }));
  const line = site.log.lines.find(({ event }) => event === 'changed, but counts after a restart only');
  expect(line?.['reason']).toContain('web.path');
  expect(line?.['reason']).not.toContain('web.http2');
});

test('router §17: listeners move to other addresses by a reload, and no connection is dropped', async () => {
  await using core = await startPlainCore();
  let asked = 0;
  core.answer = (_, response) => {
    asked += 1;
    setTimeout(() => response.end('answered'), 200);
  };
  await using site = await runRouter({ core });
  await until(async () => (await fetch(`${site.url}/-/health/live/`)).status === 200);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (port: number, own?: Agent) =>
    new Promise<string>((resolve, reject) => {
      get({ port, host: '127.0.0.1', path: '/slow', ...(own === undefined ? {} : { agent: own }) }, (answer) => {
        answer.setEncoding('utf8').on('data', resolve);
      }).on('error', (error: NodeJS.ErrnoException) => reject(error.code));
    });
  const running = ask(site.port, agent);
  await until(() => asked === 1);
  const [first, second] = [await freePort(), await freePort()];
  const listen = {
    AUTHENTIK_LISTEN__HTTP: `127.0.0.1:${first},127.0.0.1:${second}`,
    AUTHENTIK_LISTEN__HTTPS: '127.0.0.1:0',
  };
  await site.router.reload(configOf(listen));
  expect(await running).toBe('answered');
  expect(await ask(site.port, agent)).toBe('answered'); // the connection that came by the old address goes on
  expect([await ask(first), await ask(second)]).toEqual(['answered', 'answered']);
  await expect(ask(site.port, new Agent())).rejects.toBe('ECONNREFUSED');
  expect(site.router.bound.get('https')?.[0]?.port).toBe(site.tlsPort); // named as before: the same socket
  agent.destroy();
});

test('router §3: an address that is taken is skipped and named; with none left a reload changes nothing, a start fails', async () => {
  await using other = await startPlainCore();
  const taken = `127.0.0.1:${new URL(other.url).port}`;
  await using site = await runRouter({ env: { AUTHENTIK_LISTEN__HTTP: `${taken},127.0.0.1:0` } });
  const complaint = expect.objectContaining({ event: 'address is skipped', error: expect.stringContaining(taken) });
  expect(site.log.lines).toContainEqual(complaint);
  const url = `http://127.0.0.1:${site.router.bound.get('http')?.[0]?.port}`;
  await site.router.reload(configOf({ AUTHENTIK_LISTEN__HTTP: taken, AUTHENTIK_LISTEN__HTTPS: taken }));
  expect((await fetch(`${url}/robots.txt`)).status).toBe(200);
  await expect(
    runRouter({ env: { AUTHENTIK_LISTEN__HTTP: taken, AUTHENTIK_LISTEN__HTTPS: taken } }),
  ).rejects.toMatchObject({ code: 'ERR_ROUTER_NO_LISTENER' });
});
