// What a reload takes over, and what it says of the rest: router.md §17.
import { once } from 'node:events';
import { connect } from 'node:tls';
import { loadConfig } from '@gatehouse/daemon/config';
import { expect, test } from 'vitest';
import { needsRestart, routerConfig } from './config.ts';
import { runRouter } from './testing/running-router.ts';

const configOf = (env: Readonly<Record<string, string>>) => loadConfig(routerConfig, { env, files: [] }).config;

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
  site.router.reload(configOf({ AUTHENTIK_WEB__HTTP2: 'false' }));
  expect(await protocol()).not.toBe('h2');
  site.router.reload(configOf({}));
  expect(await protocol()).toBe('h2');
});

test('router §17: a reload names the settings that count after a restart only', async () => {
  const before = configOf({ AUTHENTIK_SECRET_KEY: 'one' });
  const changed = { AUTHENTIK_SECRET_KEY: 'two', AUTHENTIK_WEB__PATH: 'auth', AUTHENTIK_LISTEN__HTTP: ':9001' };
  expect(needsRestart(before, configOf({ AUTHENTIK_SECRET_KEY: 'one', AUTHENTIK_LOG_LEVEL: 'debug' }))).toEqual([]);
  expect([...needsRestart(before, configOf(changed))].sort()).toEqual(['listen.http', 'secret_key', 'web.path']);
  await using site = await runRouter();
  site.router.reload(configOf({ AUTHENTIK_WEB__PATH: 'auth' }));
  const line = site.log.lines.find(({ event }) => event === 'changed, but counts after a restart only');
  expect(line?.['reason']).toContain('web.path');
  expect(line?.['reason']).not.toContain('web.http2');
});
