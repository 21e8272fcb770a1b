// Accounting and Disconnect (radius.md §17, C61–C65, C84) with radclient and a device of our own.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { systemClock } from '@gatehouse/daemon/async';
import { captureLogger } from '@gatehouse/daemon/testing';
import {
  checkMessageAuthenticator,
  createPacketKey,
  decodePacket,
  isRequestAuthenticatorValid,
  messageAuthenticator,
  packetCode,
  signReply,
} from '@gatehouse/wire/radius';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createDevices } from './coa/devices.ts';
import { createNasLogins } from './coa/logins.ts';
import type { Access } from './core.ts';
import type { AdmittedRequest } from './datagram/request.ts';
import { radclient } from './testing/radclient.ts';
import { openRawClient, p1, providerOf, type Running, settings, startTestRadius } from './testing/start.ts';

const vectors: readonly { name: string; hex: string }[] = JSON.parse(
  readFileSync(new URL('../../packages/wire/src/vectors/radius.json', import.meta.url), 'utf8'),
);
const vector = (name: string) => Buffer.from(vectors.find((one) => one.name === name)?.hex ?? '', 'hex');
const key = createPacketKey('testing123');
const events = (radius: Running) => radius.core.seen('/events/events/').map(({ body }) => JSON.parse(body));

describe('accounting', () => {
  test('radius C61: start and stop are events, an interim update is only answered', async () => {
    await using radius = await startTestRadius();
    for (const status of ['Start', 'Interim-Update', 'Stop']) {
      const input = `Acct-Status-Type=${status}, User-Name="alice", Acct-Session-Id="80100011", NAS-IP-Address=192.0.2.13, Acct-Session-Time=60`;
      expect((await radclient(radius.accountingPort, input, { kind: 'acct' })).code).toBe('Accounting-Response');
    }
    await vi.waitFor(() => expect(events(radius).map(({ context }) => context.status)).toEqual(['start', 'stop']));
    expect(events(radius)[0]).toMatchObject({
      action: 'custom_',
      app: 'authentik.providers.radius',
      user: { username: 'alice' },
    });
  });

  test('radius C62: a wrong authenticator is silence, and no event', async () => {
    await using radius = await startTestRadius();
    const input = 'Acct-Status-Type=Start, User-Name="alice", Acct-Session-Id="1"';
    expect((await radclient(radius.accountingPort, input, { kind: 'acct', secret: 'wrong', timeoutS: 1 })).code).toBe(
      'none',
    );
    expect(events(radius)).toEqual([]);
    expect(await radius.metrics()).toContain('reason="bad_authenticator"} 1');
  });

  test('radius C63: a repeated Start is one event and gets the same reply, V27', async () => {
    await using radius = await startTestRadius();
    using first = await openRawClient(radius.accountingPort);
    using second = await openRawClient(radius.accountingPort);
    for (const client of [first, first, second]) expect(await client.ask(vector('V26'))).toEqual(vector('V27'));
    await vi.waitFor(() => expect(events(radius)).toHaveLength(1));
  });

  test('radius C64, C65: with Message-Authenticator; gigawords count', async () => {
    await using radius = await startTestRadius();
    using client = await openRawClient(radius.accountingPort);
    expect((await client.ask(vector('V28'))).length).toBe(20);
    await vi.waitFor(() => expect(events(radius)).toHaveLength(1));
    expect(events(radius)[0].context).toMatchObject({
      bytes_in: 2 * 2 ** 32 + 4294967280,
      bytes_out: 1234,
      seconds: 3600,
    });
  });

  test('radius B08: while the core is away records wait, and arrive once', async () => {
    await using radius = await startTestRadius();
    radius.core.fail('events', 503);
    using client = await openRawClient(radius.accountingPort);
    await client.ask(vector('V26'));
    await vi.waitFor(() => expect(events(radius).length).toBeGreaterThan(0));
    const failed = events(radius).length;
    radius.core.fail('events', undefined);
    await vi.waitFor(() => expect(events(radius)).toHaveLength(failed + 1), { timeout: 5_000 });
  });
});

describe('Disconnect', () => {
  const login = decodePacket(vector('V03'));
  const provider = providerOf(p1);
  const request = (packet = login, coaPort = 3799): AdmittedRequest => ({
    packet,
    provider,
    key,
    client: '127.0.0.1',
    settings: { ...settings, coaPort },
    port: 'authentication',
    owner: undefined,
    repetitions: { whenRepeated() {} },
  });
  const session = { id: 'session-1', cookie: '', expiresAtMs: undefined };
  const access: Access = {
    kind: 'accepted',
    sessionId: session.id,
    username: 'alice',
    userPk: 1,
    providerPk: 1,
    expiresAtMs: undefined,
    attributes: undefined,
    groups: [],
  };
  const device = async () => {
    const socket = createSocket('udp4');
    onTestFinished(() => void socket.close());
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return socket;
  };

  for (const [code, result] of [
    [packetCode.disconnectAck, 'ack'],
    [packetCode.disconnectNak, 'nak'],
  ] as const)
    test(`radius C84: the device gets a request like V42 and its ${result} ends it`, async () => {
      const nas = await device();
      const logins = createNasLogins(systemClock);
      logins.remember(request(login, nas.address().port), access, []);
      logins.link(request(decodePacket(vector('V26'))), false);
      const received = once(nas, 'message');
      const [held] = logins.take('session-1');
      if (held === undefined) throw new Error('not remembered');
      const counted: string[] = [];
      const options = {
        clock: systemClock,
        log: captureLogger(),
        signal: new AbortController().signal,
      };
      const devices = createDevices({ ...options, count: (...one) => void counted.push(one.join(' ')) });
      const ended = devices.disconnect(held);
      const [bytes, from] = await received;
      const packet = decodePacket(bytes);
      expect(packet.code).toBe(40);
      expect([isRequestAuthenticatorValid(packet, key), checkMessageAuthenticator(packet, key)]).toEqual([
        true,
        'valid',
      ]);
      expect(packet.attributes[0]?.type).toBe(80);
      expect(packet.attributes.map(({ type }) => type)).toEqual(expect.arrayContaining([1, 4, 55]));
      nas.send(signReply({ code, attributes: [messageAuthenticator] }, packet, key), from.port, from.address);
      expect(await ended).toEqual({ result, errorCause: undefined });
      expect(counted).toEqual([`disconnect ${result}`]);
      expect(logins.size).toBe(0);
    });

  test('radius B10: a Stop of the device forgets its login', () => {
    const logins = createNasLogins(systemClock);
    logins.remember(request(), access, []);
    logins.link(request(), true);
    expect(logins.take('session-1')).toEqual([]);
  });
});
