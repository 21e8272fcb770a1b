// `gatehouse radius` as a process in front of our own core, asked by radclient: the whole way of a login, and of its end.

import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { startTestCore, type TestCore, testPassword, testRadiusSecret } from '@gatehouse/core/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type RunningDaemon, startDaemon } from '../../harness/daemon.ts';

const run = promisify(execFile);
const nas = createSocket('udp4');
let core: TestCore;
let radius: RunningDaemon;

beforeAll(async () => {
  core = await startTestCore();
  nas.bind(0, '127.0.0.1');
  await once(nas, 'listening');
  radius = await startDaemon('radius', {
    env: {
      AUTHENTIK_HOST: core.url,
      AUTHENTIK_TOKEN: await core.outpostToken('radius'),
      AUTHENTIK_LOG_LEVEL: 'debug',
      AUTHENTIK_RADIUS__COA: 'true',
      AUTHENTIK_RADIUS__COA_PORT: String(nas.address().port),
    },
  });
  await line(({ event }) => event === 'Update providers');
});
afterAll(async () => {
  nas.close();
  await radius[Symbol.asyncDispose]();
  await core[Symbol.asyncDispose]();
});

async function line(matches: (line: { event?: unknown }) => boolean): Promise<void> {
  while (!radius.lines.some(matches)) await new Promise((resolve) => setImmediate(resolve));
}

async function metrics(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${radius.bound('metrics').port}/metrics`)).text();
}

async function login(username: string, password: string, secret = testRadiusSecret, timeoutS = 10): Promise<string> {
  const { port } = radius.bound('radius');
  const words = `User-Name="${username}",User-Password="${password}",Message-Authenticator=0x00`;
  const child = run('radclient', ['-x', '-r', '1', '-t', String(timeoutS), `127.0.0.1:${port}`, 'auth', secret]);
  child.child.stdin?.end(words);
  const { stdout } = await child.catch((error: { stdout: string }) => error);
  return /Received (\S+) Id/.exec(stdout)?.[1] ?? 'none';
}

describe('gatehouse radius with our own core', () => {
  test('radius C01, C02, C09: right, wrong, and another secret', async () => {
    expect(await login('ada', testPassword)).toBe('Access-Accept');
    expect(await login('ada', 'wrong')).toBe('Access-Reject');
    expect(await login('nobody', testPassword)).toBe('Access-Reject');
    expect(await login('ada', testPassword, 'another secret', 1)).toBe('none');
  });

  test('radius C87, C88: metrics and ping', async () => {
    const { port } = radius.bound('metrics');
    const ping = await fetch(`http://127.0.0.1:${port}/outpost.goauthentik.io/ping`);
    expect(ping.status).toBe(204);
    const text = await metrics();
    expect(text).toMatch(
      /authentik_outpost_radius_requests_rejected_total\{[^}]*reason="invalid_credentials"[^}]*\} \d/,
    );
  });

  test('radius C84: a user disabled in the core is disconnected by the device', async () => {
    expect(await login('tim', testPassword)).toBe('Access-Accept');
    await vi.waitFor(async () => expect(await metrics()).toMatch(/authentik_outpost_connection\{[^}]*\} 1/), {
      timeout: 10_000,
    });
    const { results } = await core.call<{ results: { pk: number }[] }>('GET', '/core/users/?username=tim');
    const asked = once(nas, 'message');
    await core.call('PATCH', `/core/users/${results[0]?.pk}/`, { is_active: false });
    const [request] = await asked;
    expect(request.readUInt8(0)).toBe(40);
    expect(request.includes('tim')).toBe(true);
    expect(await login('tim', testPassword)).toBe('Access-Reject');
  });

  test('radius C52: the core is away: silence; it is back: an answer', async () => {
    await core.stop();
    expect(await login('ada', testPassword, testRadiusSecret, 2)).toBe('none');
    await core.restart();
    expect(await login('ada', testPassword)).toBe('Access-Accept');
  });
});
