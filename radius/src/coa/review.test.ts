// A device that says nothing to a CoA-Request, with a socket of our own as the device and a clock to turn.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { captureLogger, fakeClock } from '@gatehouse/daemon/testing';
import { createPacketKey, decodePacket, messageAuthenticator, packetCode, signReply } from '@gatehouse/wire/radius';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Access } from '../core.ts';
import type { AdmittedRequest } from '../datagram/request.ts';
import { p1, providerOf, settings } from '../testing/start.ts';
import { createDevices } from './devices.ts';
import { createNasLogins } from './logins.ts';
import { createReview } from './review.ts';

const key = createPacketKey('testing123');
const filterId = (value: string) => ({ type: 11, value: Buffer.from(value) });
const { coaRequest, disconnectRequest, disconnectAck } = packetCode;
/** User-Name, and a Calling-Station-Id. */
const login = decodePacket(
  Buffer.from(`0101002d${'00'.repeat(16)}0107616c696365${'1f1230322d30302d30302d30302d30302d3031'}`, 'hex'),
);

/** A session with one Filter-Id that shall have another, on a device that answers what it is told to end and nothing else. */
async function start(coaOnChange: 'change' | 'change_or_disconnect') {
  const received: Buffer[] = [];
  const device = createSocket('udp4');
  onTestFinished(() => void device.close());
  device.on('error', () => undefined);
  device.on('message', (bytes, from) => {
    received.push(bytes);
    const request = decodePacket(bytes);
    if (request.code === disconnectRequest)
      device.send(signReply({ code: disconnectAck, attributes: [messageAuthenticator] }, request, key), from.port);
  });
  device.bind(0, '127.0.0.1');
  await once(device, 'listening');
  const [clock, log] = [fakeClock(), captureLogger()];
  const ending = new AbortController();
  onTestFinished(() => ending.abort());
  const counted: string[] = [];
  const logins = createNasLogins(clock);
  const access: Access = {
    kind: 'accepted',
    sessionId: 'session-1',
    username: 'alice',
    userPk: 1,
    providerPk: 1,
    expiresAtMs: undefined,
    attributes: undefined,
    groups: [],
    askAgain: async () => access,
  };
  const request: AdmittedRequest = {
    packet: login,
    provider: providerOf(p1),
    key,
    client: '127.0.0.1',
    settings: { ...settings, coaPort: device.address().port, coaOnChange },
    port: 'authentication',
    owner: undefined,
    repetitions: { whenRepeated() {} },
  };
  logins.remember(request, access, [filterId('before')]);
  const options = { clock, log, signal: ending.signal };
  const review = createReview({
    ...options,
    logins,
    devices: createDevices({ ...options, count: (...one) => void counted.push(one.join(' ')) }),
    timeoutMs: 60_000,
    asking: {
      access: () => access,
      log,
      readAttributes: () => ({ kind: 'attributes', attributes: [], dropped: [], isHidden: false }),
      policyAttributes: () => [filterId('after')],
    },
  });
  review();
  // Each time it is sent somebody waits for the answer, until the clock is turned on.
  for (const [at, waitMs] of [2_000, 4_000, 8_000].entries()) {
    await vi.waitFor(() => expect(received.length).toBe(at + 1), { timeout: 10_000 });
    await clock.advance(waitMs);
  }
  return { received, counted, logins, log };
}

test('radius B10: silence is no refusal: three times the same bytes, then the session is ended where that is allowed', async () => {
  const { received, counted, logins } = await start('change_or_disconnect');
  await vi.waitFor(() => expect(counted).toEqual(['coa timeout', 'disconnect ack']), { timeout: 10_000 });
  expect(received.map((bytes) => decodePacket(bytes).code)).toEqual([
    coaRequest,
    coaRequest,
    coaRequest,
    disconnectRequest,
  ]);
  expect(new Set(received.slice(0, 3).map((bytes) => bytes.toString('hex'))).size).toBe(1);
  expect(logins.size).toBe(0);
});

test('radius B10: where it is not, the device goes on as before, its session is still known, and the log says so', async () => {
  const { received, counted, logins, log } = await start('change');
  await vi.waitFor(() => expect(log.lines.some(({ event }) => event === 'session not changed')).toBe(true), {
    timeout: 10_000,
  });
  expect(counted).toEqual(['coa timeout']);
  expect(received).toHaveLength(3);
  expect(logins.granted()).toMatchObject([{ granted: { attributes: [filterId('before')] } }]);
});
