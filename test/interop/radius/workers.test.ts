// Two workers of one RADIUS outpost on the same socket: whichever gets a datagram, repetitions meet their first copy, a State
// its conversation, and what is revoked is revoked in both. Every login is radclient's or eapol_test's.

import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { testPassword, testRadiusSecret } from '@gatehouse/core/testing';
import { readLocalPage } from '@gatehouse/daemon/health';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { eapolTest, radclient } from '@gatehouse/radius/testing';
import {
  checkMessageAuthenticator,
  createPacketKey,
  decodePacket,
  firstValue,
  hidePassword,
  isRequestAuthenticatorValid,
  messageAuthenticator,
  type ReceivedPacket,
  signReply,
  signRequest,
} from '@gatehouse/wire/radius';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout, startDaemon, until } from '../../harness/index.ts';
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

/** One login of each of these ports, all at once; answered or not. */
function burst(to: number, sockets: readonly Socket[], username: string): void {
  const key = createPacketKey(testRadiusSecret);
  for (const [identifier, socket] of sockets.entries()) {
    const authenticator = randomBytes(16);
    const hidden = hidePassword(Buffer.from('wrong'), authenticator, key);
    const attributes = [messageAuthenticator, { type: 1, value: Buffer.from(username) }, { type: 2, value: hidden }];
    socket.send(signRequest({ code: 1, identifier, authenticator, attributes }, key), to, '127.0.0.1');
  }
}

/** Half of them with even ports, half with odd ones: each worker owns half. */
async function socketsOfBoth(each: number): Promise<Socket[]> {
  const kept: [Socket[], Socket[]] = [[], []];
  while (kept[0].length < each || kept[1].length < each) {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const side = kept[socket.address().port % 2 === 0 ? 0 : 1];
    if (side.length < each) side.push(socket);
    else socket.close();
  }
  return kept.flat();
}

describe.skipIf(isMissing)('two workers, further', () => {
  test('the budget of an address is one for both', async () => {
    const most = { AUTHENTIK_RADIUS__REQUESTS_PER_SOURCE: '16', AUTHENTIK_RADIUS__VERDICT_CACHE: '0' };
    await using own = await temporaryFolder();
    await using crew = await startDaemon('radius', { env: { ...site.env, ...most, TMPDIR: own.path } });
    await until(() => crew.lines.some(({ event }) => event === 'ready'), 20_000);
    const sockets = await socketsOfBoth(12); // neither worker has more than 12 in work: on its own it would drop nothing
    const dropped = async () => {
      const text = (await readLocalPage(`${own.path}/authentik-metrics.sock`, '/metrics')) ?? '';
      return Number(/dropped_total\{reason="source_budget"\} (\d+)/.exec(text)?.[1] ?? 0);
    };
    let [answered, sent] = [0, 0];
    for (const socket of sockets) socket.on('message', () => answered++);
    for (let round = 0; round < 20 && (await dropped()) === 0; round++) {
      burst(crew.bound('radius').port, sockets, 'nobody-at-all');
      sent += sockets.length;
      await until(async () => answered + (await dropped()) === sent, 30_000); // each round begins with nothing in work
    }
    expect(await dropped()).toBeGreaterThan(0);
    for (const socket of sockets) socket.close();
  });

  test('a disabled user is disconnected, whichever worker took the login', async () => {
    const nas = createSocket('udp4').bind(0, '127.0.0.1');
    await once(nas, 'listening');
    const asked = new Map<string, ReceivedPacket>();
    const key = createPacketKey(testRadiusSecret);
    nas.on('message', (bytes, from) => {
      const packet = decodePacket(bytes);
      asked.set(String(firstValue(packet, 31)), packet);
      nas.send(signReply({ code: 41, attributes: [messageAuthenticator] }, packet, key), from.port, from.address);
    });
    await using own = await temporaryFolder();
    const coa = { AUTHENTIK_RADIUS__COA: 'true', AUTHENTIK_RADIUS__COA_PORT: String(nas.address().port) };
    await using crew = await startDaemon('radius', {
      env: { ...site.env, ...coa, AUTHENTIK_RADIUS__VERDICT_CACHE: '0', TMPDIR: own.path },
    });
    await until(() => crew.lines.some(({ event }) => event === 'ready'), 20_000);
    const stations = Array.from({ length: 8 }, (_, at) => `02-00-00-00-00-0${at}`);
    const user = await site.core.call<{ pk: number }>('POST', '/core/users/', { username: 'roamer', name: 'Roamer' });
    await site.core.call('POST', `/core/users/${user.pk}/set_password/`, { password: testPassword });
    for (const station of stations) {
      const words = `User-Name=roamer,User-Password="${testPassword}",Calling-Station-Id=${station},MA`;
      const { code } = await radclient(crew.bound('radius').port, words, { secret: testRadiusSecret });
      expect(code).toBe('Access-Accept');
    }
    const text = (await readLocalPage(`${own.path}/authentik-metrics.sock`, '/radius/clients')) ?? '';
    expect(text).toMatch(/Worker 0:\n127\.0\.0\.1 [\s\S]*Worker 1:/);
    await site.core.call('PATCH', `/core/users/${user.pk}/`, { is_active: false });
    await until(() => asked.size === stations.length, 10_000);
    expect([...asked.keys()].toSorted()).toEqual(stations);
    for (const packet of asked.values()) {
      expect([packet.code, isRequestAuthenticatorValid(packet, key)]).toEqual([40, true]);
      expect(checkMessageAuthenticator(packet, key)).toBe('valid');
    }
    nas.close();
  });

  test('where they listen is told whatever level of log the core wants', async () => {
    const { results } = await site.core.call<{ results: { pk: string; type: string; config: object }[] }>(
      'GET',
      '/outposts/instances/',
    );
    const outpost = results.find(({ type }) => type === 'radius');
    const path = `/outposts/instances/${outpost?.pk}/`;
    await site.core.call('PATCH', path, { config: { ...outpost?.config, log_level: 'error' } });
    await using own = await temporaryFolder();
    await using crew = await startDaemon('radius', { env: { ...site.env, TMPDIR: own.path } });
    await until(() => crew.lines.some(({ event }) => event === 'ready'), 20_000);
    expect(crew.bound('radius').port).toBeGreaterThan(0);
    expect(crew.bound('radsec').port).toBeGreaterThan(0);
    await site.core.call('PATCH', path, { config: outpost?.config });
  });
});
