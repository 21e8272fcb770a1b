// Two workers of one RADIUS outpost on the same socket: whichever gets a datagram, repetitions meet their first copy, a State
// its conversation, and what is revoked is revoked in both. Every login is radclient's or eapol_test's.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { testPassword, testRadiusSecret } from '@gatehouse/core/testing';
import { readLocalPage } from '@gatehouse/daemon/health';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { eapolTest, radclient } from '@gatehouse/radius/testing';
import { createPacketKey, hidePassword, messageAuthenticator, signRequest } from '@gatehouse/wire/radius';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout, until } from '../../harness/index.ts';
import { type Site, startSite } from './site.ts';

let site: Site;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  site = await startSite('clients: []', {
    AUTHENTIK_RADIUS__WORKERS: '2',
    AUTHENTIK_RADIUS__VERDICT_CACHE: '1h',
    TMPDIR: folder.path,
  });
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const isMissing = ['radclient', 'eapol_test'].map(skipWithout).includes(true);
const port = () => site.radius.bound('radius').port;
const login = (password = testPassword, username = 'ada') =>
  radclient(port(), `User-Name=${username},User-Password="${password}",MA`, { secret: testRadiusSecret });
const page = async (path: string) =>
  (await readLocalPage(`${folder.path}/authentik-metrics.sock`, path)) ?? 'no such page';

/** Sends one packet as often as told, from one port. @returns what came back */
async function repeat(username: string, password: string, times: number): Promise<Buffer[]> {
  const key = createPacketKey(testRadiusSecret);
  const authenticator = Buffer.alloc(16, username.length);
  const hidden = hidePassword(Buffer.from(password), authenticator, key);
  const attributes = [messageAuthenticator, { type: 1, value: Buffer.from(username) }, { type: 2, value: hidden }];
  const packet = signRequest({ code: 1, identifier: 7, authenticator, attributes }, key);
  const socket = createSocket('udp4');
  const replies: Buffer[] = [];
  socket.on('message', (reply) => replies.push(reply));
  for (let sent = 0; sent < times; sent++) {
    const before = replies.length;
    socket.send(packet, port(), '127.0.0.1');
    await until(() => replies.length > before, 15_000);
  }
  socket.close();
  await once(socket, 'close');
  return replies;
}

describe.skipIf(isMissing)('two workers', () => {
  test('logins pass and are refused, whichever worker gets them; both do', async () => {
    const codes: string[] = [];
    for (let round = 0; round < 15; round++)
      codes.push(...(await Promise.all([login(), login('wrong')])).map(({ code }) => code));
    expect(codes).toEqual(Array.from({ length: 15 }, () => ['Access-Accept', 'Access-Reject']).flat());
    const clients = await page('/radius/clients');
    expect(clients).toMatch(/Worker 0:\n127\.0\.0\.1 .*[1-9]\d* with[\s\S]*Worker 1:\n127\.0\.0\.1 .*[1-9]\d* with/);
    const metrics = await page('/metrics');
    expect(metrics).toContain('authentik_outpost_radius_packets_total{code="Access-Request"} 30\n');
  });

  test('EAP conversations stay whole', async () => {
    for (let round = 0; round < 4; round++) {
      const given = { identity: 'ada', caPem: site.authority.caPem, secret: testRadiusSecret } as const;
      const ttls = await eapolTest(port(), { eap: 'TTLS', password: testPassword, ...given });
      expect([ttls.isSuccess, ttls.hasKeys], ttls.output.slice(-2000)).toEqual([true, true]);
      const peap = await eapolTest(port(), { eap: 'PEAP', inner: 'MSCHAPV2', password: site.wifiSecret, ...given });
      expect([peap.isSuccess, peap.hasKeys], peap.output.slice(-2000)).toEqual([true, true]);
    }
  });

  test('a repetition gets the same bytes and is no second attempt, whichever worker gets it', async () => {
    const replies = await repeat('nobody', 'wrong', 20);
    expect(new Set(replies.map((reply) => reply.toString('hex'))).size).toBe(1);
    const { results } = await site.core.call<{ results: unknown[] }>(
      'GET',
      '/events/events/?action=login_failed&search=nobody',
    );
    expect(results).toHaveLength(1);
  });

  test('what one has remembered the other forgets too when the user is disabled', async () => {
    const accepted = await Promise.all(Array.from({ length: 10 }, () => login()));
    expect(new Set(accepted.map(({ code }) => code))).toEqual(new Set(['Access-Accept']));
    const { results } = await site.core.call<{ results: { pk: number }[] }>('GET', '/core/users/?username=ada');
    const setActive = (is_active: boolean) => site.core.call('PATCH', `/core/users/${results[0]?.pk}/`, { is_active });
    await setActive(false);
    await until(async () => (await login()).code === 'Access-Reject', 5_000);
    const refused = await Promise.all(Array.from({ length: 20 }, () => login()));
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['Access-Reject']));
    await setActive(true);
  });

  test('one that dies is started again, and logins go on', async () => {
    const primary = site.radius.pid ?? 0;
    const workers = () =>
      readFileSync(`/proc/${primary}/task/${primary}/children`, 'latin1').trim().split(' ').map(Number);
    const [first = 0] = workers();
    process.kill(first, 'SIGKILL');
    await until(() => workers().length === 2 && !workers().includes(first), 15_000);
    await until(async () => (await login()).code === 'Access-Accept', 15_000);
  });
});
