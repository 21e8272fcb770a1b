// What devices are asked to do with a session that runs on them (RFC 5176): end it, or change what it may. The same bytes after
// 2, 4 and 8 s until the device answers (radius.md B10). Called by session-end.ts and review.ts.
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import { type Attribute, decodePacket, messageAuthenticator, packetCode, signRequest } from '@gatehouse/wire/radius';
import { type DeviceAnswer, noAnswer, readDeviceAnswer } from './answer.ts';
import type { NasLogin } from './logins.ts';

export interface DeviceOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly count: (type: string, result: string) => void;
}

/** What an answer without which there is no session any more says (RFC 5176 §3.5). */
export const sessionContextNotFound = 503;

export interface Devices {
  disconnect(login: NasLogin): Promise<DeviceAnswer>;
  /** @param attributes all that the session shall have from now on; a device cannot be told to take one away */
  change(login: NasLogin, attributes: readonly Attribute[]): Promise<DeviceAnswer>;
}

export function createDevices(options: DeviceOptions): Devices {
  let identifier = 0;
  const next = () => {
    identifier = (identifier + 1) & 0xff;
    return identifier;
  };
  return {
    disconnect: (login) =>
      ask(login, { code: packetCode.disconnectRequest, identifier: next(), attributes: [] }, options),
    change: (login, attributes) => ask(login, { code: packetCode.coaRequest, identifier: next(), attributes }, options),
  };
}

interface Asked {
  readonly code: number;
  readonly identifier: number;
  readonly attributes: readonly Attribute[];
}

const waitsMs = [2_000, 4_000, 8_000] as const;
const eventTimestamp = 55;
const acctSessionIdType = 44;

async function ask(login: NasLogin, asked: Asked, options: DeviceOptions): Promise<DeviceAnswer> {
  const { clock, log, count } = options;
  const bytes = encode(login, asked, clock.now());
  const request = decodePacket(bytes);
  const socket = createSocket(isIPv6(login.client) ? 'udp6' : 'udp4');
  socket.on('error', (error) => log.debug('request not sent', { client: login.client, error: error.message }));
  const ended = new AbortController();
  let answer: DeviceAnswer | undefined;
  socket.on('message', (reply) => {
    answer ??= readDeviceAnswer(reply, request, login.key);
    if (answer !== undefined) ended.abort();
  });
  const signal = AbortSignal.any([options.signal, ended.signal]);
  for (const waitMs of waitsMs) {
    socket.send(bytes, login.port, login.client);
    await clock.sleep(waitMs, signal).catch(() => undefined); // an answer, or the end of the process
    if (signal.aborted) break;
  }
  socket.close();
  const { result, errorCause } = answer ?? noAnswer;
  const isEnd = asked.code === packetCode.disconnectRequest;
  count(isEnd ? 'disconnect' : 'coa', result);
  log.info(isEnd ? 'Disconnect sent' : 'CoA sent', {
    client: login.client,
    username: login.username,
    result,
    ...(errorCause === undefined ? {} : { reason: `Error-Cause ${errorCause}` }),
  });
  return { result, errorCause };
}

function encode(login: NasLogin, { code, identifier, attributes: wanted }: Asked, nowMs: number): Buffer {
  const timestamp = Buffer.alloc(4);
  timestamp.writeUInt32BE(Math.floor(nowMs / 1000));
  const attributes = [
    messageAuthenticator,
    ...login.attributes,
    ...(login.acctSessionId === undefined ? [] : [{ type: acctSessionIdType, value: login.acctSessionId }]),
    ...wanted,
    { type: eventTimestamp, value: timestamp },
  ];
  return signRequest({ code, identifier, authenticator: Buffer.alloc(16), attributes }, login.key);
}
