// The proxy as a process, with our own core: its providers arrive, changes arrive without a restart, and health tells of it.
import { startTestCore, type TestCore } from '@gatehouse/core/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningDaemon, startDaemon } from '../../harness/index.ts';

let core: TestCore;
let daemon: RunningDaemon;

beforeAll(async () => {
  core = await startTestCore();
  const env = { AUTHENTIK_HOST: core.url, AUTHENTIK_TOKEN: await core.outpostToken('proxy') };
  daemon = await startDaemon('proxy', { env });
  await until(async () => (await fetch(`${at('metrics')}/-/ready`)).ok);
}, 60_000);
afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
  await core[Symbol.asyncDispose]();
});

test('proxy 14: metrics and ping on their own listener', async () => {
  await fetch(`${at('http')}/outpost.goauthentik.io/start`, { redirect: 'manual' });
  const metrics = await (await fetch(`${at('metrics')}/metrics`)).text();
  expect(metrics).toContain('authentik_outpost_proxy_request_duration_seconds_count');
  expect(metrics).toMatch(/authentik_outpost_info\{[^}]*outpost_type="proxy"/);
  expect(metrics).toMatch(/authentik_outpost_connection\{[^}]*\} 1/);
  expect((await fetch(`${at('metrics')}/outpost.goauthentik.io/ping`)).status).toBe(204);
});

test('proxy 25: the demo application of our core is served', async () => {
  const answer = await fetch(`${at('http')}/outpost.goauthentik.io/start`, { redirect: 'manual' });
  const location = new URL(answer.headers.get('location') ?? '');
  expect(location.href.startsWith(`${core.url}application/o/authorize/?client_id=`)).toBe(true);
  expect(location.searchParams.get('redirect_uri')).toContain(
    '/outpost.goauthentik.io/callback?X-authentik-auth-callback=true',
  );
});

test('proxy 15: what changes in the core is served without a restart', async () => {
  const { results } = await core.call<{ results: { pk: number }[] }>('GET', '/providers/proxy/?name=Notice%20board');
  const skipped = () =>
    fetch(`${at('http')}/outpost.goauthentik.io/auth/traefik`, {
      redirect: 'manual',
      headers: {
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'board.localhost:9000',
        'x-forwarded-uri': '/public/x',
      },
    });
  // 401: `fetch` says that it is no navigation.
  expect((await skipped()).status).toBe(401);
  await core.call('PATCH', `/providers/proxy/${results[0]?.pk}/`, { skip_path_regex: '^/public/' });
  process.kill(daemon.pid ?? 0, 'SIGUSR1');
  await until(async () => (await skipped()).status === 200);
});

test('core.md §23.2: our own core is heard at once, without waiting for the next round', async () => {
  const { results } = await core.call<{ results: { pk: number }[] }>('GET', '/providers/proxy/?name=Notice%20board');
  const told = () => daemon.lines.filter(({ event }) => event === 'told of changes').length;
  const before = told();
  await core.call('PATCH', `/providers/proxy/${results[0]?.pk}/`, { skip_path_regex: '^/told/' });
  await until(async () => told() > before);
  await until(async () => (await status('/told/x')) === 200);
});

test('proxy 109: while the core is away applications are known, and a new login gets 503 with Retry-After', async () => {
  await core.stop();
  const start = () => fetch(`${at('http')}/outpost.goauthentik.io/start`, { redirect: 'manual' });
  await until(async () => (await start()).status === 503);
  const answer = await start();
  expect([answer.headers.get('retry-after'), await answer.text()]).toEqual([
    '10',
    expect.stringContaining('login server'),
  ]);
});

test('core, done when: the same process goes on after a restart of the core, and hears of changes again', async () => {
  const { pid } = daemon;
  await core.stop();
  await core.restart();
  const { results } = await core.call<{ results: { pk: number }[] }>('GET', '/providers/proxy/?name=Notice%20board');
  expect(await status('/after/x')).toBe(401);
  await core.call('PATCH', `/providers/proxy/${results[0]?.pk}/`, { skip_path_regex: '^/after/' });
  await until(async () => (await status('/after/x')) === 200);
  expect(daemon.pid).toBe(pid);
});

async function status(path: string): Promise<number> {
  const headers = {
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'board.localhost:9000',
    'x-forwarded-uri': path,
  };
  return (await fetch(`${at('http')}/outpost.goauthentik.io/auth/traefik`, { redirect: 'manual', headers })).status;
}

function at(component: string): string {
  const { host, port } = daemon.bound(component);
  return `http://${host}:${port}`;
}

/** Asks again until it is so; the test's own deadline ends it. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}
